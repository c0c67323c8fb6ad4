"""The model that texts are read with: what it learnt from, how good it is, how far the reading again has come."""

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import HTMLResponse, Response

from app.api.model import ask_to_train
from app.api.taxonomy import read_all_again
from app.auth import allow
from app.db import DB
from app.pages.common import go, render, words_of
from app.reading.model import in_use
from app.training import go_back

router = APIRouter(dependencies=[allow("viewer", change="admin")])


@router.get("/settings/model")
def page(request: Request, session: DB) -> HTMLResponse:
    """The model in use, and the reading again."""
    return render(request, "settings_model.html", words_of(request), model=in_use(session))


@router.post("/settings/model/train")
def train(request: Request) -> Response:
    """Have a worker train."""
    return go("/settings/model", "training" if ask_to_train(request) else "unchanged")


@router.post("/settings/model/shipped")
def shipped(request: Request, session: DB, background: BackgroundTasks) -> Response:
    """Read with the shipped model again."""
    changed = go_back(session, request.app.state.settings, actor=request.state.actor)
    if changed:
        read_all_again(request, session, background)
    answer = go("/settings/model", "saved" if changed else "unchanged")
    answer.background = background
    return answer

"""Credentials of sources: entered, rotated, never shown."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app import credentials as keeping
from app.api.credentials import enter
from app.audit import record
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.pages.common import go, render, words_of

router = APIRouter(dependencies=[allow("editor", change="admin")])


@router.get("/credentials")
def page(request: Request, session: DB) -> HTMLResponse:
    """What there is, whether it works, and a form."""
    return _page(request, session)


def _page(request: Request, session: DB, problem: Problem | None = None, name: str = "") -> HTMLResponse:
    return render(
        request,
        "credentials.html",
        words_of(request),
        status=problem.status if problem else 200,
        shown=keeping.shown(session),
        problem=problem,
        given=name,
    )


@router.post("/credentials")
def entered(
    request: Request,
    session: DB,
    background: BackgroundTasks,
    name: Annotated[str, Form(max_length=100)] = "",
    secret: Annotated[str, Form(max_length=70_000)] = "",
) -> Response:
    """Enter one, or rotate it."""
    try:
        enter(request, session, background, name.strip(), secret)
    except Problem as problem:
        if problem.status != 422:
            raise
        return _page(request, session, problem, name)
    return go("/credentials", "saved")


@router.post("/credentials/{name}/delete")
def removed(name: str, request: Request, session: DB) -> RedirectResponse:
    """Forget one that no source uses."""
    keeping.remove(session, name)
    record(session, request, "credential.removed", name=name)
    return go("/credentials", "saved")

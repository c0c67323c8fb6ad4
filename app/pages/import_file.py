"""Importing a file of reviews: choose it, see what its columns are taken for, and what became of its rows."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from app.api.shapes import RowId
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.pages.common import find_app, render, words_of
from app.uploads import LARGEST, Taken, Upload, received, take_in
from models.apps import App

router = APIRouter(dependencies=[allow("viewer", change="editor")])
CHANNELS = ("app_store", "google_play", "file")


@router.get("/apps/{app_id}/sources/import")
def page(app_id: RowId, request: Request, session: DB) -> HTMLResponse:
    """The form."""
    return _page(request, session, find_app(session, app_id))


@router.post("/apps/{app_id}/sources/import")
def take(app_id: RowId, request: Request, session: DB, upload: Annotated[Upload, Depends(received)]) -> HTMLResponse:
    """Import it, or only say what its columns are taken for; the form comes again beneath."""
    app = find_app(session, app_id)
    try:
        return _page(request, session, app, upload, take_in(request, session, app, upload))
    except Problem as problem:
        if problem.status not in {409, 422, 429}:
            raise
        return _page(request, session, app, upload, problem=problem)


def _page(
    request: Request,
    session: Session,
    app: App,
    upload: Upload | None = None,
    taken: Taken | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    return render(
        request,
        "import.html",
        words_of(request),
        status=problem.status if problem else 200,
        app=app,
        tab="sources",
        upload=upload,
        taken=taken,
        problem=problem,
        channels=CHANNELS,
        largest=LARGEST >> 20,
    )

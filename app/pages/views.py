"""Saved views: the forms of the list of verbatims."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from app import views
from app.api.shapes import Name, RowId, Text
from app.auth import allow
from app.db import DB
from app.pages.common import find_app, go, safe_back

router = APIRouter(dependencies=[allow("viewer", change="editor")])


@router.post("/apps/{app_id}/views")
def keep(
    app_id: RowId,
    request: Request,
    session: DB,
    name: Annotated[Name, Form(max_length=80)],
    query: Annotated[Text, Form()] = "",
) -> RedirectResponse:
    """Save the list that is on the page, and show it again."""
    find_app(session, app_id)
    views.keep(session, app_id, name, query.lstrip("?"), actor=request.state.actor)
    return RedirectResponse(safe_back(f"/apps/{app_id}/reviews?{query}"), 303)


@router.post("/apps/{app_id}/views/{view_id}/delete")
def drop(app_id: RowId, view_id: RowId, request: Request, session: DB) -> RedirectResponse:
    """Delete a view; what it shows stays."""
    views.drop(session, app_id, view_id, actor=request.state.actor)
    return go(f"/apps/{app_id}/reviews", "deleted")

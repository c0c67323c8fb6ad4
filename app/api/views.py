"""Saved views: lists of verbatims under a name."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from app import views
from app.api.apps import app_or_404
from app.api.shapes import Body, Name, RowId, Text
from app.auth import allow
from app.db import DB
from app.reading.views import saved_views

router = APIRouter(tags=["views"], dependencies=[allow("viewer", change="editor")])


class ViewOut(BaseModel):
    """A list under a name."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str
    query: str = Field(description="what follows the question mark of /apps/{app_id}/reviews")
    saved_by: str
    created_at: datetime


class Views(BaseModel):
    """By name."""

    items: list[ViewOut]


class NewView(Body):
    """What to save."""

    name: Annotated[Name, Field(max_length=80)]
    query: Text = ""


@router.get("/apps/{app_id}/views")
def list_views(app_id: RowId, session: DB) -> Views:
    """The app's saved views."""
    app_or_404(session, app_id)
    return Views(items=[ViewOut.model_validate(view) for view in saved_views(session, app_id)])


@router.post("/apps/{app_id}/views", status_code=201)
def save_view(app_id: RowId, body: NewView, request: Request, session: DB) -> ViewOut:
    """Save a list; a name that is there already gets the new one."""
    app_or_404(session, app_id)
    kept = views.keep(session, app_id, body.name, body.query.lstrip("?"), actor=request.state.actor)
    session.refresh(kept)
    return ViewOut.model_validate(kept)


@router.delete("/apps/{app_id}/views/{view_id}", status_code=204)
def delete_view(app_id: RowId, view_id: RowId, request: Request, session: DB) -> None:
    """Delete it; what it shows stays."""
    views.drop(session, app_id, view_id, actor=request.state.actor)

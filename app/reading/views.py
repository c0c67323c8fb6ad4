"""Saved views: lists of verbatims that colleagues gave a name."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.finding import SavedView


def saved_views(session: Session, app_id: int) -> Sequence[SavedView]:
    """The views of an app, by name."""
    return session.scalars(select(SavedView).where(SavedView.app_id == app_id).order_by(SavedView.name)).all()

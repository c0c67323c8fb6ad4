"""What people decide about saved views: keep one under a name, or drop it."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Problem, not_found
from models.finding import SavedView
from models.people import Audit

MOST = 50


def keep(session: Session, app_id: int, name: str, query: str, *, actor: str) -> SavedView:
    """Save a list under a name; a name that is there already gets the new list. Raises Problem 409 above fifty."""
    name = " ".join(name.split())
    view = session.scalar(select(SavedView).where(SavedView.app_id == app_id, SavedView.name == name))
    if view is None:
        if (session.scalar(select(func.count()).where(SavedView.app_id == app_id)) or 0) >= MOST:
            raise Problem(409, "This app has fifty saved views: delete one first.")
        view = SavedView(app_id=app_id, name=name, query=query, saved_by=actor)
        session.add(view)
    view.query, view.saved_by = query, actor
    session.add(Audit(actor=actor, action="view.saved", detail={"app": app_id, "name": name}))
    session.flush()
    return view


def drop(session: Session, app_id: int, view_id: int, *, actor: str) -> None:
    """Delete it. Raises Problem 404."""
    view = session.get(SavedView, view_id)
    if view is None or view.app_id != app_id:
        raise not_found("view")
    session.add(Audit(actor=actor, action="view.deleted", detail={"app": app_id, "name": view.name}))
    session.delete(view)
    session.flush()

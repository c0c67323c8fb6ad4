"""Who changed what: a line in the transaction of the change, so that neither is kept without the other."""

from datetime import datetime
from typing import Any

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.people import Audit


def record(session: Session, request: Request, action: str, **detail: Any) -> None:
    """Note that the caller did `action` (“source.changed”); `detail` holds names and values, never a secret."""
    caller = getattr(request.state, "caller", None)
    session.add(Audit(actor=caller.label if caller else "nobody", action=action, detail=plain(detail)))


def plain(detail: dict[str, Any]) -> dict[str, Any]:
    """The detail as JSON can hold it."""
    return {name: value if _json(value) else str(value) for name, value in detail.items() if value is not None}


def _json(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_json(each) for each in value)
    if isinstance(value, dict):
        return all(isinstance(name, str) and _json(each) for name, each in value.items())
    return value is None or isinstance(value, str | int | float | bool)


def lines(
    session: Session,
    *,
    actor: str | None = None,
    action: str | None = None,
    first: datetime | None = None,
    last: datetime | None = None,
    before: int | None = None,
    limit: int | None = 50,
) -> list[Audit]:
    """The newest lines first. `action` is one action, or a subject with all that was done to it (“source”)."""
    query = select(Audit).order_by(Audit.id.desc())
    if actor:
        query = query.where(Audit.actor == actor)
    if action:
        query = query.where((Audit.action == action) | Audit.action.startswith(f"{action}.", autoescape=True))
    if first:
        query = query.where(Audit.at >= first)
    if last:
        query = query.where(Audit.at < last)
    if before:
        query = query.where(Audit.id < before)
    return list(session.scalars(query if limit is None else query.limit(limit)))

"""Who changed what: a line in the transaction of the change, so that neither is kept without the other."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session

from app.db import DB
from app.guard import SAFE
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


UNTOLD = frozenset({"audit", "incident_events", "deliveries", "inbox", "sessions", "attempts", "invitations", "runs"})
"""Tables whose rows are themselves a record, or of no interest to who asks what was changed."""
_SECRET = re.compile("sealed|secret|password|hash|token|key")
_MOST = 20


@event.listens_for(Session, "after_attach")
def _told(session: Session, row: object) -> None:
    if isinstance(row, Audit):
        session.info["told"] = True


@event.listens_for(Session, "before_flush")
def _note(session: Session, *_: object) -> None:
    """Keep what this flush writes, where a request wants it noted (`leave_trace`)."""
    kept: list[tuple[str, dict[str, Any]]] | None = session.info.get("changes")
    if kept is None:
        return
    for verb, rows in (("created", session.new), ("changed", session.dirty), ("deleted", session.deleted)):
        for row in rows:
            table = getattr(row, "__tablename__", "")
            if table and table not in UNTOLD and (verb != "changed" or session.is_modified(row)):
                kept.append((f"{_one(table)}.{verb}", {"row": row, **_values(row, verb)}))


def _one(table: str) -> str:
    return f"{table[:-3]}y" if table.endswith("ies") else table.removesuffix("s")


def _values(row: Any, verb: str) -> dict[str, Any]:
    """What changed, from what to what; of secrets only that they changed."""
    told: dict[str, Any] = {}
    for attribute in inspect(row).mapper.column_attrs:
        name = attribute.key
        if verb == "changed":
            history = inspect(row).attrs[name].history
            if history.has_changes():
                before, after = (history.deleted or [None])[0], (history.added or [None])[0]
                told[name] = "changed" if _SECRET.search(name) else [_short(before), _short(after)]
        elif name in {"name", "email", "kind", "title", "app_id", "channel"}:
            told[name] = _short(getattr(row, name))
    return told


def _short(value: object) -> object:
    value = value if _json(value) else str(value)
    return value if len(str(value)) <= 200 else f"{str(value)[:200]}…"


async def leave_trace(request: Request, session: DB) -> AsyncIterator[None]:
    """Note what a request changed, in its own transaction, unless the route said it better itself (`record`).

    A dependency of the whole application: no route can forget it. A request that failed leaves nothing. Async, so that
    reading a page waits for no other thread.
    """
    if request.method in SAFE:
        yield
        return
    changes: list[tuple[str, dict[str, Any]]] = []
    session.info["changes"] = changes
    yield
    caller = getattr(request.state, "caller", None)
    if caller is not None:
        await run_in_threadpool(_leave, session, caller.label, changes)


def _leave(session: Session, actor: str, changes: list[tuple[str, dict[str, Any]]]) -> None:
    session.flush()
    if session.info.get("told"):
        return
    for action, detail in changes[:_MOST]:
        row = detail.pop("row")
        session.add(Audit(actor=actor, action=action, detail=plain({"id": getattr(row, "id", None), **detail})))
    if len(changes) > _MOST:
        session.add(Audit(actor=actor, action="and.more", detail={"rows": len(changes) - _MOST}))

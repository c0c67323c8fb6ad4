"""Sources: is everything complete, and if not, what is missing and how is it mended."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app import audit, clock, jobs
from app.api.shapes import RowId
from app.auth import allow
from app.db import DB
from app.errors import Problem, not_found
from app.pages.common import find_app, go, render, safe_back, words_of
from app.pages.headlines import sources_headline
from app.quarantine import reasons
from app.reading import sources
from app.reading.apps import today
from app.reading.checks import checks
from models.inbound import Hook
from models.sources import Source

router = APIRouter(dependencies=[allow("viewer", change="editor")])


@router.get("/sources")
def everywhere(request: Request, session: DB) -> HTMLResponse:
    """The sources of all apps."""
    return _list(request, session, None)


@router.get("/apps/{app_id}/sources")
def of_app(app_id: int, request: Request, session: DB) -> HTMLResponse:
    """The sources of one app."""
    return _list(request, session, app_id)


def _list(request: Request, session: DB, app_id: int | None) -> HTMLResponse:
    app = find_app(session, app_id) if app_id is not None else None
    words = words_of(request, app)
    found = sources.states(session, app_id)
    day = today(app) if app else clock.now().date()
    return render(
        request,
        "sources.html",
        words,
        app=app,
        tab="sources",
        today=day,
        headline=sources_headline(words, found, day),
        states=found,
        pauses=sources.pauses(session),
        unread=reasons(session, [state.source.id for state in found if state.quarantined]),
        checks=checks(session, list({state.app.id: state.app for state in found}.values())),
        running=any(state.running or _just_added(state) for state in found),
        schemes={one["kind"]: one.get("scheme", "") for one in getattr(request.app.state, "kinds", [])},
        hooks=_hooks(session, [state.source.id for state in found]),
        asked=request.query_params.get("done") in {"queued", "backfill"},
    )


def _hooks(session: Session, sources: Sequence[int]) -> dict[int, Hook]:
    """The open addresses of these sources."""
    found = session.scalars(select(Hook).where(Hook.source_id.in_(sources), Hook.enabled))
    return {hook.source_id: hook for hook in found}


def _just_added(state: sources.State) -> bool:
    """Whether its first walk is about to begin (by the real clock, as the database dates its making)."""
    fresh = datetime.now(UTC) - state.source.created_at < timedelta(minutes=5)
    return fresh and not state.runs and state.source.enabled and state.source.rhythm_minutes is not None


@router.post("/sources/{source_id}/{action}")
def act(
    source_id: RowId,
    action: Literal["run", "backfill", "pause", "resume", "replay"],
    request: Request,
    session: DB,
    background: BackgroundTasks,
    back: Annotated[str, Form(max_length=300)] = "/sources",
) -> RedirectResponse:
    """Read it now, read its whole history again, or stop and go on."""
    source = session.get(Source, source_id)
    if source is None:
        raise not_found("source")
    if action in {"pause", "resume"}:
        source.enabled = action == "resume"
        return go(safe_back(back), "saved")
    if action == "replay":
        ask_for_replay(request, background, source)
        return go(safe_back(back), "queued")
    ask_for_walk(request, background, source, "manual" if action == "run" else "backfill")
    return go(safe_back(back), "queued" if action == "run" else "backfill")


def ask_for_walk(request: Request, background: BackgroundTasks, source: Source, trigger: str) -> None:
    """Queue the walk once this request has committed, so that the worker finds what it made."""
    defer = getattr(request.app.state, "defer", None)
    if defer is None:
        raise Problem(503, "No job queue runs with this server: start it with “cocoon up” or “cocoon web”.")
    background.add_task(jobs.ask_for_walk, defer, source, trigger)
    session = object_session(source)
    if session is not None and trigger != "first":
        audit.record(session, request, "source.asked", source=source.id, name=source.name, trigger=trigger)


def ask_for_replay(request: Request, background: BackgroundTasks, source: Source) -> None:
    """Queue a replay of the source's quarantine. Raises Problem where no queue runs with this server."""
    defer = getattr(request.app.state, "defer", None)
    if defer is None:
        raise Problem(503, "No job queue runs with this server: start it with “cocoon up” or “cocoon web”.")
    background.add_task(defer, "replay", f"source:{source.id}", source_id=source.id)
    session = object_session(source)
    if session is not None:
        audit.record(session, request, "source.asked", source=source.id, name=source.name, trigger="replay")

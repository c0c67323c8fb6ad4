"""Incidents in the database: what a look changes, with the messages written at each change.

Every function works in the caller's transaction: the incident, its timeline and its deliveries are one commit.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from alerts.announce import tell_end, tell_more, tell_opening
from alerts.life import Change, Finding, advance
from models.apps import App
from models.incidents import Incident, IncidentEvent


class IncidentError(Exception):
    """What was asked cannot be done to this incident; the message says why."""


def reconcile(
    session: Session,
    app: App,
    findings: Iterable[Finding],
    *,
    now: datetime,
    quiet: bool = False,
    base_url: str = "",
) -> list[Change]:
    """Apply a look's findings: open, support, raise, strengthen, resolve; write the timeline and the deliveries.

    `now` is the story's clock. `quiet` (a first import or a backfill): what opens is history and is never sent, and
    nothing else is sent either. A live look that sees more of such an incident wakes it: it is told then. Two at
    once for one app wait for each other, so that an episode opens once.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('cocoon:incidents', :app))"), {"app": app.id})
    live = list(
        session.scalars(
            select(Incident)
            .where(Incident.app_id == app.id, Incident.state != "resolved")
            .order_by(Incident.opened_at)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )
    if quiet:  # an end is news: the next look that may speak tells it
        findings = [finding for finding in findings if "recovered" not in finding.evidence]
    changes = advance(app.id, live, findings, now, "history" if quiet else "live")
    for change in changes:
        if change.kind == "opened":
            session.add(change.incident)
        add_event(session, change.incident, change.kind, now, detail=change.detail)
    session.flush()
    if not quiet:
        fresh = {change.incident.id for change in changes if change.kind in {"opened", "raised"}}
        for change in changes:
            if _wakes(change):
                change.incident.origin = "live"
                tell_opening(session, app, change.incident, "raised", now=now, base_url=base_url)
            elif change.kind in {"opened", "raised"}:
                tell_opening(session, app, change.incident, change.kind, now=now, base_url=base_url)
            elif change.kind == "added_up" and change.incident.id not in fresh:  # else the first message has it all
                tell_more(session, app, change.incident, change.finding.day, now=now, base_url=base_url)
            elif change.kind == "resolved":
                blind = (change.finding.unseen, change.finding.since) if change.finding.unseen else None
                tell_end(session, app, change.incident, now, base_url, ended=change.finding.day, blind=blind)
        session.flush()
    return changes


def _wakes(change: Change) -> bool:
    """Whether a live look sees more of an incident that a first import had found: then it is history no longer.

    Without this, what grows out of a finding of the import would stay unsaid for ever.
    """
    if change.incident.origin != "history":
        return False
    return change.kind == "raised" or (change.kind == "supported" and change.finding.level == "alert")


def take(session: Session, app_id: int, incident_id: UUID) -> Incident:
    """Lock an incident for a change, after any look that is under way. Raises IncidentError where there is none."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('cocoon:incidents', :app))"), {"app": app_id})
    incident = session.get(Incident, (app_id, incident_id), with_for_update=True, populate_existing=True)
    if incident is None:
        raise IncidentError("There is no such incident.")
    return incident


def add_event(
    session: Session,
    incident: Incident,
    kind: str,
    now: datetime,
    *,
    actor: str = "cocoon",
    detail: dict[str, Any] | None = None,
) -> None:
    """Put a line on its timeline."""
    session.add(
        IncidentEvent(
            app_id=incident.app_id, incident_id=incident.id, at=now, kind=kind, actor=actor, detail=detail or {}
        )
    )

"""What people decide of an incident: acknowledge, silence, resolve, open again, note; told with the same commit."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.announce import local_day, tell_end, tell_in_place, tell_opening
from alerts.incidents import IncidentError, add_event, take
from models.apps import App
from models.incidents import Incident


def acknowledge(
    session: Session, app_id: int, incident_id: UUID, *, actor: str, now: datetime, base_url: str = ""
) -> Incident:
    """Say that somebody looks after it. Raises IncidentError when it is over or not there."""
    incident = take(session, app_id, incident_id)
    if incident.state == "resolved":
        raise IncidentError("This incident is resolved; reopen it first.")
    if incident.state != "acknowledged":
        incident.state, incident.acknowledged_at, incident.acknowledged_by = "acknowledged", now, actor
        _done(session, incident, "acknowledged", now, actor=actor)
        tell_in_place(session, incident, "incident.acknowledged", actor, now, base_url)
    return incident


def silence(
    session: Session,
    app_id: int,
    incident_id: UUID,
    *,
    until: datetime | None,
    actor: str,
    now: datetime,
    base_url: str = "",
) -> Incident:
    """Send nothing about it until a moment; None ends a silence. Raises IncidentError for the past or once resolved."""
    incident = take(session, app_id, incident_id)
    if until is not None and until <= now:
        raise IncidentError("A silence ends in the future.")
    if incident.state == "resolved":
        raise IncidentError("This incident is resolved; there is nothing to silence.")
    incident.silenced_until = until
    detail = {"until": until.isoformat() if until else None}
    _done(session, incident, "silenced" if until else "unsilenced", now, actor=actor, detail=detail)
    what = "incident.silenced" if until else "incident.unsilenced"
    tell_in_place(session, incident, what, actor, now, base_url)
    return incident


def resolve(
    session: Session, app: App, incident_id: UUID, *, actor: str, now: datetime, base_url: str = ""
) -> Incident:
    """Close it by hand; those who were told that it began are told once that it is over."""
    incident = take(session, app.id, incident_id)
    if incident.state == "resolved":
        return incident
    incident.state, incident.resolved_at, incident.silenced_until = "resolved", now, None
    _done(session, incident, "resolved", now, actor=actor)
    tell_end(session, app, incident, now, base_url, ended=local_day(app, now), actor=actor)
    return incident


def reopen(session: Session, app: App, incident_id: UUID, *, actor: str, now: datetime, base_url: str = "") -> Incident:
    """Open a resolved incident again. Raises IncidentError when another of the same rule and subject is live."""
    incident = take(session, app.id, incident_id)
    if incident.state != "resolved":
        raise IncidentError("This incident is open.")
    same = select(Incident.id).where(
        Incident.app_id == app.id,
        Incident.rule == incident.rule,
        Incident.subject == incident.subject,
        Incident.state != "resolved",
    )
    if session.scalar(same) is not None:
        raise IncidentError("A newer incident of the same rule and subject is open; look after that one.")
    incident.state, incident.resolved_at = "open", None
    incident.acknowledged_at = incident.acknowledged_by = None
    incident.last_above_day = max(incident.last_above_day, local_day(app, now))  # its 14 calm days begin anew
    # What had shown its end counts no more: only what is written from today on can show it again.
    kept = {name: value for name, value in incident.evidence.items() if name != "recovered"}
    incident.evidence = {**kept, "reopened": str(local_day(app, now))}
    _done(session, incident, "reopened", now, actor=actor)
    tell_opening(session, app, incident, "reopened", now=now, base_url=base_url, actor=actor)
    return incident


def add_note(session: Session, app_id: int, incident_id: UUID, words: str, *, actor: str, now: datetime) -> Incident:
    """Put a person's words on the timeline."""
    incident = take(session, app_id, incident_id)
    _done(session, incident, "note", now, actor=actor, detail={"text": words})
    return incident


def _done(
    session: Session,
    incident: Incident,
    kind: str,
    now: datetime,
    *,
    actor: str,
    detail: dict[str, Any] | None = None,
) -> None:
    incident.updated_at = now
    add_event(session, incident, kind, now, actor=actor, detail=detail)
    session.flush()

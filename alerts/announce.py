"""Who is told of what becomes of an incident: each message is written with the change, in the caller's transaction."""

from datetime import date, datetime
from typing import Any
from uuid import uuid4, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from alerts.groups import same_elsewhere
from alerts.irritant_names import for_machines, know_irritant
from alerts.life import calm_of, mark_told
from alerts.messages import added_up_message, naming, opened_message, reopened_message, resolved_message, state_message
from alerts.outbox import enqueue
from alerts.routes import ways
from models.apps import App
from models.incidents import Delivery, Destination, Incident, IncidentEvent

IN_PLACE = frozenset({"slack_bot"})
"""Kinds whose message of an incident is changed in place, so that they are told of every decision."""


def tell_opening(
    session: Session,
    app: App,
    incident: Incident,
    what: str,
    *,
    now: datetime,
    base_url: str,
    actor: str | None = None,
) -> None:
    """Write a message for each destination that wants this severity; the first that one gets is an opening."""
    if silent(incident, now):
        return
    event_id = uuid5(incident.id, f"{what}:{openings(session, incident)}")
    told = told_of(session, incident)
    mark_told(incident, local_day(app, now))
    know_irritant(session, incident)
    elsewhere = same_elsewhere(session, incident)
    for way in ways(session, destinations_of(session, app), incident):
        destination = way.destination
        identity = identity_of(incident, now, base_url)
        kind = "incident.updated" if what == "raised" and destination.id in told else "incident.opened"
        if actor is not None:
            message = reopened_message(app.name, incident, app.language, actor=actor, **identity)
        else:
            message = opened_message(kind, app.name, incident, app.language, **identity)
            message = naming(message, [other.name for _, other in elsewhere])
        enqueue(
            session,
            app_id=app.id,
            destination_id=destination.id,
            kind=kind,
            event_id=event_id,
            message=message,
            incident_id=incident.id,
            wakes=way.wakes,
        )


def tell_more(session: Session, app: App, incident: Incident, day: date, *, now: datetime, base_url: str) -> None:
    """Write a short follow-up for those who were told: other signals have confirmed it. At most one a day."""
    if silent(incident, now):
        return
    told = told_of(session, incident)
    know_irritant(session, incident)
    for way in ways(session, destinations_of(session, app), incident):
        if way.destination.id in told:
            message = added_up_message(app.name, incident, app.language, **identity_of(incident, now, base_url))
            enqueue(
                session,
                app_id=app.id,
                destination_id=way.destination.id,
                kind=message.kind,
                event_id=uuid5(incident.id, f"added_up:{day}"),
                message=message,
                incident_id=incident.id,
                wakes=way.wakes,
            )


def tell_end(
    session: Session,
    app: App,
    incident: Incident,
    now: datetime,
    base_url: str,
    *,
    ended: date,
    actor: str | None = None,
    blind: tuple[str, date] | None = None,
) -> None:
    """Tell the end, once, to those who were told of this opening (a message given up does not count as told)."""
    if silent(incident, now):
        return
    told = told_of(session, incident)
    event_id = uuid5(incident.id, f"resolved:{openings(session, incident)}")
    know_irritant(session, incident)
    message = resolved_message(
        app.name,
        incident,
        app.language,
        opened=incident.opened_day,
        ended=ended,
        calm_days=calm_of(incident),
        actor=actor,
        blind=blind,
        **identity_of(incident, now, base_url),
    )
    for destination in destinations_of(session, app):
        if destination.id in told:
            enqueue(
                session,
                app_id=app.id,
                destination_id=destination.id,
                kind=message.kind,
                event_id=event_id,
                message=message,
                incident_id=incident.id,
            )


def tell_in_place(session: Session, incident: Incident, kind: str, actor: str, now: datetime, base_url: str) -> None:
    """Write the new state for those that were told and keep their message up to date; nobody else is disturbed."""
    app = session.get_one(App, incident.app_id)
    kept = [one for one in destinations_of(session, app) if one.kind in IN_PLACE]
    told = told_of(session, incident) if kept and incident.origin != "history" else set()
    for destination in kept:
        if destination.id in told:
            identity = identity_of(incident, now, base_url)
            enqueue(
                session,
                app_id=app.id,
                destination_id=destination.id,
                kind=kind,
                event_id=uuid4(),  # each decision is one
                message=state_message(
                    kind, app.name, incident, app.language, actor=actor, zone=app.timezone, **identity
                ),
                incident_id=incident.id,
            )


def silent(incident: Incident, now: datetime) -> bool:
    """Whether nothing is to be sent about an incident: it is history, or silenced."""
    return incident.origin == "history" or (incident.silenced_until is not None and incident.silenced_until > now)


def openings(session: Session, incident: Incident) -> int:
    """Count how often it was opened: once, and once for each time that a person opened it again."""
    session.flush()
    return (
        session.scalar(
            select(func.count()).where(
                IncidentEvent.app_id == incident.app_id,
                IncidentEvent.incident_id == incident.id,
                IncidentEvent.kind.in_(("opened", "reopened")),
            )
        )
        or 0
    )


def told_of(session: Session, incident: Incident) -> set[int]:
    """Return the destinations that were told of its opening, or are about to be."""
    return set(
        session.scalars(
            select(Delivery.destination_id).where(
                Delivery.app_id == incident.app_id,
                Delivery.incident_id == incident.id,
                Delivery.kind == "incident.opened",
                Delivery.state != "dead",
            )
        )
    )


def destinations_of(session: Session, app: App) -> list[Destination]:
    """Return the enabled destinations of an app."""
    return list(
        session.scalars(
            select(Destination).where(
                Destination.enabled, or_(Destination.app_id.is_(None), Destination.app_id == app.id)
            )
        )
    )


def identity_of(incident: Incident, now: datetime, base_url: str) -> dict[str, Any]:
    """Return the fields of a message that name the incident, and the fact for machines."""
    return {
        "severity": incident.severity,
        "incident_id": str(incident.id),
        "link": f"{base_url}/incidents/{incident.id}",
        "data": {
            "at": now.isoformat(),
            "rule": incident.rule,
            "subject": incident.subject,
            "state": incident.state,
            "acknowledged_by": incident.acknowledged_by,
            "silenced_until": incident.silenced_until.isoformat() if incident.silenced_until else None,
            "score": round(incident.score, 3),
            "peak_score": round(incident.peak_score, 3),
            "opened_at": incident.opened_at.isoformat(),
            "opened_day": str(incident.opened_day),
            "effect": incident.effect,
            "window": incident.evidence.get("window"),
            "version": incident.evidence.get("version"),
            "topics": incident.evidence.get("topics"),
            "irritant": for_machines(incident, base_url),
            "releases": incident.evidence.get("releases"),
            "chance": incident.evidence.get("chance"),
            "together": incident.evidence.get("together"),
        },
    }


def local_day(app: App, now: datetime) -> date:
    """Return the day of a moment where the app's people are."""
    return now.astimezone(ZoneInfo(app.timezone)).date()

"""Incidents in the database: what a look changes, what people do, and the messages written with each change.

Every function works in the caller's transaction: the incident, its timeline and its deliveries are one commit.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from alerts.groups import same_elsewhere
from alerts.life import Change, Finding, advance, calm_of, mark_told
from alerts.messages import added_up_message, naming, opened_message, reopened_message, resolved_message, state_message
from alerts.outbox import enqueue
from alerts.routes import ways
from models.apps import App
from models.incidents import Delivery, Destination, Incident, IncidentEvent

IN_PLACE = frozenset({"slack_bot"})
"""Kinds whose message of an incident is changed in place, so that they are told of every decision."""


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
                _tell_opening(session, app, change.incident, "raised", now=now, base_url=base_url)
            elif change.kind in {"opened", "raised"}:
                _tell_opening(session, app, change.incident, change.kind, now=now, base_url=base_url)
            elif change.kind == "added_up" and change.incident.id not in fresh:  # else the first message has it all
                _tell_more(session, app, change.incident, change.finding.day, now=now, base_url=base_url)
            elif change.kind == "resolved":
                blind = (change.finding.unseen, change.finding.since) if change.finding.unseen else None
                _tell_end(session, app, change.incident, now, base_url, ended=change.finding.day, blind=blind)
        session.flush()
    return changes


def _wakes(change: Change) -> bool:
    """Whether a live look sees more of an incident that a first import had found: then it is history no longer.

    Without this, what grows out of a finding of the import would stay unsaid for ever.
    """
    if change.incident.origin != "history":
        return False
    return change.kind == "raised" or (change.kind == "supported" and change.finding.level == "alert")


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
        _tell_in_place(session, incident, "incident.acknowledged", actor, now, base_url)
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
    _tell_in_place(session, incident, what, actor, now, base_url)
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
    _tell_end(session, app, incident, now, base_url, ended=_day(app, now), actor=actor)
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
    incident.last_above_day = max(incident.last_above_day, _day(app, now))  # its 14 calm days begin anew
    _done(session, incident, "reopened", now, actor=actor)
    _tell_opening(session, app, incident, "reopened", now=now, base_url=base_url, actor=actor)
    return incident


def add_note(session: Session, app_id: int, incident_id: UUID, words: str, *, actor: str, now: datetime) -> Incident:
    """Put a person's words on the timeline."""
    incident = take(session, app_id, incident_id)
    _done(session, incident, "note", now, actor=actor, detail={"text": words})
    return incident


def take(session: Session, app_id: int, incident_id: UUID) -> Incident:
    """Lock an incident for a change, after any look that is under way. Raises IncidentError where there is none."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('cocoon:incidents', :app))"), {"app": app_id})
    incident = session.get(Incident, (app_id, incident_id), with_for_update=True, populate_existing=True)
    if incident is None:
        raise IncidentError("There is no such incident.")
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


def _tell_opening(
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
    mark_told(incident, _day(app, now))
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


def _tell_more(session: Session, app: App, incident: Incident, day: date, *, now: datetime, base_url: str) -> None:
    """Write a short follow-up for those who were told: other signals have confirmed it. At most one a day."""
    if silent(incident, now):
        return
    told = told_of(session, incident)
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


def _tell_end(
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


def _tell_in_place(session: Session, incident: Incident, kind: str, actor: str, now: datetime, base_url: str) -> None:
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
            "releases": incident.evidence.get("releases"),
            "chance": incident.evidence.get("chance"),
            "together": incident.evidence.get("together"),
        },
    }


def _day(app: App, now: datetime) -> date:
    return now.astimezone(ZoneInfo(app.timezone)).date()

"""Reminders until somebody looks after an incident: config {"remind_hours": N} of a destination, off by default."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.announce import destinations_of, identity_of, openings, silent, told_of
from alerts.messages import reminder_message
from alerts.outbox import enqueue
from models.apps import App
from models.incidents import Destination, Incident, IncidentEvent

MOST_HOURS = 24 * 7


def remind(session: Session, app: App, *, now: datetime, base_url: str = "") -> int:
    """Write the reminders that are due about an app's open incidents; return how many. `now` is the story's clock.

    At most one for each interval since the opening (one that passed unlooked at is not made up for), only to those who
    were told of the opening, and none once it is acknowledged, silenced or resolved.
    """
    wanting = [(each, hours) for each in destinations_of(session, app) if (hours := interval(each))]
    if not wanting:
        return 0
    written = 0
    for incident in session.scalars(select(Incident).where(Incident.app_id == app.id, Incident.state == "open")):
        opened = None if silent(incident, now) else _opened_at(session, incident)
        if opened is None:
            continue
        told, opening = told_of(session, incident), openings(session, incident)
        for destination, hours in wanting:
            times = int((now - opened) / timedelta(hours=hours))
            if times < 1 or destination.id not in told:
                continue
            message = reminder_message(
                app.name, incident, app.language, hours=times * hours, **identity_of(incident, now, base_url)
            )
            made = enqueue(
                session,
                app_id=app.id,
                destination_id=destination.id,
                kind=message.kind,
                event_id=uuid5(incident.id, f"reminder:{opening}:{hours}:{times}"),
                message=message,
                incident_id=incident.id,
            )
            written += made is not None
    return written


def interval(destination: Destination) -> int:
    """Return a destination's hours between reminders, 0 where it wants none."""
    hours: Any = destination.config.get("remind_hours")
    return hours if isinstance(hours, int) and 1 <= hours <= MOST_HOURS else 0


def _opened_at(session: Session, incident: Incident) -> datetime | None:
    found: datetime | None = session.scalar(
        select(func.max(IncidentEvent.at)).where(
            IncidentEvent.app_id == incident.app_id,
            IncidentEvent.incident_id == incident.id,
            IncidentEvent.kind.in_(("opened", "reopened")),
        )
    )
    return found

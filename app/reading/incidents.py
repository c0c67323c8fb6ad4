"""Incidents with their timeline, and the verbatims that show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.reading.called import Called, Names, names
from app.reading.trends import Period
from models.apps import App
from models.incidents import Delivery, Destination, Incident, IncidentEvent


@dataclass(frozen=True, slots=True)
class Story:
    """An incident, its timeline (oldest first), its deliveries with their destinations, the irritant that leads it."""

    incident: Incident
    app: App
    events: Sequence[IncidentEvent]
    deliveries: Sequence[tuple[Delivery, Destination]]
    called: Called | None

    @property
    def names(self) -> Names:
        """The same as titles ask for it."""
        return {self.incident.id: self.called} if self.called else {}


def find(
    session: Session,
    *,
    app_id: int | None = None,
    states: Sequence[str] = (),
    before: UUID | None = None,
    limit: int = 50,
) -> list[tuple[Incident, App]]:
    """Incidents with their app, the last opened first, before incident `before`."""
    query = select(Incident, App).join(App, App.id == Incident.app_id).where(Incident.rule != "canary")
    if app_id is not None:
        query = query.where(Incident.app_id == app_id)
    if states:
        query = query.where(Incident.state.in_(states))
    if before is not None:
        edge = session.execute(select(Incident.opened_at, Incident.id).where(Incident.id == before)).one_or_none()
        if edge is None:
            return []
        query = query.where(tuple_(Incident.opened_at, Incident.id) < tuple_(edge[0], edge[1]))
    return [
        (incident, app)
        for incident, app in session.execute(query.order_by(Incident.opened_at.desc(), Incident.id.desc()).limit(limit))
    ]


def one(session: Session, incident_id: UUID, *, lock: bool = False) -> Incident | None:
    """An incident by its id alone, locked for a change when asked."""
    query = select(Incident).where(Incident.id == incident_id)
    return session.scalar(query.with_for_update() if lock else query)


def story(session: Session, incident_id: UUID) -> Story | None:
    """All of an incident."""
    found = session.execute(
        select(Incident, App).join(App, App.id == Incident.app_id).where(Incident.id == incident_id)
    ).one_or_none()
    if found is None:
        return None
    incident, app = found
    events = session.scalars(
        select(IncidentEvent)
        .where(IncidentEvent.app_id == app.id, IncidentEvent.incident_id == incident_id)
        .order_by(IncidentEvent.at, IncidentEvent.id)
    ).all()
    deliveries = session.execute(
        select(Delivery, Destination)
        .join(Destination, Destination.id == Delivery.destination_id)
        .where(Delivery.app_id == app.id, Delivery.incident_id == incident_id)
        .order_by(Delivery.created_at, Delivery.id)
    ).all()
    return Story(incident, app, events, deliveries, names(session, [incident]).get(incident.id))


def around(incident: Incident, now: date) -> Period:
    """Six weeks before it opened, and what came after: three weeks, or up to the day it was last above."""
    last = min(now, max(incident.opened_day + timedelta(days=21), incident.last_above_day + timedelta(days=14)))
    return Period(max(incident.opened_day, last - timedelta(days=120)) - timedelta(days=42), last)


def quotes(evidence: dict[str, Any]) -> list[dict[str, Any]]:
    """The verbatims that an incident's evidence names, whatever it calls them."""
    for key in ("quotes", "verbatims"):
        found = evidence.get(key)
        if isinstance(found, list):
            return [quote for quote in found if isinstance(quote, dict)]
    return []

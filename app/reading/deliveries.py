"""Deliveries, destinations and the built-in inbox."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from models.incidents import Delivery, Destination, InboxMessage


def find(
    session: Session,
    *,
    state: str | None = None,
    destination_id: int | None = None,
    incident_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[Delivery]:
    """Deliveries, newest first, before delivery `before`."""
    query = select(Delivery)
    if state is not None:
        query = query.where(Delivery.state == state)
    if destination_id is not None:
        query = query.where(Delivery.destination_id == destination_id)
    if incident_id is not None:
        query = query.where(Delivery.incident_id == incident_id)
    if before is not None:
        edge = session.execute(select(Delivery.created_at, Delivery.id).where(Delivery.id == before)).one_or_none()
        if edge is None:
            return []
        query = query.where(tuple_(Delivery.created_at, Delivery.id) < tuple_(edge[0], edge[1]))
    return session.scalars(query.order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(limit)).all()


def destinations(session: Session) -> Sequence[Destination]:
    """Where alerts go, by name."""
    return session.scalars(select(Destination).order_by(Destination.name)).all()


def last_deliveries(session: Session) -> dict[int, Delivery]:
    """The newest delivery of each destination."""
    rank = func.row_number().over(partition_by=Delivery.destination_id, order_by=Delivery.created_at.desc())
    ranked = select(Delivery.id, rank.label("rank")).subquery()
    newest = select(Delivery).join(ranked, ranked.c.id == Delivery.id).where(ranked.c.rank == 1)
    return {delivery.destination_id: delivery for delivery in session.scalars(newest)}


def inbox(session: Session, *, before: int | None = None, limit: int = 30) -> Sequence[InboxMessage]:
    """What the built-in inbox received, newest first."""
    query = select(InboxMessage)
    if before is not None:
        query = query.where(InboxMessage.id < before)
    return session.scalars(query.order_by(InboxMessage.id.desc()).limit(limit)).all()


def waiting_since(session: Session) -> datetime | None:
    """Since when the oldest due delivery waits: nothing sends when this is old (the database's clock decides)."""
    return session.scalar(
        select(func.min(Delivery.due_at)).where(
            Delivery.state == "queued", Delivery.due_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 2)
        )
    )

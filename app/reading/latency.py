"""How quick we are: from the finding (its outbox row is the same commit) to the receiver's 2xx, by one clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.incidents import Delivery, Destination

DAYS = 30
KINDS = ("incident.opened", "incident.updated", "canary")
"""What is measured: what nobody has asked to be kept back."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds in which half (p50) and 19 of 20 (p95) of the `n` messages to a destination arrived."""

    destination_id: int | None
    name: str
    n: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Canary:
    """The newest canary at one destination: when it was sent off, and when it arrived (None: not yet)."""

    name: str
    sent_off: datetime
    arrived: datetime | None
    state: str


def latencies(session: Session, days: int = DAYS) -> list[Latency]:
    """By destination, and all together first; held in quiet hours and replayed ones are left out."""
    seconds = func.extract("epoch", Delivery.sent_at - Delivery.created_at)
    figures = (
        func.count(),
        func.percentile_cont(0.5).within_group(seconds),
        func.percentile_cont(0.95).within_group(seconds),
    )
    measured = (
        Delivery.state == "sent",
        Delivery.kind.in_(KINDS),
        Delivery.held.is_(False),
        Delivery.sent_at >= Delivery.created_at,
        Delivery.created_at > func.now() - timedelta(days=days),
    )
    n, half, most = session.execute(select(*figures).where(*measured)).one()
    if not n:
        return []
    rows = session.execute(
        select(Destination.id, Destination.name, *figures)
        .join(Delivery, Delivery.destination_id == Destination.id)
        .where(*measured)
        .group_by(Destination.id, Destination.name)
        .order_by(Destination.name)
    )
    return [
        Latency(None, "", int(n), float(half), float(most)),
        *(Latency(number, name, int(count), float(mid), float(high)) for number, name, count, mid, high in rows),
    ]


def canaries(session: Session) -> list[Canary]:
    """The newest canary, at each destination that it went to."""
    newest = select(Delivery.event_id).where(Delivery.kind == "canary").order_by(Delivery.created_at.desc()).limit(1)
    rows = session.execute(
        select(Destination.name, Delivery.created_at, Delivery.sent_at, Delivery.state)
        .join(Delivery, Delivery.destination_id == Destination.id)
        .where(Delivery.kind == "canary", Delivery.event_id == newest.scalar_subquery())
        .order_by(Destination.name)
    )
    return [Canary(*row) for row in rows]


def states(session: Session) -> dict[str, int]:
    """How many deliveries are in each state."""
    rows = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all()
    return {str(state): int(n) for state, n in rows}

"""The outbox: messages written with what they tell, claimed by lease, sent at least once under one id, never lost.

All times here are the database's clock: those of machines differ. A delivery is sent only once the receiver said 2xx;
a dispatcher that dies in between leaves its lease to run out, and another sends the same id again.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from alerts.channels.base import Channel, Message, Receipt
from alerts.quiet import quiet_until
from alerts.turns import its_turn, line_up, receiver_is_back
from models.incidents import Delivery, Destination

log = logging.getLogger(__name__)

Transaction = Callable[[], AbstractContextManager[Session]]

LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Target:
    """A destination as the dispatcher sees it; `sealed` is its encrypted secret part."""

    id: int
    app_id: int | None
    kind: str
    name: str
    config: Mapping[str, Any]
    sealed: str | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker may send until its lease runs out. `at` is the database's clock at the claim."""

    app_id: int
    id: UUID
    incident_id: UUID | None
    kind: str
    message: Mapping[str, Any]
    tries: int
    at: datetime
    lease_until: datetime
    target: Target


OpenChannel = Callable[[Target], Channel]
"""Makes a destination ready to send. Raises DeliveryError when its settings cannot be used."""


def enqueue(
    session: Session,
    *,
    app_id: int,
    destination_id: int,
    kind: str,
    event_id: UUID,
    message: Message,
    incident_id: UUID | None = None,
    wakes: bool = False,
) -> UUID | None:
    """Write one delivery in the caller's transaction, due at once. None when this event was already written for it.

    `wakes`: quiet hours do not hold it.
    """
    return session.scalar(
        insert(Delivery)
        .values(
            app_id=app_id,
            id=uuid4(),
            incident_id=incident_id,
            event_id=event_id,
            destination_id=destination_id,
            kind=kind,
            message=message.to_json(),
            attempts=[],
            wakes=wakes,
        )
        .on_conflict_do_nothing(index_elements=["app_id", "event_id", "destination_id"])
        .returning(Delivery.id)
    )


def claim(session: Session, worker: str, limit: int, lease: timedelta = LEASE) -> list[Claimed]:
    """Take up to `limit` due deliveries of enabled destinations for `worker`, those of dead workers included.

    What is due in a destination's quiet hours is put off to their end first, and what would overtake an earlier message
    of its incident to that one's next try.
    """
    _hold(session)
    line_up(session)
    clock = func.clock_timestamp()
    due = (
        select(Delivery.app_id, Delivery.id)
        .join(Destination, and_(Destination.id == Delivery.destination_id, Destination.enabled))
        .where(
            Delivery.state.in_(("queued", "sending")),
            Delivery.due_at <= clock,
            or_(Delivery.lease_until.is_(None), Delivery.lease_until <= clock),
            its_turn(),
        )
        .order_by(Delivery.due_at, Delivery.created_at)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
        .cte("due")
    )
    taken = session.execute(
        update(Delivery)
        .where(Delivery.app_id == due.c.app_id, Delivery.id == due.c.id)
        .values(state="sending", lease_by=worker, lease_until=clock + lease)
        .returning(
            Delivery.app_id,
            Delivery.id,
            Delivery.incident_id,
            Delivery.kind,
            Delivery.message,
            Delivery.tries,
            Delivery.lease_until,
            Delivery.destination_id,
            Delivery.created_at,
            func.clock_timestamp().label("at"),
        )
        .execution_options(synchronize_session=False)
    ).all()
    targets = {
        d.id: Target(d.id, d.app_id, d.kind, d.name, dict(d.config), d.sealed)
        for d in session.scalars(
            select(Destination)
            .where(Destination.id.in_({row.destination_id for row in taken}))
            .execution_options(populate_existing=True)
        )
    }
    return [
        Claimed(
            row.app_id,
            row.id,
            row.incident_id,
            row.kind,
            row.message,
            row.tries,
            row.at,
            row.lease_until,
            targets[row.destination_id],
        )
        for row in sorted(taken, key=lambda row: row.created_at)  # a statement returns rows in no order
    ]


def _hold(session: Session) -> None:
    """Put off what is due in quiet hours, but for a test, which somebody is waiting for."""
    keeping = session.execute(
        select(Destination.id, Destination.config).where(Destination.enabled, Destination.config.has_key("quiet"))
    ).all()
    if not keeping:
        return
    now = database_clock(session)
    for destination_id, config in keeping:
        until = quiet_until(config, now)
        if until is not None:
            session.execute(
                update(Delivery)
                .where(
                    Delivery.destination_id == destination_id,
                    Delivery.state == "queued",
                    Delivery.due_at < until,
                    Delivery.kind != "test",
                    Delivery.wakes.is_(False),
                )
                .values(due_at=until, held=True)
                .execution_options(synchronize_session=False)
            )


def release(session: Session, destination_id: int) -> int:
    """Let go what quiet hours may have held back, after they were changed: due at once. Returns how many."""
    freed = session.execute(
        update(Delivery)
        .where(Delivery.destination_id == destination_id, Delivery.state == "queued", Delivery.tries == 0)
        .values(due_at=func.least(Delivery.due_at, func.clock_timestamp()))
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return len(freed.all())


def delivered(session: Session, claimed: Claimed, receipt: Receipt) -> None:
    """Record a 2xx. It counts even when the lease had run out meanwhile: the receiver has the message.

    What waited for the same receiver to come back is due at once.
    """
    clock = database_clock(session)
    session.execute(
        update(Delivery)
        .where(Delivery.app_id == claimed.app_id, Delivery.id == claimed.id, Delivery.state != "sent")
        .values(
            state="sent",
            tries=Delivery.tries + 1,
            sent_at=clock,
            lease_by=None,
            lease_until=None,
            last_error="",
            attempts=Delivery.attempts.concat(
                [{"at": clock.isoformat(), "status": receipt.status, "error": "", "note": receipt.note}]
            ),
        )
        .execution_options(synchronize_session=False)
    )
    receiver_is_back(session, claimed.target.id, claimed.incident_id)


def renew(session: Session, worker: str, claimed: Sequence[Claimed], lease: timedelta = LEASE) -> int:
    """Keep what this worker is still sending for another lease. Returns how many it still had."""
    kept = session.execute(
        update(Delivery)
        .where(
            Delivery.id.in_([one.id for one in claimed]),
            Delivery.state == "sending",
            Delivery.lease_by == worker,
            Delivery.lease_until > func.clock_timestamp(),
        )
        .values(lease_until=func.clock_timestamp() + lease)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return len(kept.all())


def give_back(session: Session, worker: str, claimed: Claimed, after: timedelta) -> None:
    """Return a delivery that was not tried (its destination just failed, or the process stops)."""
    session.execute(
        update(Delivery)
        .where(
            Delivery.app_id == claimed.app_id,
            Delivery.id == claimed.id,
            Delivery.state == "sending",
            Delivery.lease_by == worker,
        )
        .values(state="queued", lease_by=None, lease_until=None, due_at=func.clock_timestamp() + after)
        .execution_options(synchronize_session=False)
    )


def revive(session: Session, start: datetime, end: datetime, *, destination_id: int | None = None) -> int:
    """Queue the dead deliveries made between two moments again, from the first try. Returns how many."""
    which = [Delivery.created_at >= start, Delivery.created_at <= end]
    if destination_id is not None:
        which.append(Delivery.destination_id == destination_id)
    revived = session.execute(
        update(Delivery)
        .where(Delivery.state == "dead", *which)
        .values(state="queued", tries=0, due_at=func.clock_timestamp(), lease_by=None, lease_until=None)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return len(revived.all())


_CLOCK = func.clock_timestamp()
# Made once, as every page asks it.
_OLDEST = (
    select(func.max(_CLOCK - Delivery.due_at))
    .join(Destination, and_(Destination.id == Delivery.destination_id, Destination.enabled))
    .where(
        Delivery.state.in_(("queued", "sending")),
        Delivery.due_at <= _CLOCK,
        or_(Delivery.lease_until.is_(None), Delivery.lease_until <= _CLOCK),
    )
)


def oldest_due_age(session: Session) -> timedelta | None:
    """Return for how long the oldest message that should be under way has been waiting; None when none is.

    More than a minute means that nobody sends: the banner's figure. Back-off is not counted, only what is due.
    """
    age: timedelta | None = session.scalar(_OLDEST)
    return age


def database_clock(session: Session) -> datetime:
    """Return the time as the database has it, which all machines share."""
    clock: datetime | None = session.scalar(select(func.clock_timestamp()))
    assert clock is not None, "the database has a clock"
    return clock

"""What becomes of a delivery that fails: it backs off, or is given up and others are told; a gone receiver is disabled.

All times here are the database's clock.
"""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from alerts.channels.base import DeliveryError, Message
from alerts.messages import delivery_failed_message
from alerts.outbox import Claimed, database_clock, enqueue
from models.apps import App
from models.incidents import Delivery, Destination, IncidentEvent

SCHEDULE = tuple(timedelta(seconds=s) for s in (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000))
"""The delay before each try, as Svix has it; the last failure makes the delivery dead."""
JITTER = 0.2
LONGEST_WAIT = timedelta(hours=24)  # whatever Retry-After says
NOTICE = "delivery.failed"
"""The kind of message that tells of another's failure; it makes no such message itself."""


def failed(session: Session, worker: str, claimed: Claimed, error: DeliveryError) -> None:
    """Record a failed try: back off, or give up after the last one; a receiver that is gone disables its destination.

    Does nothing when the lease has gone to another worker, who is trying now.
    """
    row = session.scalar(
        select(Delivery)
        .where(
            Delivery.app_id == claimed.app_id,
            Delivery.id == claimed.id,
            Delivery.state == "sending",
            Delivery.lease_by == worker,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        return
    clock = database_clock(session)
    row.tries += 1
    row.attempts = [*row.attempts, {"at": clock.isoformat(), "status": error.status, "error": str(error)[:500]}]
    row.last_error, row.lease_by, row.lease_until = str(error)[:500], None, None
    if error.gone:
        row.state = "dead"
        _disable(session, claimed, str(error), clock)
    elif error.lasting or row.tries >= len(SCHEDULE):
        row.state = "dead"
        _tell_others(session, claimed, row, clock)
    else:
        row.state = "queued"
        row.due_at = clock + wait(row.tries, error.retry_after)
    session.flush()


def wait(tries: int, retry_after: float | None = None) -> timedelta:
    """Return how long to wait after `tries` failed tries: the schedule ± 20 %, never less than the receiver asked."""
    base = SCHEDULE[min(tries, len(SCHEDULE) - 1)] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    asked = timedelta(seconds=min(retry_after, LONGEST_WAIT.total_seconds())) if retry_after else timedelta(0)
    return max(base, asked)


def _disable(session: Session, claimed: Claimed, reason: str, clock: datetime) -> None:
    """Stop sending to a receiver that wants no more, keep what was for it, and say so elsewhere."""
    destination = session.get_one(Destination, claimed.target.id, with_for_update=True, populate_existing=True)
    if not destination.enabled:
        return
    destination.enabled, destination.disabled_reason = False, reason[:500]
    waiting = session.scalars(
        update(Delivery)
        .where(Delivery.destination_id == destination.id, Delivery.state == "queued")
        .values(state="dead", last_error=f"Not sent: {reason}"[:500])
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    ).all()
    _note(session, claimed, "destination_disabled", {"reason": reason, "also_waiting": len(waiting)}, clock)
    _elsewhere(session, claimed, uuid5(claimed.id, "disabled"), "disabled", reason)


def _tell_others(session: Session, claimed: Claimed, row: Delivery, clock: datetime) -> None:
    _note(session, claimed, "delivery_dead", {"reason": row.last_error, "tries": row.tries}, clock)
    _elsewhere(session, claimed, uuid5(claimed.id, f"dead:{len(row.attempts)}"), "dead", row.last_error)


def _note(session: Session, claimed: Claimed, kind: str, detail: dict[str, Any], clock: datetime) -> None:
    if claimed.incident_id is not None:
        about = {"destination": claimed.target.name, "delivery": str(claimed.id)}
        session.add(
            IncidentEvent(
                app_id=claimed.app_id,
                incident_id=claimed.incident_id,
                at=clock,
                kind=kind,
                detail={**about, **detail},
            )
        )


def _elsewhere(session: Session, claimed: Claimed, event_id: UUID, what: str, reason: str) -> None:
    if claimed.kind == NOTICE:
        return
    app = session.get(App, claimed.app_id)
    told = Message.from_json(dict(claimed.message))
    for other in session.scalars(
        select(Destination).where(
            Destination.enabled,
            Destination.id != claimed.target.id,
            or_(Destination.app_id.is_(None), Destination.app_id == claimed.app_id),
        )
    ):
        message = delivery_failed_message(
            NOTICE, told, destination=claimed.target.name, what=what, reason=reason, app=app.name if app else told.app
        )
        enqueue(
            session,
            app_id=claimed.app_id,
            destination_id=other.id,
            kind=NOTICE,
            event_id=event_id,
            message=message,
            incident_id=claimed.incident_id,
        )

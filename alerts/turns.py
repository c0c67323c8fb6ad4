"""Whose turn it is: an incident's messages reach a receiver in the order in which they were written.

A receiver that fails makes a message wait for minutes or hours. Without this, the end of an incident, written
meanwhile, would arrive before its beginning, and the last word of the channel would be an alarm that is over.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from models.incidents import Delivery

LAST_TRIES = 6
"""From this many failed tries on a message keeps its schedule, whatever else the receiver takes."""

_earlier = aliased(Delivery, name="earlier")


def _before() -> ColumnElement[bool]:
    """Of the same incident to the same receiver, written earlier and not there yet.

    What quiet hours keep back stops nothing: what may wake people does not wait for what may not.
    """
    return and_(
        _earlier.app_id == Delivery.app_id,
        _earlier.incident_id == Delivery.incident_id,
        _earlier.destination_id == Delivery.destination_id,
        _earlier.created_at < Delivery.created_at,
        _earlier.state.in_(("queued", "sending")),
        or_(~_earlier.held, _earlier.tries > 0, _earlier.due_at <= func.clock_timestamp()),
    )


def its_turn() -> ColumnElement[bool]:
    """The condition on `Delivery` that nothing of its incident is still to arrive before it."""
    return ~exists().where(_before())


def line_up(session: Session) -> None:
    """Put off what is due behind a message that waits for its next try, to that moment: it is not late, but next."""
    clock = func.clock_timestamp()
    waiting = session.execute(
        select(Delivery.app_id, Delivery.id, _earlier.due_at)
        .join(_earlier, _before())
        .where(
            Delivery.state == "queued",
            Delivery.due_at <= clock,
            _earlier.state == "queued",
            _earlier.due_at > clock,
        )
        .with_for_update(of=Delivery, skip_locked=True)
    ).all()
    for app_id, number, due_at in waiting:
        session.execute(
            update(Delivery)
            .where(Delivery.app_id == app_id, Delivery.id == number)
            .values(due_at=due_at)
            .execution_options(synchronize_session=False)
        )


def receiver_is_back(session: Session, destination_id: int, incident_id: UUID | None) -> int:
    """Make what waits for its next try to this receiver due at once: it has just taken a message. Returns how many.

    With it goes what stood behind this message, of the same incident. Not what the receiver itself put off (429), nor
    what has failed LAST_TRIES times: the fault may be the message's own, and its last tries are a day's.
    """
    put_off = Delivery.attempts[-1]["status"].astext == "429"
    freed = session.execute(
        update(Delivery)
        .where(
            Delivery.destination_id == destination_id,
            Delivery.state == "queued",
            Delivery.due_at > func.clock_timestamp(),
            or_(
                and_(Delivery.tries.between(1, LAST_TRIES - 1), put_off.is_not(True)),
                and_(Delivery.tries == 0, Delivery.incident_id == incident_id),
            ),
        )
        .values(due_at=func.clock_timestamp())
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return len(freed.all())

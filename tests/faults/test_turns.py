"""An incident's end never arrives before its beginning, whatever the receiver does meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from alerts.channels.base import Message
from alerts.channels.registry import opener
from alerts.dispatch import dispatch_once
from alerts.outbox import claim, enqueue, oldest_due_age
from app.db import transaction
from models.apps import App
from models.incidents import Delivery, Destination
from tests.alerts.receiver import Receiver
from tests.faults.test_deliveries import KEY, sent, state

INCIDENT = uuid4()
Write = Callable[..., UUID]


@pytest.fixture
def write(own_engine: Engine) -> Write:
    """Queue a message to the one webhook, in a transaction of its own: `write(url, kind, incident)` gives its id."""
    places: dict[str, tuple[int, int]] = {}

    def make(url: str, kind: str, incident: UUID | None = INCIDENT, *, held: bool = False, wakes: bool = False) -> UUID:
        with transaction(own_engine) as session:
            if url not in places:
                app = App(name=f"App {uuid4()}")
                hook = Destination(kind="webhook", name=f"hook {uuid4()}", config={"url": url}, sealed=KEY)
                session.add_all([app, hook])
                session.flush()
                places[url] = app.id, hook.id
            app_id, hook_id = places[url]
            made = enqueue(
                session,
                app_id=app_id,
                destination_id=hook_id,
                kind=kind,
                event_id=uuid4(),
                message=Message(kind=kind, title=kind, lead="…", app="App", language="fr"),
                incident_id=incident,
                wakes=wakes,
            )
            assert made is not None
            if held:
                later = func.clock_timestamp() + timedelta(hours=8)
                session.execute(update(Delivery).where(Delivery.id == made).values(held=True, due_at=later))
            return made

    return make


@pytest.fixture
def office(own_engine: Engine) -> Callable[[], int]:
    """Dispatch what is due now; returns how many were claimed."""
    again = lambda: transaction(own_engine)  # noqa: E731
    return lambda: dispatch_once(again, opener(lambda sealed: sealed, again, allow_private=True), "here")


def make_due(engine: Engine, number: UUID) -> None:
    with transaction(engine) as session:
        session.execute(update(Delivery).where(Delivery.id == number).values(due_at=func.clock_timestamp()))


def test_the_end_waits_for_the_beginning_and_is_not_called_late(
    own_engine: Engine, write: Write, office: Callable[[], int]
) -> None:
    with Receiver([500, 200]) as receiver:
        opened = write(receiver.url, "incident.opened")
        assert office() == 1
        resolved = write(receiver.url, "incident.resolved")
        assert office() == 0
        assert state(own_engine, resolved).due_at == state(own_engine, opened).due_at
        with transaction(own_engine) as session:
            assert oldest_due_age(session) is None  # nobody is told that sending is late
        make_due(own_engine, opened)
        while office():
            pass
        assert sent(own_engine, [opened, resolved])
        assert receiver.ids() == [str(opened)] * 2 + [str(resolved)]


def test_another_incident_does_not_wait_and_shows_that_the_receiver_is_back(
    own_engine: Engine, write: Write, office: Callable[[], int]
) -> None:
    with Receiver([500, 200]) as receiver:
        first = write(receiver.url, "incident.opened")
        assert office() == 1
        other = write(receiver.url, "incident.opened", uuid4())
        assert office() == 1
        assert office() == 1, "the first one's back-off is over: the receiver takes messages again"
        assert receiver.ids() == [str(first), str(other), str(first)]


@pytest.mark.parametrize(("tries", "status"), [(6, 500), (1, 429)])
def test_its_last_tries_and_what_the_receiver_asked_for_are_kept(
    own_engine: Engine, write: Write, office: Callable[[], int], tries: int, status: int
) -> None:
    with Receiver([status, 200]) as receiver:
        first = write(receiver.url, "incident.opened")
        assert office() == 1
        with transaction(own_engine) as session:
            session.execute(update(Delivery).where(Delivery.id == first).values(tries=tries))
        other = write(receiver.url, "incident.opened", uuid4())
        assert office() == 1
        assert office() == 0
        assert receiver.ids() == [str(first), str(other)]


def test_no_second_dispatcher_overtakes_the_first(own_engine: Engine, write: Write) -> None:
    opened = write("http://127.0.0.1:9/", "incident.opened")
    resolved = write("http://127.0.0.1:9/", "incident.resolved")

    def taken(session: Session, worker: str) -> list[UUID]:
        return [one.id for one in claim(session, worker, 8)]

    with transaction(own_engine) as one:
        assert taken(one, "one") == [opened]
        with transaction(own_engine) as two:  # it cannot see yet that the first has the message
            assert taken(two, "two") == []
    with transaction(own_engine) as two:
        assert taken(two, "two") == []
        assert two.scalar(select(Delivery.state).where(Delivery.id == resolved)) == "queued"


def test_what_quiet_hours_keep_does_not_hold_up_what_may_wake(
    own_engine: Engine, write: Write, office: Callable[[], int]
) -> None:
    with Receiver([200]) as receiver:
        kept = write(receiver.url, "incident.opened", held=True)
        urgent = write(receiver.url, "incident.updated", wakes=True)
        assert office() == 1
        assert receiver.ids() == [str(urgent)]
        assert state(own_engine, kept).state == "queued"

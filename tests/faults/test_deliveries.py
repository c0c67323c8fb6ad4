"""kill -9 and bad receivers: every delivery arrives at least once, under one id, and nothing is lost."""

import subprocess
import sys
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from alerts.channels.base import Message
from alerts.channels.registry import opener
from alerts.channels.webhook import SignedWebhook
from alerts.dispatch import dispatch_once
from alerts.outbox import claim, enqueue, oldest_due_age, renew, revive
from app.db import transaction
from models.apps import App
from models.incidents import Delivery, Destination, InboxMessage
from tests.alerts.receiver import Receiver

ROOT = Path(__file__).parents[2]
KEY = "whsec_" + b64encode(b"k" * 32).decode()
LEASE = "1.5"


@contextmanager
def dispatcher(url: str, step: str = "none", shift: float = 0, slack: str = "") -> Iterator[subprocess.Popen[str]]:
    """A dispatcher process; it has come to its step when the block begins. It is killed -9 at the end."""
    command = [sys.executable, "-m", "tests.faults.dispatch_process", url, step, LEASE, str(shift), slack]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if step != "none":
            assert process.stdout.readline() == f"{step}\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def post_office(engine: Engine, url: str, count: int = 1) -> list[UUID]:
    """Queue deliveries to one webhook, and return their ids."""
    with transaction(engine) as session:
        app = App(name=f"App {uuid4()}")
        hook = Destination(kind="webhook", name=f"hook {uuid4()}", config={"url": url}, sealed=KEY)
        session.add_all([app, hook])
        session.flush()
        return [queue(session, app.id, hook.id, n) for n in range(count)]


def queue(session: Session, app_id: int, destination_id: int, number: int = 0) -> UUID:
    message = Message(kind="incident.opened", title=f"titre {number}", lead="…", app="App", language="fr")
    made = enqueue(
        session,
        app_id=app_id,
        destination_id=destination_id,
        kind="incident.opened",
        event_id=uuid4(),
        message=message,
    )
    assert made is not None
    return made


def state(engine: Engine, number: UUID) -> Delivery:
    with transaction(engine) as session:
        return session.scalars(select(Delivery).where(Delivery.id == number)).one()


def until(check: Callable[[], bool], seconds: float = 60.0) -> None:
    end = monotonic() + seconds
    while not check():
        assert monotonic() < end, "it did not come to that in time"
        sleep(0.05)


def sent(engine: Engine, numbers: list[UUID]) -> bool:
    return all(state(engine, number).state == "sent" for number in numbers)


@pytest.mark.parametrize(("step", "arrivals"), [("before_claim", 1), ("after_claim", 1), ("after_answer", 2)])
def test_kill_9_at_a_step_loses_nothing(own_engine: Engine, database_url: str, step: str, arrivals: int) -> None:
    with Receiver([200]) as receiver:
        numbers = post_office(own_engine, receiver.url)
        with dispatcher(database_url, step):
            pass
        assert state(own_engine, numbers[0]).state != "sent"
        with dispatcher(database_url):
            until(lambda: sent(own_engine, numbers))
        assert receiver.ids() == [str(numbers[0])] * arrivals


def test_kill_9_during_back_off_keeps_the_next_try(own_engine: Engine, database_url: str) -> None:
    with Receiver([500, 200]) as receiver:
        numbers = post_office(own_engine, receiver.url)
        with dispatcher(database_url):
            until(lambda: state(own_engine, numbers[0]).tries == 1)
        waiting = state(own_engine, numbers[0])
        assert waiting.state == "queued"
        tried = datetime.fromisoformat(waiting.attempts[0]["at"])
        assert timedelta(seconds=3.5) < waiting.due_at - tried < timedelta(seconds=10)
        with dispatcher(database_url):
            until(lambda: sent(own_engine, numbers))
        assert receiver.ids() == [str(numbers[0])] * 2


def test_two_dispatchers_at_once_send_each_message_once(own_engine: Engine, database_url: str) -> None:
    with Receiver([200]) as receiver:
        numbers = post_office(own_engine, receiver.url, 40)
        with dispatcher(database_url), dispatcher(database_url):
            until(lambda: sent(own_engine, numbers))
        assert Counter(receiver.ids()) == dict.fromkeys(map(str, numbers), 1)


def test_a_machine_whose_clock_is_back_by_a_day_neither_steals_nor_waits(own_engine: Engine, database_url: str) -> None:
    with Receiver([200]) as receiver:
        numbers = post_office(own_engine, receiver.url, 10)
        with dispatcher(database_url, shift=-86_400), dispatcher(database_url, shift=86_400):
            until(lambda: sent(own_engine, numbers))
        assert Counter(receiver.ids()) == dict.fromkeys(map(str, numbers), 1)


@pytest.fixture
def office(own_engine: Engine) -> Callable[..., int]:
    """Dispatch once in this process, after making everything due; returns how many were claimed."""

    def dispatch(*, due: bool = True, lease: float = 60.0) -> int:
        if due:
            with transaction(own_engine) as session:
                session.execute(update(Delivery).where(Delivery.state == "queued").values(due_at=func.now()))
        again = lambda: transaction(own_engine)  # noqa: E731
        return dispatch_once(
            again, opener(lambda sealed: sealed, again, allow_private=True), "here", lease=timedelta(seconds=lease)
        )

    return dispatch


@pytest.mark.parametrize("fault", [500, 429, 503, "drop", 302])
def test_a_bad_answer_is_tried_again_under_the_same_id(
    own_engine: Engine, office: Callable[..., int], fault: int | str
) -> None:
    with Receiver([fault, 200]) as receiver:
        numbers = post_office(own_engine, receiver.url)
        office()
        failed = state(own_engine, numbers[0])
        assert (failed.state, failed.tries) == ("queued", 1)
        assert failed.last_error
        assert office(due=False) == 0  # it waits
        office()
        assert receiver.ids() == [str(numbers[0])] * 2
        assert sent(own_engine, numbers)


def test_retry_after_is_honoured(own_engine: Engine, office: Callable[..., int]) -> None:
    with Receiver([429], headers={"Retry-After": "900"}) as receiver:
        numbers = post_office(own_engine, receiver.url)
        office()
    with transaction(own_engine) as session:
        wait = session.scalar(select(Delivery.due_at - func.now()).where(Delivery.id == numbers[0]))
    assert wait is not None
    assert timedelta(seconds=880) < wait <= timedelta(seconds=901)


def test_a_receiver_that_is_away_comes_to_dead_after_eight_tries_and_can_be_revived(
    own_engine: Engine, office: Callable[..., int]
) -> None:
    with Receiver([500] * 8 + [200]) as receiver:
        numbers = post_office(own_engine, receiver.url)
        waits = []
        for _ in range(8):
            office()
            row = state(own_engine, numbers[0])
            waits.append((row.due_at - max(row.created_at, row.due_at - timedelta(days=1))).total_seconds())
        dead = state(own_engine, numbers[0])
        assert (dead.state, dead.tries, len(dead.attempts)) == ("dead", 8, 8)
        assert office() == 0
        with transaction(own_engine) as session:
            assert revive(session, dead.created_at + timedelta(seconds=1), dead.created_at + timedelta(days=1)) == 0
            assert revive(session, dead.created_at, dead.created_at) == 1
        office()
        assert sent(own_engine, numbers)
        assert set(receiver.ids()) == {str(numbers[0])}
        assert len(receiver.ids()) == 9


def test_gone_disables_the_destination_and_says_so_elsewhere(own_engine: Engine, office: Callable[..., int]) -> None:
    with Receiver([410]) as receiver:
        numbers = post_office(own_engine, receiver.url, 3)
        with transaction(own_engine) as session:
            session.add(Destination(kind="inbox", name="inbox", config={}))
        office()
        assert len(receiver.ids()) == 1
    with transaction(own_engine) as session:
        hook = session.scalars(select(Destination).where(Destination.kind == "webhook")).one()
        assert not hook.enabled
        assert "410" in hook.disabled_reason
    office()  # what told it elsewhere
    with transaction(own_engine) as session:
        told = list(session.scalars(select(InboxMessage)))
        assert len(told) == 1
        assert hook.name in str(told[0].body)
        states = {row.id: row.state for row in session.scalars(select(Delivery))}
    assert [states[n] for n in numbers].count("sent") == 0  # kept: they can be revived once it is enabled again
    assert {states[n] for n in numbers} <= {"dead", "queued"}


def test_a_hanging_receiver_holds_up_nobody_else(own_engine: Engine, office: Callable[..., int]) -> None:
    with Receiver(["hang"]) as slow, Receiver([200]) as quick:
        late = post_office(own_engine, slow.url, 2)
        prompt = post_office(own_engine, quick.url, 2)
        worker = threading.Thread(target=office)
        worker.start()
        until(lambda: sent(own_engine, prompt), 12)  # a try of the other lasts 15
        assert not sent(own_engine, late)
        slow.ending.set()  # it hangs up: a failed try
        worker.join()
    assert state(own_engine, late[0]).tries + state(own_engine, late[1]).tries == 1


def test_a_receiver_that_drips_its_headers_past_the_lease_is_not_sent_the_same_by_another(
    own_engine: Engine, office: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SignedWebhook.__init__, "__kwdefaults__", {"allow_private": False, "timeout": 4.5})
    with Receiver(["drip"]) as receiver:
        number = post_office(own_engine, receiver.url)[0]
        slow = threading.Thread(target=office, kwargs={"lease": 1.5})  # three leases fit into the limit of a send
        slow.start()
        receiver.wait(1)
        claimed = 0
        while slow.is_alive():
            claimed += office(due=False, lease=1.5)
            slow.join(0.1)
        assert claimed == 0
        assert len(receiver.raw) == 1
    row = state(own_engine, number)
    assert (row.state, row.tries) == ("queued", 1)
    assert row.last_error.startswith("No answer within")


def test_a_worker_that_died_does_not_hold_its_lease_for_ever(own_engine: Engine, office: Callable[..., int]) -> None:
    with Receiver([200]) as receiver:
        number = post_office(own_engine, receiver.url)[0]
        with transaction(own_engine) as session:
            dead = claim(session, "dead", 8)
            assert renew(session, "another", dead) == 0
            assert renew(session, "dead", dead, timedelta(seconds=0.3)) == 1
        until(lambda: office(due=False) == 1)
        assert state(own_engine, number).state == "sent"
        with transaction(own_engine) as session:
            assert renew(session, "dead", dead) == 0


def test_the_age_of_the_oldest_due_message_is_the_banners_figure(
    own_engine: Engine, office: Callable[..., int]
) -> None:
    def age() -> timedelta | None:
        with transaction(own_engine) as session:
            return oldest_due_age(session)

    assert age() is None
    with Receiver([200]) as receiver:
        number = post_office(own_engine, receiver.url)[0]
        with transaction(own_engine) as session:
            late = func.clock_timestamp() - timedelta(minutes=7)
            session.execute(update(Delivery).where(Delivery.id == number).values(due_at=late))
        waiting = age()
        assert waiting is not None
        assert timedelta(minutes=7) <= waiting < timedelta(minutes=8)
        office(due=False)
    assert age() is None


def test_a_delivery_is_written_once_for_one_event(own_engine: Engine) -> None:
    with transaction(own_engine) as session:
        hook = Destination(kind="inbox", name="inbox", config={})
        session.add(hook)
        session.flush()
        event = uuid4()
        message = Message(kind="test", title="t", lead="l", app="a", language="fr")
        made = [
            enqueue(session, app_id=1, destination_id=hook.id, kind="test", event_id=event, message=message)
            for _ in range(2)
        ]
    assert made[0] is not None
    assert made[1] is None

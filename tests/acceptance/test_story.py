"""In the manner of Alertmanager's: the real service on a real Postgres, receivers on loopback, a virtual clock.

A release breaks the sign-in, is told, retried where a receiver fails, acknowledged in Slack, calms down and is told to
be over: each message within its time, under one id, and none twice.
"""

import hashlib
import hmac
import json
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select, text, update

from alerts.channels.slack_bot import SlackSecrets
from alerts.outbox import oldest_due_age
from app import clock, scheduler
from app.context import Context, open_context
from app.db import transaction
from app.service import Service, running, web_app
from app.settings import Settings
from models.incidents import Delivery, Destination, Incident
from models.sources import Coverage, Source
from tests.acceptance.clock import Between, VirtualClock
from tests.alerts import bank
from tests.alerts.conftest import BROKEN, FIRST, fill
from tests.alerts.receiver import Receiver
from tests.fakes.slack import FakeSlack

KEY = "whsec_" + b64encode(b"k" * 32).decode()
SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"
CHANNEL = "C0000000001"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as made:
        yield made


@pytest.fixture
def context(database_url: str, tmp_path: Path, slack: FakeSlack) -> Iterator[Context]:
    settings = Settings(
        data=tmp_path,
        database_url=database_url,
        secret_key="for tests only",
        slack_api_url=slack.url,
        allow_private_webhooks=True,
    )
    with open_context(settings, migrated=False) as opened:
        yield opened


@pytest.fixture
def world(own_engine: Engine, context: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualClock]:
    # A clock that jumps by days looks like days of nothing sent and nobody looking: that watch has tests of its own
    # (tests/app/test_watching.py).
    monkeypatch.setattr(scheduler, "watch_the_telling", lambda *_: None)
    made = VirtualClock(own_engine, evening(BROKEN - 2))
    context.engine.dispose()
    yield made
    clock.replace(None)


def evening(number: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=number), clock_time(20), UTC)


def until(what: str, check: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, f"it did not come to that: {what}"
        time.sleep(0.05)


class Stage:
    """The service with its app and its destinations."""

    def __init__(self, service: Service, world: VirtualClock) -> None:
        self.service, self.world = service, world
        self.context = service.context
        with self.context.transaction() as session:
            app = bank.make_app(session)
            fill(session, app)
            self.app = app.id
            session.execute(update(Source).values(next_run_at=func.now() + timedelta(days=3650)))  # nothing to walk
            session.execute(update(Coverage).values(checked_at=Coverage.day + timedelta(days=2)))

    def add(self, kind: str, name: str, config: dict[str, Any], secret: str) -> None:
        sealed = self.context.seal.close(secret)
        with self.context.transaction() as session:
            session.add(Destination(kind=kind, name=name, config=config, sealed=sealed))

    def look(self, number: int) -> None:
        """Come to the evening of a day, and have the app judged by a worker."""
        self.world.advance(evening(number) - clock.now())
        before = self.jobs()
        self.service.queue.ask("judge", f"app:{self.app}", app_id=self.app, quiet=False)
        until("the look", lambda: self.jobs() <= before)

    def jobs(self) -> int:
        with self.context.transaction() as session:
            return int(
                session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"))
            )  # type: ignore[arg-type]

    def incidents(self) -> list[Incident]:
        with self.context.transaction() as session:
            return list(session.scalars(select(Incident).where(Incident.rule != "canary").order_by(Incident.opened_at)))


def press(web: TestClient, incident: Incident) -> None:
    """Press “I'll look after it” in Slack."""
    told = {"type": "block_actions", "user": {"id": "U1", "name": "ada"}}
    told["actions"] = [{"action_id": "acknowledge", "value": str(incident.id)}]  # type: ignore[assignment]
    body = urlencode({"payload": json.dumps(told)}).encode()
    with transaction(web.app.state.bind) as session:  # type: ignore[attr-defined]
        moment = str(int(session.scalar(select(func.clock_timestamp())).timestamp()))  # type: ignore[union-attr]
    mac = hmac.new(SIGNING.encode(), b"v0:" + moment.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={mac}"}
    assert web.post("/api/v1/slack/actions", content=body, headers=headers).status_code == 200


def test_a_release_that_breaks_the_sign_in(context: Context, world: VirtualClock, slack: FakeSlack) -> None:
    with (
        Receiver([200]) as prompt,
        Receiver([500, 500, 200]) as failing,
        running(context, {"web", "worker"}) as service,
    ):
        stage = Stage(service, world)
        stage.add("webhook", "prompt", {"url": prompt.url}, KEY)
        stage.add("webhook", "failing", {"url": failing.url}, KEY)
        stage.add("slack_bot", "#mobile", {"channel": CHANNEL}, SlackSecrets("xoxb-1-good", SIGNING).to_text())

        stage.look(BROKEN - 1)
        assert stage.incidents() == []  # nothing is wrong yet, and nobody is told anything
        assert prompt.raw == failing.raw == slack.messages == []

        for number in range(BROKEN, BROKEN + 6):
            stage.look(number)
            if stage.incidents():
                break
        opened = world.seconds()
        (incident,) = stage.incidents()
        prompt.wait(1)
        failing.wait(1)
        until("Slack", slack.roots)
        assert world.seconds(prompt.at[0]) in Between(opened - 10, opened + 10)

        assert failing.raw[1:] == []  # the second try is due 5 s ± 20 % after the first
        until("the first failure is written", lambda: tries(context, failing.ids()[0]) == 1)
        world.advance(timedelta(seconds=6))
        failing.wait(2)
        assert world.seconds(failing.at[1]) - world.seconds(failing.at[0]) in Between(4.0, 40.0)
        until("the second failure is written", lambda: tries(context, failing.ids()[0]) == 2)
        world.advance(timedelta(seconds=200))
        time.sleep(1.5)  # three rounds of the dispatcher: nothing may come in them
        assert len(failing.raw) == 2, "the third try is due after 5 min ± 20 %"
        world.advance(timedelta(seconds=170))
        failing.wait(3)
        assert world.seconds(failing.at[2]) - world.seconds(failing.at[1]) in Between(240.0, 420.0)
        assert len(set(failing.ids())) == 1

        with TestClient(web_app(service), base_url="http://127.0.0.1:8765") as web:
            press(web, incident)
        (root,) = slack.roots()
        until("the edit", lambda: root.edits >= 1)
        assert "ada (Slack U1)" in json.dumps(root.blocks, ensure_ascii=False)
        assert stage.incidents()[0].state == "acknowledged"

        for number in range(BROKEN + 7, BROKEN + 58, 2):
            stage.look(number)
            if all(one.state == "resolved" for one in stage.incidents()):
                break
        assert [one.state for one in stage.incidents()] == ["resolved"] * len(stage.incidents())
        until("all of it sent", lambda: pending(context) == 0)
        assert "incident.resolved" in [body["type"] for body in prompt.bodies]
        assert len(slack.roots()) == len(stage.incidents())
        assert slack.problems == []
        for receiver in (prompt, failing):
            states = Counter(
                (one["type"], one["data"]["incident_id"], one["data"].get("state")) for one in taken(receiver)
            )
            assert set(states.values()) == {1}  # no receiver sees a state twice
        with context.transaction() as session:
            assert oldest_due_age(session) is None
            assert session.scalar(select(func.count()).where(Delivery.state == "dead")) == 0


def taken(receiver: Receiver) -> list[dict[str, Any]]:
    """The messages that were answered with 2xx: one for each id."""
    return list(dict(zip(receiver.ids(), receiver.bodies, strict=True)).values())


def tries(context: Context, number: str) -> int:
    with context.transaction() as session:
        return int(session.scalar(select(Delivery.tries).where(Delivery.id == UUID(number))) or 0)


def pending(context: Context) -> int:
    with context.transaction() as session:
        return int(session.scalar(select(func.count()).where(Delivery.state.in_(("queued", "sending")))) or 0)


def test_the_days_are_those_of_the_story(world: VirtualClock) -> None:
    assert world.now().date() == date(2026, 3, 2) + timedelta(days=BROKEN - 2)
    with world.engine.connect() as connection:
        before = connection.scalar(text("SELECT clock_timestamp()"))
        world.advance(timedelta(hours=5))
        after = connection.scalar(text("SELECT clock_timestamp()"))
    assert timedelta(hours=5) <= after - before < timedelta(hours=5, minutes=1)

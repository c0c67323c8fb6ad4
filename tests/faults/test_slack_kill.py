"""kill -9 between Slack's 200 and our commit: the incident has one message all the same."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select

from alerts.channels.slack_bot import SlackSecrets
from alerts.outbox import enqueue
from app.db import transaction
from models.apps import App
from models.incidents import Delivery, Destination
from tests.alerts.nasty import PLAIN
from tests.fakes.slack import FakeSlack
from tests.faults.test_deliveries import dispatcher, until

CHANNEL = "C0000000001"


@pytest.mark.parametrize("step", ["after_claim", "after_answer"])
def test_kill_9_makes_no_second_message(own_engine: Engine, database_url: str, step: str) -> None:
    with FakeSlack() as slack:
        with transaction(own_engine) as session:
            app = App(name="Banque")
            secret = SlackSecrets("xoxb-1-good").to_text()
            bot = Destination(kind="slack_bot", name="#mobile", config={"channel": CHANNEL}, sealed=secret)
            session.add_all([app, bot])
            session.flush()
            data = {"at": datetime(2026, 11, 22, tzinfo=UTC).isoformat(), "state": "open"}
            number = enqueue(
                session,
                app_id=app.id,
                destination_id=bot.id,
                kind="incident.opened",
                event_id=uuid4(),
                message=replace(PLAIN, data=data),
            )
        with dispatcher(database_url, step, slack=slack.url):
            assert len(slack.roots()) == (1 if step == "after_answer" else 0)
        with dispatcher(database_url, slack=slack.url):

            def sent() -> bool:
                with transaction(own_engine) as session:
                    return session.scalars(select(Delivery.state).where(Delivery.id == number)).one() == "sent"

            until(sent)
        assert len(slack.messages) == 1
        assert slack.problems == []

"""The Slack bot against a strict Slack on loopback: one message per incident, whatever dies in between."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given, settings
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from alerts.channels.base import DeliveryError, Message
from alerts.channels.slack_bot import SlackBot, SlackSecrets, compose, compose_line
from app.db import transaction
from models.incidents import Destination, SlackPost
from tests.alerts.nasty import LINK, NASTY, PLAIN, message
from tests.fakes.slack import FakeSlack, check_message

CHANNEL = "C0000000001"
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
INCIDENT = UUID("5b0f4f5e-7d3f-4d2a-9d7e-2b1f0f6f2f11")
Post = Callable[..., UUID]


def told(kind: str = "incident.opened", minutes: int = 0, **changed: Any) -> Message:
    data = {"at": (NOW + timedelta(minutes=minutes)).isoformat(), "state": changed.pop("state", "open")}
    return replace(PLAIN, kind=kind, data=data, **changed)


class Bench:
    def __init__(self, engine: Engine, slack: FakeSlack) -> None:
        self.engine, self.slack = engine, slack
        with transaction(engine) as session:
            made = Destination(kind="slack_bot", name=f"bot {uuid4()}", config={"channel": CHANNEL})
            session.add(made)
            session.flush()
            self.destination = made.id
        self.secrets = SlackSecrets("xoxb-1-good", "s" * 32)
        self.picture: Callable[[UUID, str], bytes | None] | None = None
        self.pace = 0.0

    def send(self, one: Message, delivery: UUID | None = None) -> UUID:
        delivery = delivery or uuid4()
        bot = SlackBot(
            self.destination,
            {"channel": CHANNEL},
            self.secrets,
            lambda: transaction(self.engine),
            picture=self.picture,
            base=self.slack.url,
            pace=self.pace,
            timeout=20.0,
        )
        self.receipt = bot.send(one, delivery, NOW)
        return delivery

    def posts(self) -> dict[str, SlackPost]:
        with transaction(self.engine) as session:
            return {row.key: row for row in session.scalars(select(SlackPost))}


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as made:
        yield made


@pytest.fixture
def bench(own_engine: Engine, slack: FakeSlack) -> Bench:
    return Bench(own_engine, slack)


def texts(posted: Any) -> str:
    return json.dumps(posted.blocks, ensure_ascii=False)


def test_one_message_for_one_incident_and_its_story_in_the_thread(bench: Bench, slack: FakeSlack) -> None:
    bench.send(told())
    bench.send(told("incident.acknowledged", 5, status="Ada s’en occupe", state="acknowledged"))
    bench.send(told("incident.updated", 10, lead="Cela s’aggrave.", state="acknowledged"))
    bench.send(told("incident.resolved", 60, title="C’est fini", state="resolved"))
    (root,) = slack.roots()
    assert root.edits == 3
    assert "C’est fini" in texts(root)
    assert "acknowledge" not in texts(root)  # nothing left but to say whether it was useful
    thread = slack.thread_of(root)
    assert [line.text.split("\n")[0] for line in thread] == ["Ada s’en occupe", PLAIN.title, "C’est fini"]
    assert [line.broadcast for line in thread] == [False, True, False]  # what got worse is shown in the channel
    assert slack.problems == []


def test_the_buttons_follow_the_state_and_need_a_signing_secret(bench: Bench, slack: FakeSlack) -> None:
    bench.send(told())
    (root,) = slack.roots()
    actions = next(block for block in root.blocks if block["type"] == "actions")
    assert [each["action_id"] for each in actions["elements"]] == ["acknowledge", "silence", "useful", "not_useful"]
    assert actions["elements"][0]["value"] == str(INCIDENT)
    bench.send(told("incident.acknowledged", 5, status="Ada s’en occupe", state="acknowledged"))
    actions = next(block for block in root.blocks if block["type"] == "actions")
    assert [each["action_id"] for each in actions["elements"]] == ["silence", "useful", "not_useful"]
    bench.secrets = SlackSecrets("xoxb-1-good")
    bench.send(told("incident.updated", 6))
    assert "actions" not in texts(root)


def test_the_same_delivery_again_changes_nothing_visible(bench: Bench, slack: FakeSlack) -> None:
    first = bench.send(told())
    bench.send(told(), first)
    later = bench.send(told("incident.updated", 5))
    bench.send(told("incident.updated", 5), later)
    assert len(slack.messages) == 2


def test_an_answer_that_was_lost_makes_no_second_message(bench: Bench, slack: FakeSlack) -> None:
    slack.fail("chat.postMessage", drop_answer=True)
    delivery = uuid4()
    with pytest.raises(DeliveryError) as caught:
        bench.send(told(), delivery)
    assert not caught.value.lasting
    assert len(slack.messages) == 1  # Slack has it, we do not know
    bench.send(told(), delivery)
    assert len(slack.messages) == 1
    later = uuid4()
    slack.fail("chat.postMessage", drop_answer=True)
    with pytest.raises(DeliveryError):
        bench.send(told("incident.updated", 5), later)
    bench.send(told("incident.updated", 5), later)
    assert len(slack.messages) == 2  # the line of the thread neither
    assert {row.ts for row in bench.posts().values()} == {m.ts for m in slack.messages}


def test_without_the_right_to_read_it_comes_twice_at_most_rather_than_never(own_engine: Engine) -> None:
    with FakeSlack(scopes=frozenset({"chat:write"})) as slack:
        bench = Bench(own_engine, slack)
        slack.fail("chat.postMessage", drop_answer=True)
        delivery = uuid4()
        with pytest.raises(DeliveryError):
            bench.send(told(), delivery)
        bench.send(told(), delivery)
        bench.send(told(), delivery)
        assert len(slack.roots()) == 2


def test_an_older_state_never_covers_a_newer_one(bench: Bench, slack: FakeSlack) -> None:
    bench.send(told())
    bench.send(told("incident.resolved", 60, title="C’est fini", state="resolved"))
    bench.send(told("incident.updated", 10))  # was held up
    (root,) = slack.roots()
    assert "C’est fini" in texts(root)
    assert len(slack.thread_of(root)) == 2


def test_a_message_that_was_deleted_is_posted_anew(bench: Bench, slack: FakeSlack) -> None:
    bench.send(told())
    slack.messages.clear()
    bench.send(told("incident.updated", 5))
    assert len(slack.roots()) == 1
    bench.send(told("incident.resolved", 6))
    assert len(slack.roots()) == 1


def test_what_is_no_incident_stands_alone(bench: Bench, slack: FakeSlack) -> None:
    bench.send(told())
    bench.send(replace(told(), kind="delivery.failed"))
    bench.send(replace(told(), kind="test", incident_id=None))
    assert len(slack.roots()) == 3


def test_refused_blocks_become_plain_text(bench: Bench, slack: FakeSlack) -> None:
    slack.fail("chat.postMessage", error="invalid_blocks")
    bench.send(told())
    slack.fail("chat.update", error="invalid_blocks")
    bench.send(told("incident.resolved", 5, title="C’est fini"))
    (root,) = slack.roots()
    assert root.blocks == []
    assert "C’est fini" in root.text


@pytest.mark.parametrize(
    ("error", "gone"),
    [("token_revoked", True), ("is_archived", True), ("not_in_channel", True), ("msg_too_long", False)],
)
def test_what_only_a_person_can_mend_switches_it_off(bench: Bench, slack: FakeSlack, error: str, gone: bool) -> None:
    slack.fail("chat.postMessage", error=error)
    with pytest.raises(DeliveryError) as caught:
        bench.send(told())
    assert caught.value.gone is gone
    assert "xoxb" not in str(caught.value)
    assert bench.posts() == {}  # refused: nothing to look for


def test_a_wrong_token_says_so(bench: Bench, slack: FakeSlack) -> None:
    bench.secrets = SlackSecrets("xoxb-1-bad")
    with pytest.raises(DeliveryError, match="token is not valid") as caught:
        bench.send(told())
    assert caught.value.gone
    assert slack.messages == []


def test_slow_down_holds_the_channel_and_is_no_second_try(bench: Bench, slack: FakeSlack) -> None:
    slack.fail("chat.postMessage", status=429, retry_after=77)
    with pytest.raises(DeliveryError) as caught:
        bench.send(told())
    assert caught.value.retry_after == 77
    with pytest.raises(DeliveryError) as caught:
        bench.send(told())
    assert caught.value.untried
    assert 70 < (caught.value.retry_after or 0) <= 77
    assert len(slack.calls) == 0


def test_one_message_a_second_and_channel(own_engine: Engine) -> None:
    with FakeSlack(least=0.25) as slack:
        bench = Bench(own_engine, slack)
        bench.pace = 0.3
        bench.picture = lambda _incident, _language: b"\x89PNG"
        for minutes in range(3):
            bench.send(told(minutes=minutes))
        assert [m for m, _ in slack.calls].count("chat.postMessage") == 3
        assert len(slack.roots()) == 1


def test_the_chart_is_in_the_thread_once(bench: Bench, slack: FakeSlack) -> None:
    bench.picture = lambda incident, language: f"{incident} {language}".encode()
    first = bench.send(told())
    bench.send(told(), first)
    bench.send(told("incident.updated", 5))
    (root,) = slack.roots()
    (file,) = slack.files.values()
    assert file["content"] == f"{INCIDENT} fr".encode()
    assert file["shared"] == (CHANNEL, root.ts)
    assert file["alt"] == PLAIN.title


def test_a_chart_that_fails_is_a_note_and_comes_with_the_next_try(bench: Bench, slack: FakeSlack) -> None:
    bench.picture = lambda _incident, _language: b"\x89PNG"
    slack.fail("files.completeUploadExternal", drop_answer=True)
    first = bench.send(told())
    assert "chart" in bench.receipt.note
    bench.send(told(), first)
    assert bench.receipt.note == ""
    assert len([f for f in slack.files.values() if f.get("shared")]) == 1

    def broken(_incident: UUID, _language: str) -> bytes:
        raise RuntimeError("no ink")

    bench.picture = broken
    bench.send(replace(told(), incident_id=str(uuid4())))
    assert "no ink" in bench.receipt.note
    assert len(slack.roots()) == 2


def test_two_at_once_for_one_incident_wait_for_each_other(bench: Bench, slack: FakeSlack, own_engine: Engine) -> None:
    other: list[bool] = []

    def meanwhile() -> None:
        with pytest.raises(DeliveryError) as caught:
            bench.send(told("incident.updated", 1))
        other.append(caught.value.untried)

    slack.fail("chat.postMessage", drop_answer=True, after=meanwhile)
    with pytest.raises(DeliveryError):
        bench.send(told())
    assert other == [True]
    assert len(slack.messages) == 1


@given(NASTY)
@example("http://evil.example <!channel> @here")
@settings(max_examples=120, deadline=None)
def test_any_text_is_valid_and_only_our_link_is_live(text: str) -> None:
    one = message(text, status=text, data={"state": "open"})
    for body in (compose(one, incident=INCIDENT, buttons=True), compose_line(one), compose_line(message(text))):
        assert check_message(body) == ""
        json.dumps(body).encode()
        said = [body["text"]]
        for block in body["blocks"]:
            parts = [block["text"]] if "text" in block else block["elements"]
            said += [p["text"] for p in parts if p["type"] == "mrkdwn"]
            assert all(p.get("verbatim") is True for p in parts if p["type"] == "mrkdwn")
        everything = "\n".join(said)
        for live in re.findall(r"<[^>]*>", everything):
            assert live.startswith(f"<{LINK.replace('&', '&amp;')}|")
        rest = re.sub(r"<[^>]*>", "", everything)
        assert "<" not in rest
        assert "://" not in rest
        assert not re.search(r"[@#]\S", rest.replace("\u2060", " "))
        assert not re.search(r"\w\.(com|example|je|fr)\b", rest)


def test_secrets_are_read_back_and_nothing_else() -> None:
    assert SlackSecrets.read(SlackSecrets("xoxb-1", "abc").to_text()) == SlackSecrets("xoxb-1", "abc")
    for wrong in ("", "xoxb-1", "[]", "{}"):
        with pytest.raises(ValueError):
            SlackSecrets.read(wrong)


def test_a_deleted_destination_takes_its_places_along(bench: Bench, slack: FakeSlack, own_engine: Engine) -> None:
    bench.send(told())
    with Session(own_engine) as session, session.begin():
        session.delete(session.get_one(Destination, bench.destination))
    assert bench.posts() == {}

"""Buttons in Slack: only what Slack signed, only once, only fresh; and what it does is what the pages do."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api import slack_actions
from models.incidents import Destination, Incident, IncidentEvent, SlackClick
from models.people import Audit
from models.rules import IncidentVote
from tests.app.seed import Portfolio

API = "/api/v1"
SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"
BOT = {"kind": "slack_bot", "name": "#mobile", "secret": "xoxb-1-very-secret", "channel": "C0123456789"}


@pytest.fixture
def bot(web: TestClient) -> dict[str, Any]:
    made = web.post(f"{API}/destinations", json={**BOT, "signing_secret": SIGNING})
    assert made.status_code == 201, made.text
    return dict(made.json())


@pytest.fixture
def incident(portfolio: Portfolio, db: Session) -> Incident:
    return db.scalars(select(Incident).where(Incident.state == "open").limit(1)).one()


def payload(incident: Incident, action: str = "acknowledge", **selected: Any) -> bytes:
    pressed = {"action_id": action, "block_id": "cocoon", **(selected or {"value": str(incident.id)})}
    told = {
        "type": "block_actions",
        "user": {"id": "U0AB12", "name": "ada", "username": "ada"},
        "actions": [pressed],
        "response_url": "https://hooks.slack.com/actions/T0/1/x",
    }
    return urlencode({"payload": json.dumps(told)}).encode()


def signed(body: bytes, secret: str = SIGNING, at: float | None = None) -> dict[str, str]:
    moment = str(int(time.time() if at is None else at))
    mac = hmac.new(secret.encode(), b"v0:" + moment.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": f"v0={mac}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def press(web: TestClient, body: bytes, headers: dict[str, Any]) -> int:
    return web.post(f"{API}/slack/actions", content=body, headers=headers).status_code


def test_acknowledge_names_who_pressed(web: TestClient, bot: dict[str, Any], incident: Incident, db: Session) -> None:
    body = payload(incident)
    assert press(web, body, signed(body)) == 200
    db.refresh(incident)
    assert (incident.state, incident.acknowledged_by) == ("acknowledged", "ada (Slack U0AB12)")
    event = db.scalars(select(IncidentEvent).where(IncidentEvent.kind == "acknowledged")).one()
    assert event.actor == "ada (Slack U0AB12)"
    assert "ada (Slack U0AB12)" in db.scalars(select(Audit.actor)).all()


def test_silence_for_the_days_that_were_chosen(
    web: TestClient, bot: dict[str, Any], incident: Incident, db: Session
) -> None:
    body = payload(incident, "silence", selected_option={"value": f"{incident.id}:7"})
    assert press(web, body, signed(body)) == 200
    db.refresh(incident)
    assert incident.silenced_until is not None
    assert (incident.silenced_until - incident.updated_at).days == 7


def test_a_vote_counts_for_its_rule(web: TestClient, bot: dict[str, Any], incident: Incident, db: Session) -> None:
    for action in ("useful", "not_useful"):
        body = payload(incident, action)
        assert press(web, body, signed(body)) == 200
    given = db.scalars(select(IncidentVote)).one()
    assert (given.actor, given.useful) == ("ada (Slack U0AB12)", False)  # the last one counts


@pytest.mark.parametrize("seconds", [-301, 330, -86_400])
def test_an_old_request_is_refused(
    web: TestClient, bot: dict[str, Any], incident: Incident, db: Session, seconds: int
) -> None:
    body = payload(incident)
    assert press(web, body, signed(body, at=time.time() + seconds)) == 401
    db.refresh(incident)
    assert incident.state == "open"


def test_a_repeated_request_is_refused(web: TestClient, bot: dict[str, Any], incident: Incident, db: Session) -> None:
    body = payload(incident, "silence", selected_option={"value": f"{incident.id}:1"})
    headers = signed(body)
    assert press(web, body, headers) == 200
    assert press(web, body, headers) == 401
    assert len(db.scalars(select(SlackClick)).all()) == 1


def test_forged_or_changed_requests_are_refused(
    web: TestClient, bot: dict[str, Any], incident: Incident, db: Session
) -> None:
    body = payload(incident)
    good = signed(body)
    assert press(web, body, signed(body, "another" * 5)) == 401
    assert press(web, body.replace(b"ada", b"eve"), good) == 401
    assert press(web, body, {**good, "X-Slack-Request-Timestamp": str(int(time.time()) + 1)}) == 401
    assert press(web, body, {"X-Slack-Signature": b"v0=\xe9"}) in {401, 422}
    assert press(web, body, {}) == 401
    db.refresh(incident)
    assert incident.state == "open"


def test_a_bot_without_a_signing_secret_vouches_for_nothing(web: TestClient, incident: Incident, db: Session) -> None:
    assert web.post(f"{API}/destinations", json=BOT).status_code == 201
    body = payload(incident)
    assert press(web, body, signed(body, "")) == 401


def test_a_bot_of_one_app_does_not_touch_another(
    web: TestClient, bot: dict[str, Any], incident: Incident, db: Session, portfolio: Portfolio, monkeypatch: Any
) -> None:
    told: list[str] = []
    monkeypatch.setattr(slack_actions, "answer", lambda address, words: told.append(words))
    other = next(app.id for app in portfolio.apps if app.id != incident.app_id)
    db.get_one(Destination, bot["id"]).app_id = other
    db.flush()
    body = payload(incident)
    assert press(web, body, signed(body)) == 200
    assert told == ["There is no such incident."]  # to the one who pressed, by Slack's own address
    db.refresh(incident)
    assert incident.state == "open"


def test_what_is_no_press_of_ours_is_taken_quietly(web: TestClient, bot: dict[str, Any]) -> None:
    for body in (b"payload=%7B%7D", b"", b"payload=nonsense", b"\xff\xfe"):
        assert press(web, body, signed(body)) == 200
    assert press(web, b"x" * 300_000, signed(b"")) == 413


def test_it_needs_no_key_of_ours_from_outside(open_web: TestClient, db: Session) -> None:
    assert press(open_web, b"", {}) == 401
    answer = open_web.post(f"{API}/slack/actions", content=b"")
    assert "Slack" in answer.json()["detail"]  # not asked for a key: for a signature


def test_the_bots_settings_are_checked_and_its_secrets_never_told(web: TestClient, bot: dict[str, Any]) -> None:
    assert bot["config"] == {"levels": ["alert"], "channel": "C0123456789", "buttons": True}
    seen = json.dumps(bot) + web.get(f"{API}/destinations").text + web.get("/destinations").text
    assert "very-secret" not in seen
    assert SIGNING not in seen
    wrong = {"channel": "#mobile", "secret": "xoxp-1", "signing_secret": "short"}
    for field, value in wrong.items():
        answer = web.post(f"{API}/destinations", json={**BOT, "name": field, field: value})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["where"] == f"body.{field}"

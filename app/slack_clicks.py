"""What Slack tells us when somebody presses a button: checked by its signature, taken once, done at once.

docs.slack.dev/authentication/verifying-requests-from-slack: v0 = HMAC-SHA256 of "v0:timestamp:body" with the app's
signing secret; older than five minutes is refused. Slack waits for three seconds: what has to be done is one short
transaction, and the message itself is changed by the outbox.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from alerts.channels.plain import line
from alerts.channels.slack_bot import SILENCES, SlackSecrets
from alerts.votes import vote
from app import clock
from app.decisions import decide
from app.errors import Problem
from app.reading import incidents
from app.seal import Seal
from app.settings import SettingsError
from models.incidents import Destination, SlackClick

WINDOW = timedelta(minutes=5)
REFUSED = "This request is not signed by a Slack app that we know, or it is too old."


@dataclass(frozen=True, slots=True)
class Click:
    """A press of a button: what, on which incident, by whom. `answer_to` is where Slack takes a word for them."""

    action: str
    value: str
    actor: str
    answer_to: str


def check(session: Session, seal: Seal, body: bytes, timestamp: str, signature: str) -> list[Destination]:
    """Return the destinations whose app signed this. Raises Problem 401 for a forged, old or repeated request.

    Every known secret is compared, each in constant time, so that the time taken tells nothing.
    """
    now = session.scalar(select(func.clock_timestamp()))
    assert now is not None, "the database has a clock"
    try:
        fresh = abs(now.timestamp() - int(timestamp[:12])) <= WINDOW.total_seconds()
    except ValueError:
        fresh = False
    base = b"v0:" + timestamp.encode("utf-8", "replace") + b":" + body
    signers = []
    for destination in session.scalars(select(Destination).where(Destination.kind == "slack_bot")):
        secret = _signing(seal, destination)
        ours = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
        if hmac.compare_digest(ours.encode(), signature.encode("utf-8", "replace")) and secret:
            signers.append(destination)
    if not fresh or not signers:
        raise Problem(401, REFUSED)
    session.execute(delete(SlackClick).where(SlackClick.at < now - 3 * WINDOW))
    seen = hashlib.sha256(signature.encode()).hexdigest()
    first = insert(SlackClick).values(signature=seen).on_conflict_do_nothing().returning(SlackClick.signature)
    if session.scalar(first) is None:
        raise Problem(401, REFUSED)
    return signers


def _signing(seal: Seal, destination: Destination) -> str:
    try:
        return SlackSecrets.read(seal.open(destination.sealed or "")).signing
    except (SettingsError, ValueError):
        return ""


def read(body: bytes) -> Click | None:
    """Read what was pressed; None for what is no press of ours (a link, another kind of request)."""
    try:
        payload = json.loads(parse_qs(body.decode())["payload"][0])
        action = payload["actions"][0]
        value = action.get("value") or action.get("selected_option", {}).get("value") or ""
        user = payload["user"]
        name = line(str(user.get("name") or user.get("username") or "?"), 60)
        actor = f"{name} (Slack {line(str(user['id']), 20)})"
        return Click(str(action["action_id"]), str(value), actor, str(payload.get("response_url") or ""))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


def act(session: Session, click: Click, signers: list[Destination], *, base_url: str) -> None:
    """Do what was pressed. Raises Problem with a sentence for the person: too late, not there, not theirs."""
    session.execute(text("SET LOCAL lock_timeout = '2s'"))
    number, _, days = click.value.partition(":")
    incident = incidents.one(session, _uuid(number))
    if incident is None or not any(one.app_id in {None, incident.app_id} for one in signers):
        raise Problem(404, "There is no such incident.")
    told: dict[str, Any] = {"actor": click.actor, "base_url": base_url}
    if click.action == "acknowledge":
        decide(session, incident, "acknowledge", **told)
    elif click.action == "silence" and days.isdecimal() and int(days) in SILENCES:
        decide(session, incident, "silence", days=int(days), **told)
    elif click.action in {"useful", "not_useful"}:
        useful = click.action == "useful"
        vote(session, incident.app_id, incident.id, useful=useful, actor=click.actor, now=clock.now())
    else:
        raise Problem(422, "This button is not known any more.")


def _uuid(number: str) -> UUID:
    try:
        return UUID(number)
    except ValueError:
        return UUID(int=0)

"""Any text is a valid adaptive card, within Teams's limit, and nothing of a reviewer's becomes live."""

import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
from hypothesis import given, settings

from alerts.channels.base import DeliveryError, Message
from alerts.channels.teams import TeamsWorkflow, render
from tests.alerts.nasty import LINK, NASTY, PLAIN, message
from tests.alerts.receiver import Receiver

SCHEMAS = Path(__file__).parents[2].parent / "shared" / "samples" / "teams"


def card(told: Message) -> dict[str, Any]:
    body = render(told)
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return dict(attachment["content"])


def runs(part: Any) -> list[str]:
    """Every text that is shown."""
    if isinstance(part, list):
        return [text for one in part for text in runs(one)]
    if not isinstance(part, dict):
        return []
    own = [part["text"]] if part.get("type") == "TextRun" else []
    return own + [text for value in part.values() for text in runs(value)]


@cache
def validator(version: str) -> jsonschema.Draft7Validator:
    path = SCHEMAS / f"adaptive-card-{version}.schema.json"
    if not path.exists():
        pytest.skip(f"the adaptive card schemas are not beside the project: {path.name}")
    schema = json.loads(path.read_text("utf-8-sig"))
    return jsonschema.Draft7Validator(schema)


@pytest.mark.shared
@pytest.mark.parametrize("version", ["1.4.0", "1.5.0"])
@pytest.mark.parametrize("text", ["bonjour", "", "🏦" * 20_000, "<at>Ada</at>"])
def test_a_card_is_valid_by_the_published_schema(version: str, text: str) -> None:
    check = validator(version)
    for made in (card(message(text)), card(message(text, link="javascript:alert(1)"))):
        made.pop("msteams")  # Teams's own addition (width), which the general schema does not know
        assert [error.message[:200] for error in check.iter_errors(made)] == []
        made["body"][0]["type"] = "RichTextBlok"
        assert list(check.iter_errors(made))


@given(NASTY)
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_card_within_the_limit_with_one_live_link_ours(text: str) -> None:
    made = card(message(text))
    raw = json.dumps(render(message(text)), ensure_ascii=False).encode("utf-8")
    assert len(raw) < 28_000
    kinds = set(re.findall(r'"type": "([^"]+)"', json.dumps({"body": made["body"]})))
    assert kinds <= {"RichTextBlock", "TextRun", "Container"}  # none of them reads markdown
    shown = runs(made["body"])
    assert all(one.strip() for one in shown)
    everything = "\n".join([*shown, made["fallbackText"], *(a["title"] for a in made["actions"])])
    assert "://" not in everything
    assert "\u202e" not in everything
    assert not re.search(r"[@#]\S", everything.replace("\u2060", " "))
    assert not re.search(r"\w\.(com|example|je|fr)\b", everything)
    assert [a["url"] for a in made["actions"]] == [LINK]
    assert "entities" not in made["msteams"]  # what would make <at> a mention


def test_the_card_says_the_fact_then_the_rest_and_nothing_else() -> None:
    made = card(PLAIN)
    assert runs(made["body"]) == [
        "Banque Mésange : 4,4 → 3,6 ★ sur 212 avis en 3 jours",
        "Depuis mardi 17 nov., surtout la version 7.2.",
        "« Impossible de me connecter »",
        "★☆☆☆☆ · 7.2 · Google Play · mardi 17 nov.",
        "Sans changement réel…",
    ]
    assert made["actions"] == [
        {"type": "Action.OpenUrl", "title": "Voir l’incident", "url": "https://cocoon.example/incidents/1"}
    ]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://x.example/<a>", "https://[::1", ""])
def test_only_a_plain_web_address_becomes_the_link(address: str) -> None:
    assert "actions" not in card(message("x", link=address))


def send(receiver: Receiver) -> int:
    channel = TeamsWorkflow(receiver.url, allow_private=True, timeout=20.0)
    return channel.send(message("bonjour"), uuid4(), datetime.now(UTC)).status


def test_a_workflow_that_takes_it_answers_202() -> None:
    with Receiver([202]) as receiver:
        assert send(receiver) == 202
    assert receiver.bodies[0]["attachments"][0]["content"]["type"] == "AdaptiveCard"


@pytest.mark.parametrize(("status", "gone"), [(404, True), (410, True), (401, False), (429, False), (500, False)])
def test_a_deleted_workflow_is_told_from_a_passing_fault(status: int, gone: bool) -> None:
    with Receiver([status], headers={"Retry-After": "9"}) as receiver, pytest.raises(DeliveryError) as caught:
        send(receiver)
    assert (caught.value.gone, caught.value.lasting, caught.value.retry_after) == (gone, False, 9)


def test_a_private_address_is_refused() -> None:
    with Receiver([202]) as receiver, pytest.raises(DeliveryError, match="private network"):
        TeamsWorkflow(receiver.url).send(PLAIN, uuid4(), datetime.now(UTC))
    assert receiver.raw == []

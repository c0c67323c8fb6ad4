"""Nothing that can happen to an incident is without its words: every kind of event, and every way in which one ends."""

import ast
from datetime import date
from pathlib import Path
from typing import get_args
from uuid import uuid4

import pytest

from alerts.life import Kind
from alerts.messages import resolved_message
from alerts.unseen import Why
from app.i18n import LANGUAGES, Words, sentences
from app.timeline import event_detail
from models.incidents import Incident

ROOT = Path(__file__).resolve().parents[2]
WRITERS = {"add_event": 2, "_done": 2, "_note": 2}
"""Functions that put a line on the timeline, and which of their arguments names what happened."""


def kinds_written() -> set[str]:
    """Every kind of event that the code writes: the constants it gives, and those of a look."""
    found: set[str] = set(get_args(Kind))
    for name in (
        "alerts/decisions.py",
        "alerts/failures.py",
        "alerts/own.py",
        "alerts/votes.py",
        "alerts/incidents.py",
    ):
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in WRITERS:
                continue
            told = node.args[WRITERS[node.func.id]]
            found |= {
                one.value for one in ast.walk(told) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            }
    return found


def test_every_event_has_its_words() -> None:
    written = kinds_written()
    assert {"delivery_dead", "destination_disabled", "acknowledged", "unsilenced", "note", "useful"} <= written
    for language in LANGUAGES:
        told = {key.removeprefix("event.") for key in sentences(language) if key.startswith("event.")}
        assert written - told == set()
        assert told - written == set(), "words of an event that nobody writes"
        states = {
            key.removeprefix("incident_state.") for key in sentences(language) if key.startswith("incident_state.")
        }
        assert states == {"open", "acknowledged", "resolved"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("why", get_args(Why))
@pytest.mark.parametrize(
    ("rule", "subject"), [("rating_drop", "app"), ("new_irritant", "topic:sign_in"), ("crash_spike", "app"),
                          ("burst", "topic:sign_in"), ("bad_release", "version:google_play:7.2")]
)  # fmt: skip
def test_every_blind_end_has_its_words(language: str, why: Why, rule: str, subject: str) -> None:
    incident = Incident(
        id=uuid4(), app_id=1, rule=rule, subject=subject, effect={"before": 0.1, "after": 0.2}, evidence={}
    )
    since, ended = date(2026, 11, 8), date(2026, 11, 20)
    message = resolved_message(
        "Banque", incident, language, opened=date(2026, 11, 1), ended=ended, calm_days=0, actor=None, blind=(why, since)
    )
    told = event_detail(Words(language), {"why": why, "days": 13}, None)
    assert ("13" in message.lead, "13" in told) == (True, True)
    assert "{" not in message.lead + message.title + told


def test_a_delivery_that_was_given_up_names_its_destination() -> None:
    detail = {"destination": "Slack", "delivery": "x", "reason": "The receiver answered 410."}
    assert event_detail(Words("en"), detail, None) == "Slack · The receiver answered 410."

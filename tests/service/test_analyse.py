"""`cocoon analyse`: JSON Lines in, one JSON object out for each line, whatever comes."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from app.__main__ import main

KEYS = {"language", "sentiment", "label", "confidence", "intents", "topics", "urgent", "model"}


def analysed(*lines: str | bytes) -> list[dict[str, Any]]:
    given = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    done = CliRunner().invoke(main, ["analyse"], input=given, catch_exceptions=False)
    assert done.exit_code == 0
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_answer_a_line_in_the_stated_form() -> None:
    mixed, praise = analysed(
        '{"text": "Virement facile mais connexion impossible", "stars": 2, "storefront": "FR", "locale": "fr_FR"}',
        '{"text": "", "title": "Super appli"}',
    )
    assert set(mixed) == set(praise) == KEYS
    assert (mixed["language"], mixed["label"], mixed["urgent"]) == ("fr", "mixed", False)
    assert "problem" in mixed["intents"]
    topics = {topic["topic"]: topic for topic in mixed["topics"]}
    assert {*topics["sign_in"]} == {"topic", "step", "sentiment", "evidence"}
    assert topics["sign_in"]["evidence"] == "connexion impossible"
    assert topics["sign_in"]["sentiment"] < 0 < topics["transfer"]["sentiment"]
    assert -1 <= mixed["sentiment"] <= 1
    assert 0 <= mixed["confidence"] <= 1
    assert (praise["label"], praise["intents"]) == ("positive", ["praise"])


@pytest.mark.parametrize(
    "line",
    ["garbage", "[]", "5", '"text"', '{"texte": "a"}', '{"text": 5}', "[" * 100_000, b'{"text": "\xff', "{"],
    ids=lambda line: str(line)[:12],
)
def test_a_line_that_is_none_answers_with_its_number_and_the_next_is_read(line: str | bytes) -> None:
    wrong, right = analysed(line, '{"text": "nul"}')
    assert wrong == {"error": 'line 1 is not a JSON object with a "text"'}
    assert right["language"] == "fr"


@pytest.mark.parametrize(
    ("line", "label"),
    [
        (b'\xef\xbb\xbf{"text": "nul"}', "negative"),  # as Windows saves it
        ('{"text": null}', "neutral"),  # stars alone
        ('{"text": null, "title": "Nul"}', "negative"),
        ('{"text": "nul", "title": 5, "stars": "five", "storefront": 7, "locale": []}', "negative"),
        ('{"text": "\\ud800 nul"}', "negative"),
        (b'{"text": "nul \xff"}', "negative"),
    ],
)
def test_what_is_odd_but_readable_is_read(line: str | bytes, label: str) -> None:
    (said,) = analysed(line)
    assert said.get("label") == label, said


def test_personal_data_is_masked_in_the_evidence_too() -> None:
    (said,) = analysed('{"text": "Le conseiller au 06 12 34 56 78 ne répond jamais, virement bloqué"}')
    assert "34 56" not in json.dumps(said)

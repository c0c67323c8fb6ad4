"""What surveys and help desks say of themselves is said in French too."""

import re

import pytest

from app.reasons import catalogue, in_french
from tests.app.test_reasons import ROOT, bare, sentences

NAMES = (
    "json_api", "qualtrics", "qualtrics_table", "surveymonkey", "typeform", "intercom", "zendesk", "zendesk_format",
    "zoho_desk",
)  # fmt: skip
# Told to the one who writes the settings, when they are written.
SETTINGS = re.compile(
    r", not \{|survey's id|datacenter is|org_id is|the loop returns|^a form's id|region is|subdomain is"
)


@pytest.mark.parametrize("name", NAMES)
def test_every_sentence_has_its_french(name: str) -> None:
    known = {bare(english) for english in catalogue()}
    told = {text for text in map(bare, sentences(ROOT / "collectors" / f"{name}.py")) if not SETTINGS.search(text)}
    assert not {text for text in told if not any(text in one or one in text for one in known)}


def test_a_note_of_two_reasons() -> None:
    told = in_french("3 left out: preview answers; 1 left out: the question QID1 (Pourquoi ?) is not declared")
    assert told.replace("\u00a0", " ") == (
        "laissé de côté (3) : réponses d’aperçu ; laissé de côté (1) : la question QID1 (Pourquoi ?) n’est pas déclarée"
    )

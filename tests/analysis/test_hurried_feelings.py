"""The feeling of French as it is typed in a hurry: no accents, no apostrophes, no "ne", message spelling.

The sentences (tests/data/sloppy_french.csv) are ours and in no training set.
"""

import csv
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis import lexicon
from analysis.lexicon import GROUPS
from analysis.tokens import tokenise
from analysis.understand import Document, understand

SENTENCES = list(
    csv.DictReader((Path(__file__).parent.parent / "data" / "sloppy_french.csv").read_text("utf-8").splitlines())
)


def bare(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(letter))


def without_ne(text: str) -> str:
    return re.sub(r"(?i)\bne |\bn['’]", "", re.sub(r"(?i)\bje n['’]", "j'", text.replace("n'importe", "nimporte")))


@pytest.mark.parametrize(
    ("form", "complaints", "praises"),
    [
        pytest.param(lambda row: row["plain"], 39, 19, id="as it should be"),
        pytest.param(lambda row: bare(row["plain"]).replace("'", ""), 39, 18, id="no accents, no apostrophes"),
        pytest.param(lambda row: bare(without_ne(row["plain"])).replace("'", " "), 39, 18, id="no ne"),
        pytest.param(lambda row: row["sms"], 35, 15, id="as in messages"),
    ],
)
def test_forty_complaints_and_twenty_praises_keep_their_feeling(
    form: Callable[[dict[str, str]], str], complaints: int, praises: int
) -> None:
    said = understand([Document(form(row), storefront="fr") for row in SENTENCES])
    good = np.array([row["good"] == "1" for row in SENTENCES])
    value = np.array([one.sentiment for one in said])
    assert int((value[~good] < 0).sum()) >= complaints
    assert int((value[good] > 0).sum()) >= praises


def feelings(text: str) -> list[tuple[str, str, bool]]:
    """Cues of feeling of a French text: group, first word, and whether it is turned."""
    tokens = tokenise([text])
    cues = lexicon.find(tokens, np.array([lexicon.LANGUAGES.index("fr")]))
    return [
        (GROUPS[group], tokens.quote(first, first), bool(turned))
        for group, first, turned in zip(cues.group, cues.first, cues.turned, strict=True)
        if group < lexicon.POLAR
    ]


def test_a_phrase_with_its_own_negation_is_not_turned_by_the_ne_before_it() -> None:
    assert feelings("ce n'est pas fiable") == [("dislike", "pas", False)]
    assert feelings("ce n'est pas normal d'attendre") == [("dislike", "pas", False), ("dislike", "attendre", False)]
    assert feelings("il n'y a que des bugs") == [("hate", "que", False)]
    assert feelings("pas du tout déçu") == [("dislike", "déçu", True)]


def test_of_two_phrases_that_overlap_the_one_that_denies_or_the_longer_is_left() -> None:
    assert feelings("je recommande pas") == [("hate", "recommande", False)]
    assert feelings("je recommande") == [("love", "je", False)]
    assert feelings("je ne peux plus m'en passer") == [("love", "plus", False)]


@pytest.mark.parametrize(
    "text", ["on m a vidé mon compte et personne répond", "On m'a vidé mon compte, personne ne répond"]
)
def test_an_emptied_account_is_no_neutral_matter(text: str) -> None:
    said = understand([Document(text, storefront="fr")])[0]
    assert said.label == "negative"
    assert said.urgent

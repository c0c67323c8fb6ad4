"""Floors on real verbatims, a little under what was reached: a change that loses quality fails here."""

from pathlib import Path

import pytest

from analysis import corpora
from analysis.understand import Document, understand
from benchmarks import understanding
from tests.analysis.shared import DATA


class Rows(understanding.Table):
    """Keeps the rows instead of printing them."""

    def __init__(self) -> None:
        self.reached: dict[str, float] = {}

    def add(self, what: str, asked: float | None, reached: float, baseline: str = "", *, below: bool = False) -> None:
        self.reached[what.strip().split(" (")[0]] = reached


def rows(measure: str, corpus: str) -> dict[str, float]:
    if not (DATA / corpus).is_dir():
        pytest.skip(f"../shared/data/{corpus} is not here")
    table = Rows()
    getattr(understanding, measure)(table, DATA)
    return table.reached


@pytest.mark.shared
@pytest.mark.usefixtures("words_alone")
def test_french_sentiment_of_an_unseen_trade() -> None:
    found = rows("unseen_french", "insurance_fr")
    assert found["sentiment AUC, French insurers"] >= 0.97
    assert found["sentiment accuracy, French insurers"] >= 0.92


@pytest.mark.shared
def test_topics_labelled_by_hand() -> None:
    found = rows("topics", "insurance_fr")
    assert found["topics micro-F1, held-back half"] >= 0.785
    assert found["French, held-back half"] >= 0.81
    assert found["English, held-back half"] >= 0.745


@pytest.mark.shared
def test_the_urgent_lane_misses_little_and_stays_narrow() -> None:
    found = rows("urgency", "banking77")
    assert found["urgent lane, recall on 6 kinds of banking77"] >= 0.93
    assert found["share of its other kinds that take it"] <= 0.055
    assert found["share of app reviews that take it"] <= 0.02


@pytest.mark.shared
def test_masking_leaves_real_reviews_alone() -> None:
    found = rows("masking", "minibar")
    assert found["share of minibar that masking touches"] <= 0.001
    assert found["share of playstore_en that masking touches"] <= 0.002


@pytest.mark.shared
@pytest.mark.usefixtures("words_alone")
def test_every_real_text_is_understood() -> None:
    if not Path(DATA / "viber").is_dir():
        pytest.skip("../shared/data/viber is not here")
    texts = [example.text for example in corpora.read(DATA, "viber")]
    assert len(understand([Document(text) for text in texts])) == len(texts)

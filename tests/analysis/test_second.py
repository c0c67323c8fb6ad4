"""The second reader: asked where the first is in doubt, never where it is sure, and mixed with it as it was learnt."""

from collections.abc import Sequence

import numpy as np
import pytest

from analysis import embeddings, heads, second
from analysis.heads import HEADS
from analysis.understand import Document, understand


class Counting:
    """The wheel's encoder, and what it was asked."""

    name = "e2"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def vectors(self, texts: Sequence[str]) -> np.ndarray | None:
        self.asked += texts
        return embeddings.installed().vectors(texts)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    found = Counting()
    monkeypatch.setattr(embeddings, "encoder", lambda: found)
    return found


def test_a_sure_text_is_not_encoded_and_a_doubtful_one_is(counting: Counting) -> None:
    sure, doubtful = "Super application, parfaite, merci, je recommande", "Les cadrans sont devenus payants"
    said = understand([Document(text, locale="fr") for text in (sure, doubtful)])
    assert said[0].confidence > 0.95
    assert doubtful in counting.asked
    assert sure not in counting.asked


def test_another_language_is_always_encoded(counting: Counting) -> None:
    understand([Document("Excelente aplicación, me encanta, muy útil", locale="es")])
    assert counting.asked


def test_doubt_is_about_the_head_that_is_read() -> None:
    thresholds = dict.fromkeys(HEADS[1:], 0.5)
    wanted = list(range(len(HEADS)))
    chances = np.full((3, len(HEADS)), 0.01)
    chances[:, 0] = 0.99
    chances[1, HEADS.index("problem")] = 0.45
    chances[2, HEADS.index("problem_stars")] = 0.45
    without, starred = np.zeros(3, dtype=bool), np.ones(3, dtype=bool)
    assert second.in_doubt(chances, wanted, thresholds, without).tolist() == [False, True, False]
    assert second.in_doubt(chances, wanted, thresholds, starred).tolist() == [False, False, True]


def test_a_head_is_the_first_reader_plus_the_vector() -> None:
    size = len(HEADS)
    vector = np.zeros((size, embeddings.SIZE))
    vector[0, 3] = 0.5
    reader = second.Second("x", np.full(size, 0.5), vector, np.zeros((size, len(heads.DENSE_NAMES))), np.zeros(size))
    vectors = np.zeros((2, embeddings.SIZE), dtype=np.float32)
    vectors[1, 3] = 1
    dense = np.zeros((2, len(heads.DENSE_NAMES)), dtype=np.float32)
    first = np.array([[0.8], [0.8]])
    at_home = reader.probabilities(first, vectors, dense, [0], np.array([False, False]))[:, 0]
    odds = np.log(at_home / (1 - at_home))
    assert odds[0] == pytest.approx(0.5 * np.log(4))
    assert odds[1] - odds[0] == pytest.approx(0.5 * second.VECTOR_SCALE)
    abroad = reader.probabilities(first, vectors, dense, [0], np.array([True, True]))[:, 0]
    assert (np.abs(abroad - 0.5) < np.abs(at_home - 0.5)).all(), "less sure in a language without training"


def test_the_shipped_reader_fits_the_features() -> None:
    shipped = second.load()
    assert shipped.vector.shape == (len(HEADS), embeddings.SIZE)
    starless = [number for number, name in enumerate(HEADS) if not name.endswith("_stars")]
    assert not shipped.dense[starless, -len(heads.STAR_NAMES) :].any(), "what reads no stars must not"
    assert (shipped.first > 0).all()


def test_a_brief_negation_is_left_to_words() -> None:
    said = understand([Document("Je ne recommande pas cette application", locale="fr")])[0]
    assert said.label == "negative"

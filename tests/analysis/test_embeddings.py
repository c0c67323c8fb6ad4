"""The encoder: what it is asked, what happens without it, and that no text of any kind breaks it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import embeddings
from analysis.understand import Document, understand, version


class Counting:
    """Vectors that tell texts apart, and what was asked for."""

    name = "stub"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.array([[len(text), *[0] * 511] for text in texts], dtype=np.float32)


@pytest.fixture(scope="module")
def real() -> embeddings.Encoder:
    found = embeddings.installed()
    assert found.name, "the encoder is a dependency"
    return found


ODD = ["\ud800", "\x00\x00", " " * 5000, "🇫🇷" * 300, "שלום"]
SPANISH = [Document("La aplicación va bien y me gusta", locale="es"), Document("Un desastre, no abre", locale="es")]


def test_each_text_is_encoded_once_and_only_when_asked() -> None:
    encoder = Counting()
    vectors = embeddings.Vectors(["a", "bb", "ccc"], encoder)
    assert encoder.asked == []
    first = vectors.of(np.array([2, 0]))
    assert first is not None
    assert first[:, 0].tolist() == [3, 1]
    again = vectors.of(np.array([0, 1, 2, 0]))
    assert again is not None
    assert again[:, 0].tolist() == [1, 2, 3, 1]
    assert sorted(encoder.asked) == ["a", "bb", "ccc"]


def test_without_an_encoder_there_are_no_vectors() -> None:
    assert embeddings.Vectors(["a"], embeddings.NoEncoder()).of(np.array([0])) is None


def test_other_languages_are_told(real: embeddings.Encoder) -> None:
    good, bad = understand(SPANISH)
    assert (good.label, bad.label) == ("positive", "negative")
    assert min(good.confidence, bad.confidence) > 0.75


def test_switched_off_words_alone_read_and_the_version_says_so(words_alone: None) -> None:
    off = version()
    assert understand(SPANISH)[1].confidence < 0.8
    embeddings.use(True)
    assert version() != off


def test_other_weights_than_the_measured_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "WEIGHTS_SHA256", "0" * 64)
    embeddings.installed.cache_clear()
    found = embeddings.installed()
    embeddings.installed.cache_clear()
    assert isinstance(found, embeddings.NoEncoder)
    assert found.wanted
    assert "weights" in found.why


def test_a_text_alone_and_among_others_has_the_same_vector(real: embeddings.Encoder) -> None:
    texts = ["Nul", "Great app", "", "x " * 900, "La aplicación no abre desde ayer", "👍👍"]
    together = real.vectors(texts)
    assert together is not None
    for number, text in enumerate(texts):
        alone = real.vectors([text])
        assert alone is not None
        assert np.allclose(alone[0], together[number], atol=1e-4)
        assert np.linalg.norm(alone[0]) == pytest.approx(1, abs=1e-3)


def test_what_is_kept_for_texts_that_come_again_stays_small(
    real: embeddings.Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "_KEPT", 3)
    reader = embeddings.SentenceEncoder()
    texts = ["un", "deux", "trois", "quatre", "un"]
    first, again = reader.vectors(texts), reader.vectors(texts)
    assert first is not None
    assert again is not None
    assert np.allclose(first, again, atol=1e-4)
    assert np.array_equal(first[0], first[4])
    assert len(reader._kept) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=80), st.sampled_from(["\ud800", "\x00\x00", " " * 5000, "🇫🇷" * 300, "שלום"])))
)
def test_no_text_breaks_the_encoder(texts: list[str]) -> None:
    found = embeddings.installed().vectors(texts)
    assert found is not None
    assert found.shape == (len(texts), embeddings.SIZE)
    assert np.isfinite(found).all()

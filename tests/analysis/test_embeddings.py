"""The optional encoder: without it nothing changes, with it other languages are told; its weights are checked."""

from collections.abc import Sequence

import numpy as np
import pytest

from analysis import embeddings
from analysis.understand import Document, understand, version


class Stub:
    """Says that whatever holds "bien" is good."""

    name = "stub"

    def positive(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([0.95 if "bien" in text else 0.05 for text in texts])


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "encoder", Stub)


TEXTS = [Document("La aplicación va bien y me gusta", locale="es"), Document("La aplicación es una ruina", locale="es")]


def test_other_languages_are_told_by_the_encoder(stub: None) -> None:
    good, bad = understand(TEXTS)
    assert (good.label, bad.label) == ("positive", "negative")
    assert good.confidence > 0.9
    assert version().endswith("stub")


def test_french_and_english_are_not(stub: None) -> None:
    with_encoder = understand([Document("C'est bien nul", locale="fr")])[0].sentiment
    assert with_encoder < 0.6, "the encoder would say 0.9"


def test_without_it_the_lexicon_abstains() -> None:
    told = embeddings.NoEncoder().positive(["x"])
    assert told is None
    if not embeddings.encoder().name:
        assert understand(TEXTS)[1].confidence < 0.8


def test_other_weights_than_the_measured_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "WEIGHTS_SHA256", "0" * 64)
    embeddings.encoder.cache_clear()
    assert isinstance(embeddings.encoder(), embeddings.NoEncoder)
    embeddings.encoder.cache_clear()

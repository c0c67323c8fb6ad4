"""Fit the second reader: heads on the encoder's vectors, mixed with the first reader (`python -m analysis.train`).

No reported figure saw its app: neither the heads, nor the scales that mix them, nor the threshold.
"""

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from analysis import embeddings, heads
from analysis.corpora import Example
from analysis.second import VECTOR_SCALE, log_odds

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
_PENALTY = 0.025
_THIN = ("playstore_en", "viber")  # large and English: a third of each is enough for 600 weights
SHARE = {"sentiment": 0.3}
"""Part of the second reader in the mix of both (.5 where nothing is said), each at a spread of 1."""


@dataclass
class Table:
    """What the second reader learns from: `place` of each example of the set in `columns` (−1: left out)."""

    place: Rows
    columns: NDArray[np.float32]

    def width(self, name: str) -> int:
        """Columns that a head may read: the feeling vectors alone, intents the cues too, starred ones the stars."""
        if name == "sentiment":
            return embeddings.SIZE
        return int(self.columns.shape[1]) - (0 if name.endswith("_stars") else len(heads.STAR_NAMES))

    def scores(self, name: str, label: Bools, weight: Floats, seen: Rows, read: Rows) -> Floats:
        """Scores of some examples by a head that saw others; not-a-number for what is left out."""
        weights = self.fit(name, label, weight, seen)
        found = np.full(len(read), np.nan)
        there = self.place[read] >= 0
        found[there] = self.columns[self.place[read[there]]] @ weights[:-1] + weights[-1]
        return found

    def fit(self, name: str, label: Bools, weight: Floats, seen: Rows) -> Floats:
        """Weights of a head, its bias at the end."""
        kept, width = seen[self.place[seen] >= 0], self.width(name)
        model = LogisticRegression(C=_PENALTY, solver="newton-cholesky", max_iter=12, tol=1e-3)
        model.fit(self.columns[self.place[kept], :width].astype(np.float64), label[kept], sample_weight=weight[kept])
        weights = np.zeros(self.columns.shape[1] + 1)
        weights[:width], weights[-1] = model.coef_[0], model.intercept_[0]
        return weights


def _is_read(one: Example) -> bool:
    labelled = one.corpus not in _THIN or one.problem is not None
    return labelled or zlib.crc32(one.text.encode("utf-8", "replace")) % 3 == 0


def represent(examples: Sequence[Example], dense: NDArray[np.float32]) -> Table | None:
    """Vectors, cues and stars of the examples, or None without the encoder. `dense` is (examples, DENSE_NAMES)."""
    kept = np.array([number for number, one in enumerate(examples) if _is_read(one)])
    vectors = embeddings.installed().vectors([examples[number].text for number in kept.tolist()])
    if vectors is None:
        return None
    place = np.full(len(examples), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return Table(place, np.hstack([vectors * np.float32(VECTOR_SCALE), dense[kept]]))


@dataclass(frozen=True, slots=True)
class Mix:
    """Scores of both readers, each divided by its spread, in their shares."""

    first: float
    second: float

    def of(self, first: Floats, second: Floats) -> Floats:
        """The mixed score."""
        mixed: Floats = self.first * first + self.second * second
        return mixed


def mix(name: str, first: Floats, second: Floats) -> Mix:
    """How to mix, from scores of texts that neither reader saw."""
    share = SHARE.get(name, 0.5)
    return Mix((1 - share) / float(np.nanstd(first)), share / float(np.nanstd(second)))


@dataclass(frozen=True, slots=True)
class Joined:
    """A head as it is shipped: log-odds = `first` × log-odds of the first reader + columns @ `weights`[:-1] + bias."""

    first: float
    weights: Floats


def join(mixed: Mix, weights: Floats, own: tuple[float, float], both: tuple[float, float]) -> Joined:
    """From fitted weights and two calibrations (slope, offset): of the first reader alone, and of the mixed score."""
    (slope, offset), (joint_slope, joint_offset) = own, both
    first = joint_slope * mixed.first / slope
    whole = joint_slope * mixed.second * weights
    whole[-1] += joint_offset - first * offset
    return Joined(first, whole)


def write(
    output: Path,
    found: Sequence[Joined],
    thresholds: dict[str, float],
    first_thresholds: dict[str, float],
    made_from: str,
) -> None:
    """Write second.npz and second.json. Biases are moved so that the first reader's thresholds hold for both."""
    weights = np.array([one.weights for one in found])
    for place, name in enumerate(heads.HEADS):
        if name in thresholds:
            cuts = log_odds(np.array([first_thresholds[name], thresholds[name]]))
            weights[place, -1] += float(cuts[0] - cuts[1])
    arrays = {
        "first": np.round(np.array([one.first for one in found]), 4),
        "vector": weights[:, : embeddings.SIZE].astype(np.float16),
        "dense": weights[:, embeddings.SIZE : -1].astype(np.float16),
        "bias": np.round(weights[:, -1], 4),
    }
    np.savez_compressed(
        output / "second.npz",
        first=arrays["first"],
        vector=arrays["vector"],
        dense=arrays["dense"],
        bias=arrays["bias"],
    )
    about = {
        "version": hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()[:6],
        "training_set": made_from,
        "encoder": embeddings.WEIGHTS_SHA256[:12],
        "heads": heads.HEADS,
        "dense": heads.DENSE_NAMES,
    }
    (output / "second.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")

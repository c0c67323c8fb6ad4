"""The shipped linear models: one set of hashed features, one weight vector per question asked of a text.

Files: data/model.npz (float16 weights, no pickle) and data/model.json (names, version, calibration, evaluation),
written by `python -m analysis.train`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

import numpy as np
from numpy.typing import NDArray

from analysis import lexicon
from analysis.features import Features
from analysis.tokens import Ints

STAR_NAMES = ("no_stars", "star_1", "star_2", "star_3", "star_4", "star_5")
DENSE_NAMES = (*lexicon.NAMES, *STAR_NAMES)
DENSE_SCALE = 2.0  # cues are trusted more than hashed words: a larger value is a weaker penalty on their weights
HEADS = ("sentiment", "problem", "request", "praise", "problem_stars", "request_stars", "praise_stars")


@dataclass(frozen=True, slots=True)
class Model:
    """`hashed` (heads, BUCKETS), `dense` (len(DENSE_NAMES), heads), `bias` (heads); `slope` and `offset` calibrate:
    probability = sigmoid(slope × score + offset). From its probability in `thresholds` on, an intent is told."""

    version: str
    hashed: NDArray[np.float32]
    dense: NDArray[np.float32]
    bias: NDArray[np.float64]
    slope: NDArray[np.float64]
    offset: NDArray[np.float64]
    thresholds: Mapping[str, float]

    def probabilities(
        self,
        features: Features,
        dense: NDArray[np.float32],
        owner: Ints,
        owners: int,
        heads: Sequence[int],
    ) -> NDArray[np.float64]:
        """Calibrated probability of the chosen heads for each owner, shape (owners, len(heads)).

        Columns of `dense` beyond those given (the stars) count as zero.
        """
        where, value = features.values(owner, owners)
        raw = np.zeros((owners, len(heads)))
        for column, head in enumerate(heads):
            raw[:, column] = np.bincount(where, self.hashed[head][features.bucket] * value, owners)
        chosen = list(heads)
        raw += dense @ self.dense[: dense.shape[1], chosen] + self.bias[chosen]
        return sigmoid(self.slope[chosen] * raw + self.offset[chosen])


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + e^−x), without overflow."""
    return 1.0 / (1.0 + np.exp(-np.clip(values, -60, 60)))


def star_features(stars: Ints) -> NDArray[np.float32]:
    """One of six columns set: 0 for no stars, else 1 to 5. Anything else counts as none."""
    known = np.where((stars >= 1) & (stars <= 5), stars, 0)
    columns: NDArray[np.float32] = (known[:, None] == np.arange(6)).astype(np.float32) * np.float32(DENSE_SCALE)
    return columns


def dense_features(cues: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cues at the scale that the models were trained with."""
    return cues * np.float32(DENSE_SCALE)


class ModelError(ValueError):
    """A folder holds no model that this version of Cocoon can use."""


_current: Model | None = None


def load() -> Model:
    """The model in use: the installation's own (`use`), else the shipped one; read once (about 0.1 s)."""
    return _current or shipped()


def use(model: Model | None) -> None:
    """Read with this model in this process from now on; None: with the shipped one."""
    global _current  # noqa: PLW0603  one model a process is the point
    _current = model


@cache
def shipped() -> Model:
    """The model that comes with Cocoon."""
    return read(resources.files("analysis").joinpath("data"))


def read(folder: Traversable) -> Model:
    """The model of a folder. Raises ModelError where it was made for other features, OSError where it is missing."""
    about = json.loads(folder.joinpath("model.json").read_text("utf-8"))
    with folder.joinpath("model.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        hashed = np.ascontiguousarray(arrays["hashed"].T, dtype=np.float32)
        rest = {name: arrays[name].astype(np.float64) for name in ("dense", "bias", "slope", "offset")}
    if tuple(about["heads"]) != HEADS or tuple(about["dense"]) != DENSE_NAMES:
        raise ModelError("this model was made for other features: run cocoon train, or python -m analysis.train")
    thresholds = {name: float(value) for name, value in about["thresholds"].items()}
    dense = rest["dense"].astype(np.float32)
    return Model(about["version"], hashed, dense, rest["bias"], rest["slope"], rest["offset"], thresholds)

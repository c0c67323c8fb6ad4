"""The second reader: where words leave a doubt, the encoder's vector of the whole sentence speaks too.

For each head its log-odds are those of the first reader (analysis.heads) times a weight, plus a linear head on the
vector and the cues; weights learnt across apps by `python -m analysis.train`. Files: data/second.npz, second.json.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from analysis.embeddings import SIZE
from analysis.heads import DENSE_NAMES, HEADS, ModelError, sigmoid

VECTOR_SCALE = 6.0  # vectors have length 1; a larger value is a weaker penalty on their weights
DOUBT = 1.5
"""Log-odds of the feeling below which the first reader is in doubt (.82)."""
DOUBT_OF_INTENT = 0.5
"""Log-odds from an intent's threshold within which the first reader is in doubt."""
_ABROAD = 0.85  # log-odds in a language without training are worth this much; see docs/understanding.md


@dataclass(frozen=True, slots=True)
class Second:
    """`first` (heads), `vector` (heads, SIZE), `dense` (heads, len(DENSE_NAMES)) and `bias` (heads)."""

    version: str
    first: NDArray[np.float64]
    vector: NDArray[np.float64]
    dense: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(
        self,
        first: NDArray[np.float64],
        vectors: NDArray[np.float32],
        dense: NDArray[np.float32],
        heads: Sequence[int],
        abroad: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Probability of the chosen heads, shape (n, len(heads)), from the first reader's, vectors and dense features.

        Thresholds are those of the first reader. `abroad` marks texts in a language without training.
        """
        chosen = list(heads)
        total = log_odds(first) * self.first[chosen] + self.bias[chosen]
        total += (vectors.astype(np.float64) * VECTOR_SCALE) @ self.vector[chosen].T + dense @ self.dense[chosen].T
        feeling = np.array([head == 0 for head in chosen])
        total[np.ix_(abroad, feeling)] *= _ABROAD
        return sigmoid(total)


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p / (1 − p)), bounded at ±12."""
    kept = np.clip(probability, 6e-6, 1 - 6e-6)
    odds: NDArray[np.float64] = np.log(kept / (1 - kept))
    return odds


def in_doubt(
    chances: NDArray[np.float64], heads: Sequence[int], thresholds: Mapping[str, float], starred: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Texts whose feeling or intents the first reader is not sure of: the second reads these."""
    odds = log_odds(chances)
    doubt: NDArray[np.bool_] = np.abs(odds[:, 0]) < DOUBT
    for head in heads[1:]:
        name = HEADS[head]
        near = np.abs(odds[:, head] - log_odds(np.array([thresholds[name]]))[0]) < DOUBT_OF_INTENT
        doubt |= near & (starred == name.endswith("_stars"))
    return doubt


@cache
def load() -> Second:
    """The shipped second reader. Raises ModelError where it was made for other features."""
    folder = resources.files("analysis").joinpath("data")
    about = json.loads(folder.joinpath("second.json").read_text("utf-8"))
    with folder.joinpath("second.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        parts = {name: arrays[name].astype(np.float64) for name in ("first", "vector", "dense", "bias")}
    fits = (len(HEADS), SIZE) == parts["vector"].shape and (len(HEADS), len(DENSE_NAMES)) == parts["dense"].shape
    if tuple(about["heads"]) != HEADS or tuple(about["dense"]) != DENSE_NAMES or not fits:
        raise ModelError("the second reader was made for other features: run python -m analysis.train")
    return Second(about["version"], parts["first"], parts["vector"], parts["dense"], parts["bias"])

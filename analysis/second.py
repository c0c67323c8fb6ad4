"""The second reader: what the encoder's vectors say of the feeling, by a head learnt on French and English stars."""

import json
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from analysis.embeddings import Floats


def positive(vectors: Floats) -> NDArray[np.float64]:
    """Probability that each text is positive."""
    weights, bias = _head()
    scores = vectors.astype(np.float64) @ weights + bias
    chances: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(scores, -60, 60)))
    return chances


@cache
def _head() -> tuple[NDArray[np.float64], float]:
    head = json.loads((resources.files("analysis") / "data" / "embedding_head.json").read_text("utf-8"))
    return np.array(head["weights"]), float(head["bias"])

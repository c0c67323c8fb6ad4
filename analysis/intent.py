"""What the customer wants: tells a problem, asks for a feature, asks a question, praises; several at once or none."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis import lexicon
from analysis.heads import HEADS
from analysis.tokens import Ints

Intent = Literal["problem", "request", "question", "praise"]
_MODELLED: tuple[Intent, ...] = ("problem", "request", "praise")
_QUESTION = lexicon.NAMES.index("question")
_MARK = lexicon.NAMES.index("question_mark")
_WORDS = lexicon.NAMES.index("words")
_NONE = lexicon.NAMES.index("none")


def heads_for(stars: Ints) -> list[int]:
    """Heads that `judge` will read for documents with these stars; sentiment is always the first."""
    starred = (stars >= 1) & (stars <= 5)
    kinds = [kind for kind, there in (("", not starred.all()), ("_stars", starred.any())) if there]
    return [0, *(HEADS.index(f"{name}{kind}") for kind in kinds for name in _MODELLED)]


def judge(
    probabilities: NDArray[np.float64], cues: NDArray[np.float32], stars: Ints, cut: Mapping[str, float]
) -> list[tuple[Intent, ...]]:
    """Intents of each document, told from the probabilities `cut` on.

    Stars help where they are known; a question is a mark with a word that asks.
    """
    starred = (stars >= 1) & (stars <= 5)
    told: dict[Intent, NDArray[np.bool_]] = {}
    for name in _MODELLED:
        plain, with_stars = HEADS.index(name), HEADS.index(f"{name}_stars")
        told[name] = np.where(
            starred, probabilities[:, with_stars] > cut[f"{name}_stars"], probabilities[:, plain] > cut[name]
        )
    told["praise"] = told["praise"] & (probabilities[:, 0] > 0.6) & (cues[:, _NONE] == 0)
    asks = (cues[:, _QUESTION] > 0) & (cues[:, _MARK] > 0)
    told["question"] = asks
    order: tuple[Intent, ...] = ("problem", "request", "question", "praise")
    worded = cues[:, _WORDS] > 0
    return [tuple(name for name in order if worded[row] and told[name][row]) for row in range(len(probabilities))]

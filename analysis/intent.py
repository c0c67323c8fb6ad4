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
_PROBLEM, _REQUEST = lexicon.NAMES.index("problem"), lexicon.NAMES.index("request")
_LOVE, _PRAISE = lexicon.NAMES.index("love"), lexicon.NAMES.index("praise")
_DISLIKE, _HATE = lexicon.NAMES.index("dislike"), lexicon.NAMES.index("hate")
_DELIGHT = 0.7  # chance of a good feeling from which words of praise are praise, whatever the stars


def heads_for(stars: Ints) -> list[int]:
    """Heads that `judge` will read for documents with these stars; sentiment is always the first."""
    starred = (stars >= 1) & (stars <= 5)
    kinds = [kind for kind, there in (("", not starred.all()), ("_stars", starred.any())) if there]
    return [0, *(HEADS.index(f"{name}{kind}") for kind in kinds for name in _MODELLED)]


def judge(
    probabilities: NDArray[np.float64],
    cues: NDArray[np.float32],
    stars: Ints,
    cut: Mapping[str, float],
    asking: NDArray[np.bool_],
) -> list[tuple[Intent, ...]]:
    """Intents of each document, told from the probabilities `cut` on.

    Stars help where they are known. A question is a mark with a word that asks, or `asking`: a calm practical question
    ("how do I", "ou est mon rib"), which is no request for a feature.
    """
    starred = (stars >= 1) & (stars <= 5)
    told: dict[Intent, NDArray[np.bool_]] = {}
    for name in _MODELLED:
        plain, with_stars = HEADS.index(name), HEADS.index(f"{name}_stars")
        told[name] = np.where(
            starred, probabilities[:, with_stars] > cut[f"{name}_stars"], probabilities[:, plain] > cut[name]
        )
    felt, marked = cues[:, _NONE] == 0, cues[:, _MARK] > 0
    told["praise"] = told["praise"] & (probabilities[:, 0] > 0.6) & felt
    delighted = (probabilities[:, 0] > _DELIGHT) & ((cues[:, _LOVE] > 0) | (cues[:, _PRAISE] > 0))
    told["praise"] |= delighted & felt & ~told["problem"]  # "super appli, il manque la recherche" does both
    calm = (cues[:, _DISLIKE] == 0) & (cues[:, _HATE] == 0)
    told["question"] = ((cues[:, _QUESTION] > 0) & marked) | (asking & (marked | calm))
    told["request"] &= ~(asking & calm & (cues[:, _REQUEST] == 0))
    order: tuple[Intent, ...] = ("problem", "request", "question", "praise")
    worded = cues[:, _WORDS] > 0
    return [tuple(name for name in order if worded[row] and told[name][row]) for row in range(len(probabilities))]

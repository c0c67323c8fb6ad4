"""The feeling of a text and of its clauses, from the words alone; the stars are never read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis import lexicon
from analysis.clauses import Clauses

Label = Literal["negative", "mixed", "neutral", "positive"]
_TRAINED = ("fr", "en")
_CUED = ("es", "de", "it", "nl", "pt")
_NONE = lexicon.NAMES.index("none")
_EDGE = 0.3  # |sentiment| below which a text is neutral or mixed


@dataclass(frozen=True, slots=True)
class Feelings:
    """Per document: value −1 to 1, its label, and confidence 0 to 1 (chance that the sign is right)."""

    value: NDArray[np.float64]
    label: list[Label]
    confidence: NDArray[np.float64]


def judge(
    positive: NDArray[np.float64],
    cues: NDArray[np.float32],
    clause: NDArray[np.float64],
    clause_cues: NDArray[np.float32],
    parts: Clauses,
    languages: Sequence[str],
    encoded: NDArray[np.bool_] | None = None,
) -> Feelings:
    """Feelings of documents from their calibrated probabilities and those of their clauses.

    "mixed" needs one clause clearly for and one clearly against, each with a word of feeling. In a language without
    training the cues of its lexicon decide, with less confidence; without any cue the text stays neutral.
    """
    trained = np.array([code in _TRAINED for code in languages], dtype=bool)
    if encoded is not None:  # `positive` comes from the multilingual encoder
        trained |= encoded
    cued = np.array([code in _CUED for code in languages], dtype=bool)
    mute = cues[:, _NONE] > 0
    value = 2 * positive - 1
    value = np.where(trained, value, np.where(mute, 0.0, np.where(cued, 0.9, 0.6) * value))
    confidence = np.where(trained, 0.5 + np.abs(value) / 2, np.where(mute, 0.0, np.where(cued, 0.75, 0.4)))
    confidence = np.where(~trained & ~mute, confidence * (0.5 + np.abs(value) / 2), confidence)

    felt = clause_cues[:, _NONE] == 0
    up = np.bincount(parts.doc[felt & (clause > 0.8)], minlength=len(value)) > 0
    down = np.bincount(parts.doc[felt & (clause < 0.2)], minlength=len(value)) > 0
    labels: list[Label] = []
    for number, worth in enumerate(value.tolist()):
        if up[number] and down[number] and abs(worth) < 0.75:
            labels.append("mixed")
        elif abs(worth) < _EDGE:
            labels.append("neutral")
        else:
            labels.append("positive" if worth > 0 else "negative")
    return Feelings(value, labels, confidence)


def aspects(
    clause: NDArray[np.float64], clause_cues: NDArray[np.float32], whole: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Feeling at each mention, −1 to 1: that of its clause, leaning on the whole text where the clause has no cue."""
    trust = np.where(clause_cues[:, _NONE] > 0, 0.35, 0.85)
    return trust * (2 * clause - 1) + (1 - trust) * whole

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
_PROBLEM, _REQUEST = lexicon.NAMES.index("problem"), lexicon.NAMES.index("request")
_LOVE = lexicon.NAMES.index("love")
_MARK = lexicon.NAMES.index("question_mark")
_BALANCE = lexicon.NAMES.index("balance")
_CONTRAST = lexicon.NAMES.index("contrast")
_EDGE = 0.3  # |sentiment| below which a text is neutral or mixed
_MIXED, _MIXED_BY_TURN = 0.75, 0.92  # the same for a mixed one, and for one with a "mais" that is good on the whole
_COOL, _FOR_NOTHING = (-0.35, 0.35), 0.05
_HOPED = 0.3  # what is left of praise in a wish or a question without a word of feeling


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
    hoping: NDArray[np.bool_] | None = None,
    asking: NDArray[np.bool_] | None = None,
    grave: NDArray[np.bool_] | None = None,
) -> Feelings:
    """Feelings of documents from their calibrated probabilities and those of their clauses.

    "mixed" needs one clause clearly for, with a word of feeling, and one clearly against, with one or with a fault. In
    a language without training the cues of its lexicon decide, with less confidence; without any cue the text stays
    neutral. `hoping` marks wishes and practical questions, `asking` the latter: who only wishes is no happier for it,
    though by the stars mostly happy people wish. `grave` marks what is urgent in plain words.
    """
    trained = np.array([code in _TRAINED for code in languages], dtype=bool)
    if encoded is not None:  # `positive` comes from the multilingual encoder
        trained |= encoded
    cued = np.array([code in _CUED for code in languages], dtype=bool)
    mute = cues[:, _NONE] > 0
    value = 2 * positive - 1
    value = np.where(trained, value, np.where(mute, 0.0, np.where(cued, 0.9, 0.6) * value))
    value, cool = _weighed(value, cues, hoping, asking, grave)
    silent = mute & ~cool
    sure = 0.5 + np.abs(value) / 2
    confidence = np.where(trained, sure, np.where(silent, 0.0, np.where(cued, 0.75, 0.4) * sure))

    felt = clause_cues[:, _NONE] == 0
    faulty = clause_cues[:, _PROBLEM] > 0
    turns = cues[:, _CONTRAST] > 0
    clear = np.where(turns, 0.7, 0.8)[parts.doc]
    up = np.bincount(parts.doc[felt & (clause > clear)], minlength=len(value)) > 0
    down = np.bincount(parts.doc[(felt | faulty) & (clause < 1 - clear)], minlength=len(value)) > 0
    edge = np.where(turns & (value > 0), _MIXED_BY_TURN, _MIXED)
    labels: list[Label] = []
    for number, worth in enumerate(value.tolist()):
        if up[number] and down[number] and abs(worth) < edge[number]:
            labels.append("mixed")
        elif abs(worth) < _EDGE:
            labels.append("neutral")
        else:
            labels.append("positive" if worth > 0 else "negative")
    return Feelings(value, labels, confidence)


def _weighed(
    value: NDArray[np.float64],
    cues: NDArray[np.float32],
    hoping: NDArray[np.bool_] | None,
    asking: NDArray[np.bool_] | None,
    grave: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values after what stars cannot teach, and which texts are complaints told coolly."""
    mute = cues[:, _NONE] > 0
    # A fault told without any good word is a complaint.
    complaint = (cues[:, _PROBLEM] > 0) & (value < _FOR_NOTHING) & ~(mute & (cues[:, _MARK] > 0))
    complaint = (complaint if grave is None else complaint | grave) & (cues[:, _BALANCE] <= 0)
    value = np.where(complaint, np.minimum(value, _COOL[0] + _COOL[1] * value), value)
    if asking is not None:  # the "merci" at the end of a question
        value = np.where(asking & (cues[:, _LOVE] == 0) & (value > 0), _HOPED * value, value)
    if hoping is not None:
        value = np.where(mute & (hoping | (cues[:, _REQUEST] > 0)) & (value > 0), _HOPED * value, value)
    return value, complaint


def aspects(
    clause: NDArray[np.float64], clause_cues: NDArray[np.float32], whole: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Feeling at each mention, −1 to 1: that of its clause, leaning on the whole text where the clause has no cue."""
    trust = np.where(clause_cues[:, _NONE] > 0, 0.35, 0.85)
    return trust * (2 * clause - 1) + (1 - trust) * whole

"""The urgent lane: what a person must read today, whatever the stars. Wide patterns: a miss costs more than a look."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import yaml
from numpy.typing import NDArray

from analysis.phrasebook import Hits, Phrasebook
from analysis.tokens import Ints, Tokens

_NEAR = 8  # words between the two halves of a pair ("a payment … I do not recognise")
_ALARM, _EXCEPT = 0, 1  # then two numbers for each pair: its first and its second half


@dataclass(frozen=True, slots=True)
class _Rules:
    book: Phrasebook
    role: Ints
    pairs: int


@cache
def _rules() -> _Rules:
    raw = yaml.safe_load((resources.files("analysis") / "data" / "urgent.yaml").read_text("utf-8"))
    rows: list[tuple[str, int, bool]] = []  # phrase, role, whether it is French
    for lane in raw["lanes"].values():
        rows += [(phrase, _ALARM, language == "fr") for language, phrases in lane.items() for phrase in phrases]
    rows += [(phrase, _EXCEPT, True) for phrase in raw["except"]]
    for number, pair in enumerate(raw["pairs"].values()):
        for half, part in enumerate(("of", "with")):
            rows += [
                (phrase, 2 + 2 * number + half, language == "fr")
                for language, phrases in pair[part].items()
                for phrase in phrases
            ]
    book = Phrasebook([row[0] for row in rows], [row[2] for row in rows])
    return _Rules(book, np.array([row[1] for row in rows]), len(raw["pairs"]))


@dataclass(frozen=True, slots=True)
class Alarms:
    """For each document: whether a phrase says it plainly, whether a pair of words hints at it, what is taken back."""

    plain: NDArray[np.bool_]
    hinted: NDArray[np.bool_]
    taken_back: NDArray[np.bool_]


def urgent(tokens: Tokens) -> NDArray[np.bool_]:
    """Whether each document speaks of fraud, phishing, blocked money, leaked data, self-harm or a threat."""
    found = alarms(tokens)
    told: NDArray[np.bool_] = found.plain | found.hinted
    return told


def alarms(tokens: Tokens) -> Alarms:
    """What phrases say of urgency."""
    rules = _rules()
    hits = rules.book.find(tokens)
    role = rules.role[hits.phrase]
    covered = np.zeros(len(tokens) + 1, dtype=np.int64)
    np.add.at(covered, hits.first[role == _EXCEPT], 1)
    np.add.at(covered, hits.last[role == _EXCEPT] + 1, -1)
    taken_back = np.cumsum(covered)[hits.first] > 0
    plain, hinted, excepted = (np.zeros(tokens.documents, dtype=bool) for _ in range(3))
    plain[tokens.doc[hits.first[(role == _ALARM) & ~taken_back]]] = True
    excepted[tokens.doc[hits.first[role == _EXCEPT]]] = True
    for number in range(rules.pairs):
        first = _only(hits, (role == 2 + 2 * number) & ~taken_back)
        second = _only(hits, (role == 3 + 2 * number) & ~taken_back)
        hinted[tokens.doc[_beside(tokens, first, second)]] = True
    return Alarms(plain, hinted, excepted)


def _only(hits: Hits, chosen: NDArray[np.bool_]) -> Ints:
    return hits.first[chosen]


def _beside(tokens: Tokens, first: Ints, second: Ints) -> Ints:
    """Those of `first` that have one of `second` within `_NEAR` words, before or after, in the same document."""
    if not len(second):
        return first[:0]
    after = np.searchsorted(second, first)
    near = np.zeros(len(first), dtype=bool)
    for place in (np.minimum(after, len(second) - 1), np.maximum(after - 1, 0)):
        other = second[place]
        near |= (np.abs(other - first) <= _NEAR) & (tokens.doc[other] == tokens.doc[first])
    return first[near]

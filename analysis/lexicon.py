"""Cues: counts of hand-written words of feeling and intent, with negation, as a few dense features per segment.

They carry what is true of every app and both languages, where hashed words only know the apps they were trained on.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import yaml
from numpy.typing import NDArray

from analysis.phrasebook import Phrasebook
from analysis.tokens import STOP, SYMBOL, U64, Ints, Tokens, tokenise

GROUPS = (
    "love",
    "like",
    "dislike",
    "hate",
    "negator",
    "contrast",
    "intensifier",
    "problem",
    "request",
    "question",
    "praise",
    "again",
)
POLAR = 4
_BESIDE = ("asking", "wish", "wrapper")  # in the lexicon beside the groups: no model reads them
_ASKING, _WISH, _WRAPPER = range(len(GROUPS), len(GROUPS) + len(_BESIDE))
LANGUAGES = ("any", "fr", "en", "es", "de", "it", "nl", "pt")
_ACTIONS = (GROUPS.index("problem"), GROUPS.index("request"))
_BRIEF = 16  # tokens within which praise followed by trouble is read as irony
_REACH = 3  # words over which "pas" or "not" turns what follows

NAMES = (
    *(f"{group}" for group in GROUPS),
    *(f"not_{group}" for group in GROUPS[:POLAR]),
    *(f"last_{group}" for group in GROUPS[:POLAR]),
    *(f"first_{group}" for group in GROUPS[:POLAR]),
    *(f"after_contrast_{group}" for group in GROUPS[:POLAR]),
    "balance", "question_mark", "exclamation", "words", "mean", "none", "symbols", "starts_question", "for", "against",
    "brief_for", "brief_against", "turned_sour", "again_sour",
)  # fmt: skip

_GOOD = [NAMES.index(name) for name in ("love", "like", "not_dislike", "not_hate")]
_BAD = [NAMES.index(name) for name in ("dislike", "hate", "not_love", "not_like")]
_CLITICS = ("ne", "n")
_ONLY = ("que", "qu", "ke")  # "il n'y a que des bugs" denies nothing
_DENYING = {"fr": {"plus", "personne", *_ONLY}}  # beside each language's negators: what denies within a phrase
_SECOND = frozenset(("pas", "plus", "jamais", "rien", "aucun", "aucune"))


@dataclass(frozen=True, slots=True)
class _Book:
    """The lexicon compiled: for each phrase its group, its language, and whether it holds its own negation."""

    phrases: Phrasebook
    group: Ints
    language: Ints
    denies: NDArray[np.bool_]


@cache
def read() -> dict[str, dict[str, list[str]]]:
    """What data/lexicon.yaml holds: phrases by group and language."""
    text = resources.files("analysis").joinpath("data/lexicon.yaml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a quarter of a second sooner
    raw: dict[str, dict[str, list[str]]] = yaml.load(text, Loader=loader)  # noqa: S506  the safe loader
    return raw


@cache
def _book() -> _Book:
    raw = read()
    deniers = {language: {*raw["negator"].get(language, ()), *_DENYING.get(language, ())} for language in LANGUAGES}
    rows: dict[tuple[str, str, str], bool] = {}
    for group, languages in raw.items():
        for language, phrases in languages.items():
            for phrase in phrases:
                words = re.split(r"['’ ]", phrase)
                denies = len(words) > 1 and not deniers[language].isdisjoint(words)
                for said in _as_said(phrase) if language == "fr" else (phrase,):
                    rows.setdefault((said, group, language), denies)
    return _Book(
        Phrasebook([phrase for phrase, _, _ in rows], [language == "fr" for _, _, language in rows]),
        np.array([(*GROUPS, *_BESIDE).index(group) for _, group, _ in rows]),
        np.array([LANGUAGES.index(language) for _, _, language in rows]),
        np.array(list(rows.values())),
    )


def _as_said(phrase: str) -> Iterator[str]:
    """A French phrase that denies, and as people say it: without its "ne"."""
    yield phrase
    spoken = re.sub(r"^(ne |n['’])", "", phrase)
    if spoken != phrase and spoken[0] != "_" and not _SECOND.isdisjoint(spoken.split()):
        yield spoken


@dataclass(frozen=True, slots=True)
class Cues:
    """Cues found in a batch, by token: their `group`, and for feelings whether a negator turns them.

    `asking` and `wish` are the tokens at which a practical question ("how do I") or a wish ("would be nice") begins.
    `wrapped` tells the words around an opinion ("je trouve que"), which say nothing of it.
    """

    group: Ints
    first: Ints
    turned: NDArray[np.bool_]
    asking: Ints
    wish: Ints
    wrapped: NDArray[np.bool_]


def find(tokens: Tokens, language: Ints) -> Cues:
    """Cues of a batch. `language` gives each document's index in `LANGUAGES` (0 unknown).

    French and English cues apply to every text in them (customers mix them); those of another language only to it.
    """
    book = _book()
    hits = book.phrases.find(tokens)
    group, own = book.group[hits.phrase], book.language[hits.phrase]
    spoken = language[tokens.doc[hits.first]]
    valid = ((own <= 2) & ((spoken <= 2) | (own == 0))) | (own == spoken)
    group, first, last, denies = group[valid], hits.first[valid], hits.last[valid], book.denies[hits.phrase][valid]
    wish, asking, wrapper = group == _WISH, group == _ASKING, group == _WRAPPER
    wrapped = _within(first[wrapper], last[wrapper], len(tokens))
    # The "nice" of "would be nice" praises nothing.
    wished = ((group < POLAR) | (group == GROUPS.index("praise"))) & _within(first[wish], last[wish], len(tokens))[
        first
    ]
    # "Aucun problème" names no problem, "rien ne manque" asks for nothing.
    content = (group < 2) & denies
    unsaid = _within(first[content], last[content], len(tokens))
    unsaid = np.isin(group, _ACTIONS) & unsaid[first] & unsaid[last]
    # "Pouvez-vous me rappeler" wants a call, not a feature.
    served = (group == GROUPS.index("request")) & _within(first[asking], last[asking], len(tokens))[first]
    kept = ~(served | wished | wish | asking | wrapper | unsaid)
    asked_at, wished_at = np.unique(first[asking]), np.unique(first[wish])
    group, first, last, denies = _longest(group[kept], first[kept], last[kept], denies[kept])
    turned = _turned(tokens, group, first, last, denies)
    return Cues(group, first, turned | _ironic(tokens, group, first, turned), asked_at, wished_at, wrapped)


def _ironic(tokens: Tokens, group: Ints, first: Ints, turned: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Praise that opens a short text which then only tells of trouble, once more, without any "mais".

    "Bravo, encore une panne", "Great, locked out again": the one good word is turned.
    """
    doc = tokens.doc[first]
    good = ((group < 2) & ~turned) | (((group == 2) | (group == 3)) & turned)
    bad = ((group == 2) | (group == 3)) & ~turned
    trouble = np.bincount(doc[bad | (group == GROUPS.index("problem"))], minlength=tokens.documents) > 0
    again = np.bincount(doc[group == GROUPS.index("again")], minlength=tokens.documents) > 0
    contrast = np.bincount(doc[group == GROUPS.index("contrast")], minlength=tokens.documents) > 0
    lonely = np.bincount(doc[good], minlength=tokens.documents) == 1
    brief = np.diff(tokens.bounds) <= _BRIEF
    suspect = trouble & again & ~contrast & lonely & brief
    ironic: NDArray[np.bool_] = suspect[doc] & good & (group < 2) & (first <= tokens.bounds[doc] + 1)
    return ironic


def measure(tokens: Tokens, cues: Cues, segment: Ints, segments: int) -> NDArray[np.float32]:
    """Dense features, shape (segments, len(NAMES)); `segment` gives each token its segment, ascending."""
    group, first, turned = cues.group, cues.first, cues.turned
    out = np.zeros((segments, len(NAMES)), dtype=np.float32)
    where = segment[first]
    polar = group < POLAR
    plain = ~turned
    np.add.at(out, (where[plain], group[plain]), 1)
    base = len(GROUPS)
    np.add.at(out, (where[~plain], base + group[~plain]), 1)

    effective = np.where(turned, POLAR - 1 - group, group)
    polar_at = np.flatnonzero(polar)
    out[where[polar_at], base + 4 + effective[polar_at]] = 0
    latest = polar_at[np.diff(where[polar_at], append=-1) != 0]
    earliest = polar_at[np.diff(where[polar_at], prepend=-1) != 0]
    out[where[latest], base + 4 + effective[latest]] = 1
    out[where[earliest], base + 8 + effective[earliest]] = 1
    turn = np.full(segments, np.iinfo(np.int64).max)
    contrast = group == GROUPS.index("contrast")
    np.minimum.at(turn, where[contrast], first[contrast])
    after = polar & (first > turn[where])
    np.add.at(out, (where[after], base + 12 + effective[after]), 1)

    tail = base + 16
    values = np.array([1.5, 1.0, -1.0, -1.5])
    balance = np.zeros(segments)
    np.add.at(balance, where[polar], values[effective[polar]])
    count = np.bincount(segment[~cues.wrapped], minlength=segments)
    out[:, tail] = np.tanh(balance / 2)
    for offset, mark in ((1, ord("?")), (2, ord("!"))):
        found = (tokens.kind == STOP) & (tokens.codes[tokens.first] == mark)
        out[:, tail + offset] = np.bincount(segment[found], minlength=segments)
    out[:, tail + 3] = np.log1p(count) / 4
    felt = np.bincount(where[polar], minlength=segments)
    out[:, tail + 4] = balance / np.maximum(felt, 1)
    out[:, tail + 5] = felt == 0
    out[:, tail + 8], out[:, tail + 9] = balance > 0.5, balance < -0.5
    brief = count <= 4
    out[:, tail + 10], out[:, tail + 11] = brief & (balance > 0.5), brief & (balance < -0.5)
    symbols = tokens.kind == SYMBOL
    out[:, tail + 6] = np.bincount(segment[symbols], minlength=segments)
    opening = (group == GROUPS.index("question")) & (np.diff(where, prepend=-1) != 0)
    out[where[opening], tail + 7] = 1
    # "Bravo, encore une panne": praise that opens a short text and ends in trouble without any "mais" is often irony.
    opened = out[:, base + 8 : base + 10].any(axis=1) & (out[:, GROUPS.index("contrast")] == 0) & (count <= 25)
    trouble = out[:, base + 6 : base + 8].any(axis=1) | (out[:, GROUPS.index("problem")] > 0)
    out[:, tail + 12] = opened & trouble
    out[:, tail + 13] = opened & trouble & (out[:, GROUPS.index("intensifier")] > 0)
    counted = np.r_[0:base, base : base + 4, base + 12 : base + 16, tail + 1, tail + 2, tail + 6]
    out[:, counted] = np.log1p(out[:, counted])
    return out


def briefly_negated(cues: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Segments of at most eight words in which something is negated, from their `measure`."""
    brief = cues[:, NAMES.index("words")] <= np.log1p(8) / 4 + 1e-6
    found: NDArray[np.bool_] = brief & (cues[:, GROUPS.index("negator")] > 0)
    return found


def unanimous(cues: NDArray[np.float32], positive: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Segments whose words of feeling all speak one way, the way that `positive` (a probability) goes too."""
    good = (cues[:, _GOOD] > 0).any(axis=1)
    bad = (cues[:, _BAD] > 0).any(axis=1)
    found: NDArray[np.bool_] = (good & ~bad & (positive > 0.5)) | (bad & ~good & (positive < 0.5))
    return found


def contrasts(tokens: Tokens) -> Ints:
    """Tokens at which a turn such as "mais", "par contre" or "however" begins, whatever the language."""
    book = _book()
    hits = book.phrases.find(tokens)
    turns = (book.group[hits.phrase] == GROUPS.index("contrast")) & (book.language[hits.phrase] <= 2)
    return np.unique(hits.first[turns])


def _longest(
    group: Ints, first: Ints, last: Ints, denies: NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
    """Of feelings that begin at one token keep the longest ("ne marche pas" over "marche"), then drop those inside.

    One that denies also wins over a shorter one that it overlaps, or one as long that does not: of "je recommande pas"
    only "recommande pas" is left.
    """
    order = np.lexsort((-last, first, group >= POLAR))
    group, first, last, denies = group[order], first[order], last[order], denies[order]
    feeling = group < POLAR
    reach = np.maximum.accumulate(np.where(feeling, last, -1)) if len(last) else last
    kept = np.ones(len(group), dtype=bool)
    kept[1:] = ~(feeling[1:] & (last[1:] <= reach[:-1]))
    group, first, last, denies = group[kept], first[kept], last[kept], denies[kept]
    beaten = np.zeros(len(group), dtype=bool)
    feeling = group < POLAR
    weight = 2 * (last - first) + denies
    beaten[:-1] = feeling[:-1] & feeling[1:] & denies[1:] & (weight[1:] > weight[:-1]) & (first[1:] <= last[:-1])
    group, first, last, denies = group[~beaten], first[~beaten], last[~beaten], denies[~beaten]
    order = np.lexsort((group, first))
    return group[order], first[order], last[order], denies[order]


def _within(first: Ints, last: Ints, count: int) -> NDArray[np.bool_]:
    """Which of `count` tokens stand in one of these phrases."""
    edges = np.zeros(count + 1, dtype=np.int64)
    np.add.at(edges, first, 1)
    np.add.at(edges, last + 1, -1)
    inside: NDArray[np.bool_] = np.cumsum(edges)[:count] > 0
    return inside


@cache
def _hashes(words: tuple[str, ...]) -> U64:
    return tokenise(words).hash


def _turned(tokens: Tokens, group: Ints, first: Ints, last: Ints, denies: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a negator stands among the three words before a feeling, in its clause.

    A phrase with a negation of its own ("pas fiable") is not turned by the "n'" of "n'est pas fiable", and its "pas"
    turns nothing else; nor does "ne" turn what follows its "que".
    """
    turned, open_, limited = np.zeros(len(first), dtype=bool), group < POLAR, np.zeros(len(first), dtype=bool)
    if not len(tokens):
        return turned
    negated = np.zeros(len(tokens), dtype=bool)
    negated[first[group == GROUPS.index("negator")]] = True
    own = open_ & denies
    negated &= ~_within(first[own], last[own], len(tokens))
    clitic = np.isin(tokens.hash, _hashes(_CLITICS))
    only = np.isin(tokens.hash, _hashes(_ONLY))
    for back in range(1, _REACH + 1):
        at = first - back
        here = np.maximum(at, 0)
        open_ = open_ & (at >= 0) & (tokens.doc[here] == tokens.doc[first]) & (tokens.kind[here] != STOP)
        limited |= open_ & only[here]
        turned |= open_ & ~denies & negated[here] & ~(limited & clitic[here])
    return turned

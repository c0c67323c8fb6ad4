"""Topics that a text speaks of, clause by clause, with the words that say so.

Phrases of the taxonomy are looked for on word boundaries, all at once. Those of a language are tried on texts in it;
on texts in a language without any phrases, or in none that is known, those of every language, which find little there
but loan words. A topic that has none in Spanish is looked for in French and English there, and so are an installation's
own phrases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analysis.clauses import Clauses
from analysis.lexicon import POLAR, Cues
from analysis.phrasebook import Phrasebook
from analysis.taxonomy import LANGUAGES, Taxonomy, shipped, taxonomy
from analysis.tokens import WORD, Ints, Tokens

_STRONG, _WEAK, _YIELDING, _EXCEPT = range(4)
_EVERY = -1  # a phrase or a text of no language in particular
_MARK = "⟨"
_NEAR = 4  # words between a mention and the word of feeling quoted with it
_APOSTROPHES = ("'", "\u2019", "\u02bc", "`", "\u00b4")


@dataclass(frozen=True, slots=True)
class Mentions:
    """Places where topics are named: `topic` indexes `Lookup.ids`; `first` and `last` are tokens, in order.

    `own` are those of phrases that are not shipped: an installation's, or learnt from its corrections.
    """

    topic: Ints
    first: Ints
    last: Ints
    weak: NDArray[np.bool_]
    own: NDArray[np.bool_]

    def where(self, kept: NDArray[np.bool_]) -> "Mentions":
        """Those that are kept."""
        return Mentions(self.topic[kept], self.first[kept], self.last[kept], self.weak[kept], self.own[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """A taxonomy made ready to be looked for: `of` and `kind` say what each phrase of the book stands for."""

    ids: tuple[str, ...]
    languages: tuple[str, ...]
    """Languages that have phrases; `language` are places in it, or `_EVERY`."""
    book: Phrasebook
    of: Ints
    language: Ints
    kind: Ints
    own: NDArray[np.bool_]
    stronger: NDArray[np.bool_]
    """Whether a topic (row) yields to another (column)."""
    read: NDArray[np.bool_]
    """Whether a phrase (column) is looked for in texts of a language (row; the last one is every other language)."""


@lru_cache(maxsize=4)
def lookup(known: Taxonomy) -> Lookup:
    """Make a taxonomy ready (about 0.1 s; the last few are kept)."""
    rows: list[tuple[str, int, int, int]] = []
    languages = list(LANGUAGES)
    for number, topic in enumerate(known.topics.values()):
        for kind, told in ((_STRONG, topic.phrases), (_WEAK, topic.weak), (_YIELDING, topic.yielding)):
            for language, phrases in told.items():
                if language not in languages:
                    languages.append(language)
                rows += [(phrase, number, languages.index(language), kind) for phrase in phrases]
        rows += [(phrase, number, _EVERY, _EXCEPT) for phrase in topic.excepted]
    columns = np.array([row[1:] for row in rows], dtype=np.int64).reshape(-1, 3)
    stronger = np.array([[other in topic.yields_to for other in known.topics] for topic in known.topics.values()])
    book = Phrasebook([row[0] for row in rows], [row[2] in (languages.index("fr"), _EVERY) for row in rows])
    ours = {(topic.id, phrase) for topic in shipped().topics.values() for phrase in topic.every_phrase()}
    names = tuple(known.topics)
    own = np.array([(names[row[1]], row[0]) not in ours for row in rows], dtype=bool)
    speaks = np.zeros((len(names), len(languages)), dtype=bool)
    said = columns[:, 1] != _EVERY
    speaks[columns[said, 0], columns[said, 1]] = True
    home = len(LANGUAGES)  # French and English come first
    read = np.ones((len(languages) + 1, len(rows)), dtype=bool)
    for reader in range(len(languages)):
        read[reader] = (columns[:, 1] == reader) | ~said
        if reader >= home:
            read[reader] |= (columns[:, 1] < home) & (own | ~speaks[columns[:, 0], reader])
    return Lookup(names, tuple(languages), book, columns[:, 0], columns[:, 1], columns[:, 2], own, stronger, read)


def topic_ids() -> tuple[str, ...]:
    """Ids of the taxonomy's topics, in its order."""
    return tuple(taxonomy().topics)


def find(tokens: Tokens, languages: Sequence[str], known: Lookup | None = None) -> Mentions:
    """Every mention of a topic in a batch, `languages` being those of its documents."""
    known = known or lookup(taxonomy())
    places_of = {language: place for place, language in enumerate(known.languages)}
    reader = np.array([places_of.get(language, len(places_of)) for language in languages], dtype=np.int64)
    hits = known.book.find(tokens, known.read, reader)
    kind, topic = known.kind[hits.phrase], known.of[hits.phrase]
    places = (topic, hits.first, hits.last)
    taken = _shared(places, kind == _EXCEPT, len(tokens)) > 0
    # "La mise à jour" is strong, but not within "depuis la mise à jour".
    weak = _shared(places, kind == _WEAK, len(tokens)) > hits.last - hits.first
    kept = (kind != _EXCEPT) & ~taken
    if _MARK in tokens.text:  # ⟨card⟩ stands for digits that were masked, and names nothing
        kept &= np.array([tokens.text[start - 1] != _MARK for start in tokens.start[hits.first]], dtype=bool)
    kept &= (kind != _YIELDING) | ~_outdone(
        known, topic, tokens.doc[hits.first], kept & (kind == _STRONG), tokens.documents
    )
    own_phrase = known.own[hits.phrase]
    return _precise(Mentions(topic[kept], hits.first[kept], hits.last[kept], weak[kept], own_phrase[kept]), tokens)


def _shared(mentions: tuple[Ints, Ints, Ints], among: NDArray[np.bool_], tokens: int) -> Ints:
    """How many words a hit (topic, first and last word) shares with those `among` the hits of its own topic."""
    topic, first, last = mentions
    row = topic * (tokens + 1)
    words = (last - first + 1)[among]
    covered = np.repeat((row + first)[among], words)
    covered = np.unique(covered + np.arange(len(covered)) - np.repeat(np.cumsum(words) - words, words))
    return np.searchsorted(covered, row + last, "right") - np.searchsorted(covered, row + first)


def _outdone(known: Lookup, topic: Ints, doc: Ints, strong: NDArray[np.bool_], documents: int) -> NDArray[np.bool_]:
    """Whether the document of a hit speaks clearly of a topic that the hit's own topic yields to."""
    named = np.zeros((documents, len(known.ids)), dtype=bool)
    named[doc[strong], topic[strong]] = True
    outdone: NDArray[np.bool_] = np.any(named[doc] & known.stronger[topic], axis=1)
    return outdone


def _precise(mentions: Mentions, tokens: Tokens) -> Mentions:
    """Drop weak mentions where a document names something precise: "depuis la mise à jour" only dates a complaint."""
    doc = tokens.doc[mentions.first]
    precise = np.zeros(tokens.documents, dtype=bool)
    precise[doc[~mentions.weak]] = True
    return mentions.where(~mentions.weak | ~precise[doc])


@dataclass(frozen=True, slots=True)
class Told:
    """A topic of one document: its sentiment there, −1 to 1, and the words that say so."""

    topic: str
    sentiment: float
    evidence: str


def tell(
    tokens: Tokens,
    mentions: Mentions,
    parts: Clauses,
    aspects: NDArray[np.float64],
    cues: Cues,
    known: Lookup | None = None,
) -> dict[int, list[Told]]:
    """Topics of each document that has any, each once: where it is felt most strongly, worst first among equals.

    `aspects` is the sentiment of each clause. The evidence reaches from the topic's words to the nearest word of
    feeling in the same clause, if that is near.
    """
    ids = (known or lookup(taxonomy())).ids
    feelings = cues.first[cues.group < POLAR]
    felt, clause = feelings.tolist(), parts.of.tolist()
    chosen: dict[tuple[int, int], tuple[float, int, int]] = {}
    columns = (
        tokens.doc[mentions.first],
        mentions.topic,
        aspects[parts.of[mentions.first]],
        mentions.first,
        mentions.last,
    )
    for doc, topic, here, first, last in zip(*(column.tolist() for column in columns), strict=True):
        key = (doc, topic)
        before = chosen.get(key)
        if before is None or (abs(here), -here) > (abs(before[0]), -before[0]):
            chosen[key] = (here, first, last)
    out: dict[int, list[Told]] = {}
    rows = sorted(chosen.items())
    places = np.searchsorted(feelings, [first for _, (_, first, _) in rows]).tolist()
    for ((doc, topic), (here, first, last)), place in zip(rows, places, strict=True):
        low, high = _with_feeling(tokens, clause, felt[max(place - 1, 0) : place + 3], first, last)
        out.setdefault(doc, []).append(Told(ids[topic], here, tokens.quote(low, high)))
    return out


def _with_feeling(
    tokens: Tokens, clause: Sequence[int], feelings: Sequence[int], first: int, last: int
) -> tuple[int, int]:
    """Widen a mention to a word of feeling at most `_NEAR` words away in its clause."""
    low, high = first, last
    near = [
        feeling for feeling in feelings if first - _NEAR <= feeling <= last + _NEAR and clause[feeling] == clause[first]
    ]
    if near and not any(first <= feeling <= last for feeling in near):
        closest = min(near, key=lambda feeling: first - feeling if feeling < first else feeling - last)
        low, high = min(low, closest), max(high, closest)
    while low > 0 and clause[low - 1] == clause[low] and _joined(tokens, low - 1):
        low -= 1
    while high + 1 < len(clause) and clause[high + 1] == clause[high] and _joined(tokens, high):
        high += 1
    return low, high


def _joined(tokens: Tokens, token: int) -> bool:
    """Whether an apostrophe, written or not, stands between a token and the next ("l'historique", "lhistorique")."""
    end = tokens.end[token]
    gap = tokens.start[token + 1] - end
    if gap > 1:
        return False
    between = tokens.text[end] if gap else ""
    return between in _APOSTROPHES or (not between and bool((tokens.kind[token : token + 2] == WORD).all()))

"""The second reader of topics and of the urgent lane: what the encoder's vectors add to phrases, and what they doubt.

A topic is added where its head is sure, or half sure of a text in which phrases found nothing (in languages without
phrases, less); the clause that is most like it is the evidence. A shipped phrase whose topic the head holds for out of
the question is dropped ("je relève le défi" is no statement); an installation's own phrases are always believed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis import embeddings, topic_head
from analysis.clauses import Clauses
from analysis.taxonomy import Taxonomy
from analysis.tokens import STOP, Ints, Tokens
from analysis.topics import Mentions
from analysis.urgent import Alarms

Bools = NDArray[np.bool_]
Bars = NDArray[np.float64]

SURE = 0.9
"""Probability from which a topic is told beside those of phrases."""
ALONE = 0.8
"""The same where phrases found nothing."""
FOREIGN, FOREIGN_BESIDE = 0.35, 0.6
"""The same two in a language that has no phrases of its own: where nothing was found, and beside what was."""
ABROAD, ABROAD_BESIDE = 0.6, 0.8
"""The same two in Spanish, German, Italian, Dutch, Portuguese, whose phrases are fewer than French and English ones."""
NEVER = 0.002
"""Probability under which a shipped phrase is not believed."""
ALARM, ALARM_AFTER_ALL, CALM = 0.45, 0.9, 0.03
"""Probability from which a text is urgent whatever its words; the same after an exception ("fraud protection")
or praise; and under which two words near each other do not make it so."""

LONGEST = 60
"""Tokens of a text that one vector can stand for; longer ones name what they speak of, and cost ten milliseconds."""

_WORDS = 2  # of a clause that may be evidence
_CLAUSES = 8  # of a text that are looked at


def bars(spoken: Sequence[str], phrased: Sequence[str]) -> Bars:
    """Where phrases found nothing, and beside what they found: shape (documents, 2), by the language of each.

    `phrased` are the languages that have phrases.
    """
    told = {
        code: (ABROAD, ABROAD_BESIDE) if code in phrased else (FOREIGN, FOREIGN_BESIDE) for code in embeddings.LANGUAGES
    }
    return np.array([told.get(code, (ALONE, SURE)) for code in spoken])


def read(
    tokens: Tokens, mentions: Mentions, parts: Clauses, vectors: embeddings.Floats, rows: Ints, bars: Bars,
    known: Taxonomy,
) -> Mentions:  # fmt: skip
    """Mentions after the second reading of the documents `rows`, whose vectors are `vectors`; others stay as they are.

    `bars` are the probabilities from which a topic is told in each document.
    """
    chances = np.zeros((tokens.documents, len(known.topics)))
    chances[rows] = topic_head.chances(vectors, known)
    asked = np.zeros(tokens.documents, dtype=bool)
    asked[rows] = True
    doc = tokens.doc[mentions.first]
    learnt = np.array([topic_head.knows(topic) for topic in known.topics], dtype=bool)
    doubted = asked[doc] & learnt[mentions.topic] & ~mentions.own & (chances[doc, mentions.topic] < NEVER)
    kept = mentions.where(~doubted)
    spoken = np.zeros(chances.shape, dtype=bool)
    spoken[tokens.doc[kept.first], kept.topic] = True
    least = np.where(spoken.any(axis=1), bars[:, 1], bars[:, 0])
    found = np.argwhere(asked[:, None] & ~spoken & (chances >= least[:, None]))
    if not len(found):
        return kept
    topic, first, last = _evidence(tokens, parts, found, known)
    order = np.argsort(np.concatenate([kept.first, first]), kind="stable")
    nothing = np.zeros(len(topic), dtype=bool)
    return Mentions(
        np.concatenate([kept.topic, topic])[order],
        np.concatenate([kept.first, first])[order],
        np.concatenate([kept.last, last])[order],
        np.concatenate([kept.weak, nothing])[order],
        np.concatenate([kept.own, nothing])[order],
    )


def urgent(alarms: Alarms, vectors: embeddings.Floats, rows: Ints, unhappy: Bools, calm: Bools) -> Bools:
    """Who is urgent after the second reading of `rows`: a hint of two words may be taken back, plain words not.

    Without any word of the lists, a text that is not `unhappy` must be all the surer, and a `calm` one never is: it
    praises, or asks where its account number stands.
    """
    chance = np.full(len(alarms.plain), np.nan)
    chance[rows] = topic_head.urgent(vectors)
    out: Bools = alarms.plain | (alarms.hinted & ~(chance < CALM))
    out |= ~calm & (chance >= np.where(alarms.taken_back | ~unhappy, ALARM_AFTER_ALL, ALARM))
    return out


def _evidence(tokens: Tokens, parts: Clauses, found: Ints, known: Taxonomy) -> tuple[Ints, Ints, Ints]:
    """For each (document, topic), the clause most like the topic: topics, first and last tokens."""
    docs = np.unique(found[:, 0])
    spans: dict[int, list[tuple[int, int]]] = {int(doc): _clauses(tokens, parts, int(doc)) for doc in docs}
    several = [(doc, span) for doc, row in spans.items() if len(row) > 1 for span in row]
    chances = np.zeros((0, len(known.topics)))
    if several:
        made = embeddings.encoder().vectors([tokens.quote(first, last) for _, (first, last) in several])
        if made is not None:
            chances = topic_head.chances(made, known)
    of = np.array([doc for doc, _ in several], dtype=np.int64)
    rows = []
    for doc, topic in found.tolist():
        mine = spans[doc]
        best = int(np.argmax(chances[of == doc, topic])) if len(mine) > 1 and len(chances) else 0
        if mine:
            rows.append((topic, *mine[best]))
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _clauses(tokens: Tokens, parts: Clauses, doc: int) -> list[tuple[int, int]]:
    """First and last tokens of a document's clauses, without the marks around them; the longest few, in order."""
    words = np.arange(tokens.bounds[doc], tokens.bounds[doc + 1])
    words = words[tokens.kind[words] != STOP]
    spans = [
        (int(mine[0]), int(mine[-1]))
        for mine in np.split(words, np.flatnonzero(np.diff(parts.of[words])) + 1)
        if len(mine)
    ]
    long = [span for span in spans if span[1] - span[0] + 1 >= _WORDS] or spans
    return sorted(sorted(long, key=lambda span: span[0] - span[1])[:_CLAUSES])

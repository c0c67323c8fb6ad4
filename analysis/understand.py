"""The whole stage in one call: documents in, what they say out. Pure, deterministic, safe on any text."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from analysis import (
    clauses,
    embeddings,
    features,
    heads,
    intent,
    language,
    lexicon,
    second,
    second_topics,
    sentiment,
    topics,
    urgent,
)
from analysis.intent import Intent
from analysis.sentiment import Label
from analysis.taxonomy import own, taxonomy
from analysis.tokens import tokenise

RULES = 3
"""Counts the states of the code that decides: raised when a change of code reads any text otherwise, so that rows read
before are read again. A number and no hash of the sources, so that every installation of a release, on any Python,
says the same version; tests/analysis/test_rules.py fails when these sources change without a word."""

_NOT_READ_WITH = frozenset(
    {"intent_sentences.yaml", "naming.yaml", "phrasing.yaml", "topic_sentences.yaml", "urgent_sentences.yaml"}
)  # a change of these changes no reading
_CONTENT = 0.0  # sentiment from which only plain words make a text urgent
_PRAISE = 0.5  # sentiment from which a text that names nothing is praise
_OPENING = 6  # words within which a practical question begins, after "bonjour"
_BATCH = 1_000  # documents at once: arrays of some 20 MB


@dataclass(frozen=True, slots=True)
class Document:
    """A masked verbatim with what is known about it. `storefront` is a country (fr), `locale` a language (fr-CA)."""

    text: str
    title: str = ""
    stars: int | None = None
    storefront: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class TopicMention:
    """A topic of the text: its step of the journey, the sentiment there (-1 to 1) and the words that say so."""

    topic: str
    step: str
    sentiment: float
    evidence: str


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a verbatim says. `language` is ISO 639-1 or "und"; `sentiment` is -1 to 1 from the text, not the stars."""

    language: str
    sentiment: float
    label: Label
    confidence: float
    intents: tuple[Intent, ...]
    topics: tuple[TopicMention, ...]
    urgent: bool
    model: str


def understand(documents: Sequence[Document]) -> list[Understanding]:
    """Understand each document, in order. Never raises on any text."""
    return [one for at in range(0, len(documents), _BATCH) for one in _batch(documents[at : at + _BATCH])]


def _batch(documents: Sequence[Document]) -> list[Understanding]:
    texts = [f"{d.title}\n{d.text}" if d.title else d.text for d in documents]
    tokens = tokenise(texts)
    # Vectors are made only for the texts that a step asks for.
    vectors = embeddings.Vectors(tokens.with_apostrophes(texts), embeddings.encoder())
    spoken = language.choose(
        tokens, texts, language.scores(tokens, texts), [d.storefront for d in documents], [d.locale for d in documents]
    )
    known = lexicon.LANGUAGES
    cues = lexicon.find(tokens, np.array([known.index(code) if code in known else 0 for code in spoken]))
    parts = clauses.cut(tokens, cues)
    found = features.extract(tokens, parts.of, cues.wrapped)
    model, topics_known = heads.load(), taxonomy()
    phrases = topics.lookup(topics_known)

    stars = np.array([d.stars or 0 for d in documents])
    whole = lexicon.measure(tokens, cues, tokens.doc, len(documents))
    dense = np.hstack([heads.dense_features(whole), heads.star_features(stars)])
    wanted = intent.heads_for(stars)
    chances = np.zeros((len(documents), len(heads.HEADS)))
    chances[:, wanted] = model.probabilities(found, dense, parts.doc, len(documents), wanted)
    piece = lexicon.measure(tokens, cues, parts.of, len(parts))
    each = np.arange(len(parts))
    positive = model.probabilities(found, heads.dense_features(piece), each, len(parts), (0,))[:, 0]

    abroad = np.array([code in embeddings.LANGUAGES for code in spoken], dtype=bool)
    if not _ask_second(vectors, chances, wanted, model.thresholds, stars, whole, dense, abroad):
        abroad[:] = False
    asking = np.zeros(len(documents), dtype=bool)
    asking[tokens.doc[cues.asking[cues.asking - tokens.bounds[tokens.doc[cues.asking]] < _OPENING]]] = True
    hoping = asking.copy()
    hoping[tokens.doc[cues.wish]] = True
    found_alarms = urgent.alarms(tokens)
    felt = sentiment.judge(
        chances[:, 0], whole, positive, piece, parts, spoken, abroad, hoping, asking, found_alarms.plain
    )
    aspects = sentiment.aspects(positive, piece, felt.value[parts.doc])
    intents = intent.judge(chances, whole, stars, model.thresholds, asking)
    alarms = found_alarms.plain | found_alarms.hinted
    mentions = topics.find(tokens, spoken, phrases)
    unsaid = np.ones(len(documents), dtype=bool)
    unsaid[tokens.doc[mentions.first]] = False
    praise = unsaid & ~alarms & (felt.value > _PRAISE)  # has nothing to tell that phrases have not told
    length = np.diff(tokens.bounds)
    hinted = found_alarms.hinted & ~found_alarms.plain
    again = np.flatnonzero(hinted | (~praise & (length > 0) & (length <= second_topics.LONGEST)))
    seen = vectors.of(again)
    if seen is not None and len(again):
        bars = second_topics.bars(spoken, phrases.languages)
        mentions = second_topics.read(tokens, mentions, parts, seen, again, bars, topics_known)
        calm = (felt.value > _PRAISE) | (asking & (felt.value >= _CONTENT))
        alarms = second_topics.urgent(found_alarms, seen, again, felt.value < _CONTENT, calm)
    told = topics.tell(tokens, mentions, parts, aspects, cues, phrases)
    steps = topics_known.topics
    stamp = version()
    return [
        Understanding(
            language=spoken[number],
            sentiment=float(felt.value[number]),
            label=felt.label[number],
            confidence=float(felt.confidence[number]),
            intents=intents[number],
            topics=tuple(
                TopicMention(told_of.topic, steps[told_of.topic].step, told_of.sentiment, told_of.evidence)
                for told_of in told.get(number, ())
            ),
            urgent=bool(alarms[number]),
            model=stamp,
        )
        for number in range(len(documents))
    ]


def _ask_second(
    vectors: embeddings.Vectors,
    chances: NDArray[np.float64],
    wanted: list[int],
    thresholds: Mapping[str, float],
    stars: NDArray[np.int64],
    cues: NDArray[np.float32],
    dense: NDArray[np.float32],
    abroad: NDArray[np.bool_],
) -> bool:
    """Put the second reader's word into `chances` where the first is in doubt; False without an encoder."""
    starred = (stars >= 1) & (stars <= 5)
    asked = np.flatnonzero(abroad | second.in_doubt(chances, wanted, thresholds, starred))
    encoded = vectors.of(asked)
    if encoded is None:
        return False
    place = (asked[:, None], np.array(wanted)[None, :])
    both = second.load().probabilities(chances[place], encoded, dense[asked], wanted, abroad[asked])
    # The encoder overhears the "ne … pas" of "je ne recommande pas": words know better.
    negated = lexicon.briefly_negated(cues[asked]) & ~abroad[asked]
    both[negated, 0] = chances[asked[negated], 0]
    # It also likes "cette application est très lente": it turns no text whose words all speak one way.
    before = chances[asked, 0]
    turned = lexicon.unanimous(cues[asked], before) & ((both[:, 0] > 0.5) != (before > 0.5)) & ~abroad[asked]
    both[turned, 0] = before[turned]
    chances[place] = both
    return True


def version() -> str:
    """Version of the models and of the rules (taxonomy, lexicon…): a change of either means that rows be read again."""
    ours = hashlib.sha256(own().encode()).hexdigest()[:4] if own() else ""
    encoder = embeddings.encoder().name
    with_second = f"-{encoder}.{second.load().version}" if encoder else ""
    return f"{heads.load().version}-{_rules()}{ours}{with_second}"


@cache
def _rules() -> str:
    rules = hashlib.sha256(f"rules {RULES}".encode())
    for file in sorted((resources.files("analysis") / "data").iterdir(), key=lambda file: file.name):
        if file.name.endswith((".yaml", "topic_head.npz")) and file.name not in _NOT_READ_WITH:
            rules.update(file.read_bytes())
    return rules.hexdigest()[:6]


def __getattr__(name: str) -> str:
    if name == "MODEL":
        return version()
    raise AttributeError(name)


__all__ = ["Document", "Intent", "Label", "TopicMention", "Understanding", "understand", "version"]

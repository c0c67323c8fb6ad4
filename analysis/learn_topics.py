"""Phrases that corrections teach: what people say when they speak of a topic that we had missed.

A phrase is learnt where at least three corrected verbatims of a topic say it, nine in ten of the corrected verbatims
that say it are on that topic, and few others say it at all; kept only where held-back corrections are read better.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from analysis.language import LANGUAGES
from analysis.phrases import occurrences

LEAST = 20
"""Verbatims with corrected topics that are needed."""

_SAID_BY = 3
_PRECISE = 0.9
_RARE = 0.02  # of ordinary verbatims may say it
_MOST = 40
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Corrected:
    """A verbatim with the topics that a person says it has, and those that were found."""

    text: str
    language: str
    topics: frozenset[str]
    found: frozenset[str]


def learn(corrected: Sequence[Corrected], ordinary: Sequence[str]) -> str:
    """Topics with the phrases learnt from `corrected`, as YAML to lay over the shipped ones; "" without any."""
    said = occurrences([one.text for one in corrected], least=_SAID_BY)
    usual = {phrase: len(rows) for phrase, rows in occurrences(ordinary, least=1).items()} if said else {}
    topics: dict[str, dict[str, list[str]]] = {}
    learnt = 0
    for phrase, rows in sorted(said.items(), key=lambda pair: (-len(pair[0].split()), -len(pair[1]), pair[0])):
        if len(phrase) > _LONGEST or not any(map(str.isalnum, phrase.split()[0])):
            continue
        missed: dict[tuple[str, str], int] = {}
        for row in rows:
            one = corrected[row]
            for topic in one.topics - one.found:
                key = (topic, one.language if one.language in LANGUAGES else "en")
                missed[key] = missed.get(key, 0) + 1
        for (topic, language), count in sorted(missed.items()):
            right = sum(topic in corrected[row].topics for row in rows)
            common = usual.get(phrase, 0) > _RARE * max(len(ordinary), 50)
            known = topics.setdefault(topic, {}).setdefault(language, [])
            covered = any(f" {phrase} " in f" {other} " for other in known)
            if count >= _SAID_BY and right >= _PRECISE * len(rows) and not common and not covered and learnt < _MOST:
                known.append(phrase)
                learnt += 1
    topics = {topic: {k: v for k, v in words.items() if v} for topic, words in topics.items()}
    topics = {topic: words for topic, words in topics.items() if words}
    return yaml.safe_dump({"topics": topics}, allow_unicode=True, sort_keys=True) if topics else ""


def micro_f1(pairs: Sequence[tuple[frozenset[str], frozenset[str]]]) -> float:
    """F1 over all topics of (said, found) pairs."""
    both = sum(len(said & found) for said, found in pairs)
    total = sum(len(said) + len(found) for said, found in pairs)
    return 2 * both / total if total else 1.0

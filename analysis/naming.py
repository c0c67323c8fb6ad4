"""What an irritant is called, in French and English, so that a person recognises it at once.

A name is the complaint of its topic by what goes wrong there (`data/naming.yaml`), then the release after which it
began: "Connexion impossible après la mise à jour 7.2". A phrase that no topic covers is quoted as customers write it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import yaml

from analysis.phrasebook import Phrasebook
from analysis.taxonomy import taxonomy
from analysis.tokens import Ints, tokenise

LEAST_SHARE = 0.2
"""Of the verbatims, that speak of a fault for it to be in the name."""

_READ = 400


@dataclass(frozen=True, slots=True)
class Name:
    """A name in both languages."""

    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class _Names:
    book: Phrasebook
    fault_of: Ints
    faults: tuple[str, ...]
    topics: dict[str, dict[str, Name]]


@cache
def _names() -> _Names:
    raw = yaml.safe_load((resources.files("analysis") / "data" / "naming.yaml").read_text("utf-8"))
    faults = tuple(raw["faults"])
    rows = [
        (phrase, number)
        for number, languages in enumerate(raw["faults"].values())
        for phrases in languages.values()
        for phrase in dict.fromkeys(phrases)
    ]
    topics = {
        topic: {fault: Name(*pair) for fault, pair in complaints.items()} for topic, complaints in raw["topics"].items()
    }
    return _Names(Phrasebook([row[0] for row in rows]), np.array([row[1] for row in rows]), faults, topics)


def complaint(topic: str, verbatims: Sequence[str], besides: tuple[str, Name] | None = None) -> Name:
    """The complaint that some verbatims on a topic have in common; the topic's usual one where none stands out.

    Of the faults that the topic has a name for, the one most verbatims speak of wins; "impossible" is what everything
    is called when nothing more precise is said, and yields to another fault nearly as frequent. `besides` is the
    topic and the name that the same verbatims already have: the fault said there is not said twice.
    """
    names = _names()
    known = names.topics.get(topic)
    if known is None:  # a topic of the installation's own
        ours = taxonomy()
        return Name(ours.name(topic, "fr"), ours.name(topic, "en"))
    told = _told(verbatims[:_READ])
    weighed = {
        fault: told[fault] * (0.8 if fault == "impossible" else 1.0)
        for fault in known
        if fault in names.faults and (besides is None or names.topics[besides[0]].get(fault) != besides[1])
    }
    best = max(weighed, key=lambda fault: (weighed[fault], fault), default="")
    if not best or told[best] < max(LEAST_SHARE * min(len(verbatims), _READ), 2):
        return known["usual"]
    return known[best]


def _told(verbatims: Sequence[str]) -> dict[str, int]:
    names = _names()
    tokens = tokenise(verbatims)
    hits = names.book.find(tokens)
    pairs = np.unique(tokens.doc[hits.first] * len(names.faults) + names.fault_of[hits.phrase])
    counts = np.bincount(pairs % len(names.faults), minlength=len(names.faults))
    return dict(zip(names.faults, counts.tolist(), strict=True))


_CANNOT = frozenset({"impossible", "refused", "blocked", "loop", "slow", "start", "closes", "unreachable"})
"""Faults that are told of one and the same breakdown: whoever cannot get in says that it is refused, or spins."""


def faults(topic: str, verbatims: Sequence[str]) -> list[frozenset[str]]:
    """The kinds of fault that each verbatim speaks of, among those that the topic has names for.

    What does not work ("impossible") is one kind in whatever words; twice, silent, gone, wrong, many are kinds each.
    """
    names = _names()
    known = names.topics.get(topic, {})
    kind = [("impossible" if fault in _CANNOT else fault) if fault in known else "" for fault in names.faults]
    tokens = tokenise(verbatims)
    hits = names.book.find(tokens)
    found: list[set[str]] = [set() for _ in verbatims]
    for doc, fault in zip(tokens.doc[hits.first].tolist(), names.fault_of[hits.phrase].tolist(), strict=True):
        if kind[fault]:
            found[doc].add(kind[fault])
    return [frozenset(one) for one in found]


def quoted(phrase: str) -> Name:
    """The name of a phrase that no topic covers."""
    return Name(f"«\u00a0{phrase}\u00a0»", f"“{phrase}”")


def whole(first: Name, second: Name | None = None, version: str = "") -> Name:
    """A complaint, a second one of the same verbatims, and the release after which they began."""
    fr, en = first.fr, first.en
    if second is not None and second != first:
        fr, en = f"{fr}, {_lower(second.fr)}", f"{en}, {_lower(second.en)}"
    if version:
        fr, en = f"{fr} après la mise à jour {version}", f"{en} after update {version}"
    return Name(fr, en)


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]

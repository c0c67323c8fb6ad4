"""Telling phrases of some verbatims against a background: what to call an irritant that no topic covers yet.

Words, pairs and triples are counted once a verbatim and compared by log-odds with an informative Dirichlet prior
(Monroe, Colaresi and Quinn, "Fightin' Words", Political Analysis 2008).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.tokens import U64, WORD, Ints, mix, tokenise

_LONGEST = 3
_STEP = np.uint64(0x2545F4914F6CDD1D)
_COMMON = """
le la les l un une des de du d et a au aux en dans sur pour par avec sans ce cet cette ces c ca se sa son ses
mon ma mes je j il elle on nous vous ils elles me m te t lui y que qu qui quoi est sont suis ai as avez ont
etait ete etre avoir fait faire plus tres trop si mais ou donc car ni ne n pas the an of to in for with and or
but is are was were be been i you he she it they we my your its this that these those at so if do does did
have has had s re ve ll just very can will would there their from by not no application appli app depuis after
even them someone what when then because also get got
"""
_CLOSED = frozenset(_COMMON.split())
"""Words that may stand within a phrase ("mise à jour") but neither open it, close it nor make one alone."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A telling phrase as customers write it: how many of the verbatims say it, of the background, and how surely it
    belongs to the former (`z`, in standard deviations)."""

    text: str
    verbatims: int
    background: int
    z: float


def telling(verbatims: Sequence[str], background: Sequence[str], limit: int = 5, least: int = 3) -> list[Phrase]:
    """The `limit` phrases that tell `verbatims` from `background`, surest first; each said by at least `least`.

    A phrase that lies within a longer one and is hardly said without it gives way to the longer one.
    """
    ours, examples = _counts(verbatims)
    theirs, _ = _counts(background)
    total_ours, total_theirs = max(sum(ours.values()), 1), max(sum(theirs.values()), 1)
    found = []
    for phrase, count in ours.items():
        if count < least:
            continue
        other = theirs.get(phrase, 0)
        prior = 0.5 + 100 * (count + other) / (total_ours + total_theirs)
        odds = np.log((count + prior) / (total_ours - count + 100)) - np.log(
            (other + prior) / (total_theirs - other + 100)
        )
        z = float(odds / np.sqrt(1 / (count + prior) + 1 / (other + prior)))
        if z > 0:
            found.append(Phrase(examples[phrase], count, other, round(z, 3)))
    found.sort(key=lambda one: (-one.z, one.text))
    return _without_parts(found)[:limit]


def occurrences(texts: Sequence[str], least: int = 3) -> dict[str, list[int]]:
    """Phrases said by at least `least` texts → the numbers of these texts, ascending."""
    found: dict[int, list[int]] = {}
    examples: dict[int, str] = {}
    for value, doc, words in _said(texts):
        found.setdefault(value, []).append(doc)
        examples.setdefault(value, words)
    return {examples[value]: docs for value, docs in found.items() if len(docs) >= least}


def _counts(texts: Sequence[str]) -> tuple[dict[int, int], dict[int, str]]:
    """For each phrase's hash: in how many texts it is, and its words in the first that has it."""
    counts: dict[int, int] = {}
    examples: dict[int, str] = {}
    for value, _, words in _said(texts):
        counts[value] = counts.get(value, 0) + 1
        examples.setdefault(value, words)
    return counts, examples


def _said(texts: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Each phrase of each text once, by text within a length: its hash, the text's number, its words there."""
    tokens = tokenise(texts)
    spelt = [tokens.quote(at, at).lower() for at in range(len(tokens))]
    folded = ["".join(map(chr, tokens.codes[a:b])) for a, b in zip(tokens.first, tokens.last, strict=True)]
    telling_word = np.array([word not in _CLOSED and not word.isdigit() for word in folded], dtype=bool)
    is_word = tokens.kind == WORD
    hashes: U64 = np.zeros(len(tokens), dtype=np.uint64)
    for length in range(1, _LONGEST + 1):
        at: Ints = np.arange(max(len(tokens) - length + 1, 0))
        hashes = mix(hashes[: len(at)] * _STEP + tokens.hash[at + length - 1])
        fits = tokens.doc[at] == tokens.doc[at + length - 1]
        for step in range(length):
            fits &= is_word[at + step]
        fits &= telling_word[at] & telling_word[at + length - 1]
        chosen = at[fits]
        pairs = np.stack([tokens.doc[chosen].astype(np.uint64), hashes[fits]], axis=1)
        unique, index = np.unique(pairs, axis=0, return_index=True)
        for (doc, value), where in zip(unique.tolist(), chosen[index].tolist(), strict=True):
            yield value, doc, " ".join(spelt[where : where + length])


def _without_parts(phrases: list[Phrase]) -> list[Phrase]:
    kept: list[Phrase] = []
    for phrase in phrases:
        inside = [other for other in phrases if other is not phrase and f" {phrase.text} " in f" {other.text} "]
        contains = [other for other in kept if f" {other.text} " in f" {phrase.text} "]
        if any(other.verbatims >= 0.7 * phrase.verbatims for other in inside):
            continue
        if any(other.verbatims > phrase.verbatims / 0.7 for other in contains):
            continue
        kept.append(phrase)
    return kept

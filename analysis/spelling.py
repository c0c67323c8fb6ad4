"""Ways in which the French write a word in a hurry: words that sound alike, endings, doubled letters, message forms.

"Me connecté", "ce ferme", "le virement et pas passé", "aplication", "tjrs": a phrase of the taxonomy is written once
and found in all of these. Words are folded (lower case, no accents), so that é and e are the same already.
"""

import re
from functools import cache, lru_cache
from importlib import resources
from itertools import product
from typing import Any

import yaml

_ENDINGS = ("e", "es", "ee", "ees", "er", "ez")
_ENDS = re.compile(r"(?:ees|ee|es|er|ez|e)$")
_DOUBLE = re.compile(r"([bcdfglmnprst])\1")
_SHORTEST = 4  # letters: of shorter words only those of `alike` are read otherwise


@cache
def _listed() -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    """For each word of `alike` its class, and the words that stay themselves."""
    raw = read()
    classes = [tuple(dict.fromkeys(row.split())) for row in raw["alike"]]
    return {word: row for row in reversed(classes) for word in row}, frozenset(raw["itself"])


@cache
def read() -> dict[str, Any]:
    """What data/spelling.yaml holds."""
    text = (resources.files("analysis") / "data" / "spelling.yaml").read_text("utf-8")
    raw: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return raw


def sound(word: str) -> str:
    """One name for all spellings of a word, the same for each of them."""
    alike, itself = _listed()
    if word in alike:
        return alike[word][0]
    if word in itself or len(word) < _SHORTEST or not word.isalpha():
        return word
    word = singled(word)
    if _ENDS.search(word):
        word = _ENDS.sub("e", word)
    elif len(word) > _SHORTEST and word[-1] in "stx":
        word = word[:-1]
    return re.sub(r"(?<=[a-z]{3})ement$", "ment", word)


def singled(word: str) -> str:
    """The word with single consonants only: one name for "connecter" and "conecter"."""
    return _DOUBLE.sub(r"\1", word)


@lru_cache(maxsize=20_000)
def doubled_or_not(word: str) -> tuple[str, ...]:
    """The word, and with any of its doubled consonants single; the first three of them at most."""
    parts = _DOUBLE.split(word)  # letters, doubled letter, letters, …
    choices = [
        (part,) if place % 2 == 0 else (part * 2, part) if place < 6 else (part * 2,)
        for place, part in enumerate(parts)
    ]
    return tuple("".join(pieces) for pieces in product(*choices))


@lru_cache(maxsize=20_000)
def spellings(word: str) -> tuple[str, ...]:
    """Spellings of a word that have its `sound`, itself among them; just the word where it is written in one way."""
    alike, itself = _listed()
    if word in alike:
        return alike[word]
    if word in itself or len(word) < _SHORTEST or not word.isalpha():
        return (word,)
    found: dict[str, None] = {}
    for one in doubled_or_not(word):
        ending = _ENDS.search(one)
        if ending:
            row = [one[: ending.start()] + end for end in _ENDINGS]
        elif one[-1] in "stx":
            row = [one, one[:-1], one[:-1] + "s", one[:-1] + "t"]
        else:
            row = [one, one + "s"]
        found.update(dict.fromkeys(row))
        found.update(dict.fromkeys(re.sub(r"(?<=[a-z]{2})ement(?=s?$)", "ment", form) for form in row))
    name = sound(word)
    return tuple(form for form in found if sound(form) == name)

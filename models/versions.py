"""Version names as people and build tools write them: taken apart, and put in order.

The order is that of semver.org (2.0.0, rule 11) where a name follows it, and the usual reading where it does not:
numbers count part by part, 7.2 is 7.2.0, a beta comes before its final, a build counts last.
"""

import re
from datetime import datetime
from functools import cache
from typing import NamedTuple, Protocol, TypeVar

# What comes before the final version, the rawest first. Anything else after the numbers comes after it (7.2-hotfix).
_BEFORE_FINAL = {
    "dev": 0, "snapshot": 0, "nightly": 0, "canary": 0, "test": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2,
    "m": 3, "milestone": 3, "pre": 3, "preview": 3, "rc": 4, "cr": 4,
}  # fmt: skip
_FINAL = 9
_CALENDAR = range(1990, 2101)
_FORM = re.compile(r"\s*(?P<name>.*?)\s*(?:\(\s*(?:build\s*)?(?P<build>[\w.\-]{1,40})\s*\))?\s*", re.IGNORECASE)

Stage = tuple[tuple[int, int, str], ...]


class Named(NamedTuple):
    """A version's name and its build ("" where none is told)."""

    name: str
    build: str


class Order(NamedTuple):
    """What versions are compared by, the first that differs deciding: see `order_key`."""

    numbers: tuple[int, ...]
    stage: Stage
    build: tuple[int, ...]
    name: str


class Dated(Protocol):
    """What has a version and a day when it came out."""

    @property
    def version(self) -> str:
        """Its name."""
        ...

    @property
    def build(self) -> str | None:
        """Its build, where told."""
        ...

    @property
    def released_at(self) -> datetime:
        """Since when it is offered."""
        ...


Some = TypeVar("Some", bound=Dated)


def split(told: str) -> Named:
    """Take name and build apart: "7.2 (1234)", "v7.2", "com.example.bank@7.2+1234" (Sentry) all name the 7.2.

    A "+5" stays in a plain name ("2024.10.1-beta+5"): the store shows it so.
    """
    found = _FORM.fullmatch(" ".join(told.split()))
    name, build = (found["name"], found["build"] or "") if found else (told.strip(), "")
    package, at, rest = name.rpartition("@")
    if at and package and any(map(str.isdigit, rest)):
        name, plus, tail = rest.partition("+")
        build = build or (tail if plus else "")
    name = re.sub(r"^(?:version\s*|v\.?\s*)(?=\d)", "", name, flags=re.IGNORECASE)
    return Named(name or told.strip(), build)


@cache
def order_key(version: str, build: str | None = None) -> Order:
    """Where a version stands in the order of its kind; names without a number stand before all others."""
    name, own = split(version)
    core, _, tail = name.partition("+")
    found = re.match(r"\D*?(\d{1,18}(?:[._]\d{1,18})*)(.*)", core, re.DOTALL)
    if found is None:
        return Order((), (), _numbers(build or own), version)
    numbers = [int(part) for part in re.split(r"[._]", found[1])]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return Order(tuple(numbers), _stage(found[2]), _numbers(build or own or tail), version)


def _stage(rest: str) -> Stage:
    """Parts of (rank, number, word): a final stands after every beta of it and before every repair."""
    words = re.findall(r"[a-z]+|\d{1,18}", rest.lower())
    if not words:
        return ((_FINAL, 0, ""),)
    # "7.2b" is usually a repair of 7.2, "7.2b3" and "7.2-b" a beta of it.
    attached = len(words) == 1 and len(words[0]) == 1 and rest[:1].isalpha()
    rank = _FINAL if attached else _BEFORE_FINAL.get(words[0], _FINAL)
    parts = [(rank, int(words[0]), "") if words[0].isdigit() else (rank, 0, words[0] if rank == _FINAL else "")]
    parts += [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in words[1:]]
    return tuple(parts)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,18}", text))


def calendar(version: str) -> bool:
    """Whether a version is named by its date: 2024.10, 20241001."""
    first = (order_key(version).numbers or (0,))[0]
    return first in _CALENDAR or (10**7 <= first < 10**8 and first // 10**4 in _CALENDAR)


def in_order(releases: "list[Some]") -> "list[Some]":
    """Sort releases of one channel into their one line, the oldest first.

    Versions are ordered by name and build, not by date: the repair 7.1.5 that comes out after 7.2 is still older than
    7.2. A team that changes from dates to numbers (2024.10 → 8.1) has two kinds of name; the kinds follow each
    other as their releases did (by the median date).
    """
    kinds: dict[bool, list[datetime]] = {}
    for one in releases:
        kinds.setdefault(calendar(one.version), []).append(one.released_at)
    began = {kind: sorted(dates)[len(dates) // 2] for kind, dates in kinds.items()}

    def where(one: Some) -> tuple[datetime, bool, Order]:
        kind = calendar(one.version)
        return began[kind], kind, order_key(one.version, one.build)

    return sorted(releases, key=where)


def last_before(line: "list[Some]", version: str) -> "Some | None":
    """The version that customers had before this one: the highest below it that was out when it came.

    `line` is what `in_order` returned. Where nothing below was out yet, the highest below; None for the first
    version, and for one that the line does not hold.
    """
    at = next((number for number, one in enumerate(line) if one.version == version), None)
    if not at:
        return None
    out = [one for one in line[:at] if one.released_at <= line[at].released_at]
    return (out or line[:at])[-1]


def newest(line: "list[Some]", at: datetime) -> "Some | None":
    """The highest version that was out at a moment; None where none was."""
    return next((one for one in reversed(line) if one.released_at <= at), None)

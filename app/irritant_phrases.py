"""Phrases in complaints that no topic covers: how often each is said a day, and by which verbatims."""

from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from analysis.irritants import Ints
from analysis.phrases import occurrences
from models.feedback import Verbatim, VerbatimTopic

LOOK_DAYS = 300
MOST = 20_000
LEAST = 6  # verbatims that say it
ALIKE = 0.5  # share of verbatims in common from which two phrases are one


@dataclass
class Spoken:
    """The verbatims of a phrase: id → day, and (day, channel, version) of each."""

    ids: dict[int, date] = field(default_factory=dict)
    places: list[tuple[date, str, str]] = field(default_factory=list)

    def days(self, first_day: date, days: int) -> Ints:
        """How many a day, from `first_day` on."""
        counts = np.zeros(days, np.int64)
        for day in self.ids.values():
            if 0 <= (day - first_day).days < days:
                counts[(day - first_day).days] += 1
        return counts

    def joined(self, other: "Spoken | None") -> "Spoken":
        """The verbatims of both."""
        if other is None:
            return self
        both = Spoken(dict(other.ids), list(other.places))
        for (ident, day), place in zip(self.ids.items(), self.places, strict=True):
            if ident not in both.ids:
                both.ids[ident] = day
                both.places.append(place)
        return both

    def by_version(self, first: date, last: date) -> dict[tuple[str, str], int]:
        """How many by (channel, version) in a span."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        for day, channel, version in self.places:
            if first <= day <= last:
                found[channel, version] += 1
        return dict(found)


@dataclass(frozen=True, slots=True)
class Heard:
    """Phrases by key ("phrase:…"), and the first day of the texts that were listened to."""

    phrases: dict[str, Spoken]
    since: date


def spoken(session: Session, app_id: int, first_day: date, today: date, known: Container[str]) -> Heard:
    """Phrases in complaints that no topic covers, over the last 300 days or the newest 20,000 of them.

    Phrases said by nearly the same verbatims are one, under the key that is `known` already, else the commonest: so
    that an irritant is not called anew each day.
    """
    v, t = Verbatim, VerbatimTopic
    since = max(first_day, today - timedelta(days=LOOK_DAYS - 1))
    rows = session.execute(
        select(v.id, v.day, v.channel, v.version, v.title, v.body)
        .where(
            v.app_id == app_id,
            v.day.between(since, today),
            or_(v.label == "negative", v.stars <= 2),
            ~exists().where(t.app_id == app_id, t.verbatim_id == v.id),
        )
        .order_by(v.written_at.desc(), v.id)
        .limit(MOST)
    ).all()
    if len(rows) == MOST:
        since = rows[-1].day + timedelta(days=1)  # the last day may be cut
    said = occurrences([f"{row.title}\n{row.body}" if row.title else row.body for row in rows], least=LEAST)
    out = {}
    for words, mine in one_each(said, lambda words: f"phrase:{words}" in known):
        spoken_by = Spoken()
        for number in sorted(mine):
            row = rows[number]
            spoken_by.ids[row.id] = row.day
            spoken_by.places.append((row.day, row.channel, row.version))
        out[f"phrase:{words}"] = spoken_by
    return Heard(out, since)


def one_each(
    said: Mapping[str, Sequence[int]], first: Callable[[str], bool] = lambda _: False
) -> list[tuple[str, frozenset[int]]]:
    """Phrases with the numbers of the texts that say them, without those said by nearly the same texts as a better one.

    Better is what is `first`, then what is commoner, then longer.
    """
    kept: list[tuple[str, frozenset[int]]] = []
    order = sorted(said.items(), key=lambda pair: (not first(pair[0]), -len(pair[1]), -len(pair[0]), pair[0]))
    for words, found in order:
        mine = frozenset(found)
        if not any(len(mine & other) >= ALIKE * min(len(mine), len(other)) for _, other in kept):
            kept.append((words, mine))
    return kept

"""Phrases in complaints that no topic covers: how often each is said a day, and by which verbatims."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from analysis.irritants import Ints
from analysis.phrases import occurrences
from models.feedback import Verbatim, VerbatimTopic

LOOK_DAYS = 112
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

    def by_version(self, first: date, last: date) -> dict[tuple[str, str], int]:
        """How many by (channel, version) in a span."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        for day, channel, version in self.places:
            if first <= day <= last:
                found[channel, version] += 1
        return dict(found)


def spoken(session: Session, app_id: int, today: date) -> dict[str, Spoken]:
    """Key ("phrase:…") → its verbatims, over the last 112 days; phrases said by nearly the same verbatims are one."""
    v, t = Verbatim, VerbatimTopic
    rows = session.execute(
        select(v.id, v.day, v.channel, v.version, v.title, v.body)
        .where(
            v.app_id == app_id,
            v.day.between(today - timedelta(days=LOOK_DAYS - 1), today),
            or_(v.label == "negative", v.stars <= 2),
            ~exists().where(t.app_id == app_id, t.verbatim_id == v.id),
        )
        .order_by(v.written_at.desc())
        .limit(MOST)
    ).all()
    said = occurrences([f"{row.title}\n{row.body}" if row.title else row.body for row in rows], least=LEAST)
    kept: list[tuple[str, frozenset[int]]] = []
    for words, found in sorted(said.items(), key=lambda pair: (-len(pair[1]), -len(pair[0]), pair[0])):
        mine = frozenset(found)
        if not any(len(mine & other) >= ALIKE * len(mine) for _, other in kept):
            kept.append((words, mine))
    out = {}
    for words, mine in kept:
        spoken_by = Spoken()
        for number in sorted(mine):
            row = rows[number]
            spoken_by.ids[row.id] = row.day
            spoken_by.places.append((row.day, row.channel, row.version))
        out[f"phrase:{words}"] = spoken_by
    return out

"""A part of an app counted by version and day, read once for all that a page makes of it: trend, sums, versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.reading.trends import Every, Period, Slice, Stars, VersionStars, buckets_of

Ints = NDArray[np.int64]
KINDS = 7
STARS = slice(2, 7)
"""Where the stars are among the `KINDS` of counts: verbatims, negative ones, one to five stars."""


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Arrays of (days, KINDS) from the day `first`: those of each version that was spoken of, and of all of them."""

    first: date
    of: dict[str, Ints]
    every: Ints

    def covers(self, period: Period) -> bool:
        """Whether every day of the period was read."""
        return self.first <= period.first and (period.last - self.first).days < len(self.every)

    def days(self, period: Period) -> slice:
        """Where the days of a period are in the arrays. Raises ValueError where some of them were not read."""
        if not self.covers(period):
            raise ValueError(f"{period} was not read")
        begin = (period.first - self.first).days
        return slice(begin, begin + period.days)

    def total(self, period: Period) -> tuple[int, Stars]:
        """How many verbatims in a period, and their stars."""
        return summed(self.every[self.days(period)])


def summed(counts: Ints) -> tuple[int, Stars]:
    """How many verbatims in these days, and their stars."""
    n, _, one, two, three, four, five = counts.sum(axis=0).tolist()
    return n, (one, two, three, four, five)


_COUNTED = ("n", "negative", "s1", "s2", "s3", "s4", "s5")


# Thousands of days come joined, four bytes a number: as rows they take longer to hand over than to count. Written out,
# as making a statement from its parts for every page takes longer than sending it.
@lru_cache(maxsize=8)
def _statement(narrowed: tuple[str, ...]) -> TextClause:
    sums = ", ".join(f"CAST(sum({name}) AS int4) AS {name}" for name in _COUNTED)
    joined = ", ".join(f"string_agg(int4send({name}), '')" for name in ("at", *_COUNTED))
    only = "".join(f" AND {name} = :{name}" for name in narrowed)
    return text(
        f"SELECT version, {joined} FROM (SELECT version, day - CAST(:first AS date) AS at, {sums} FROM daily_stars"  # noqa: S608  names of ours
        f" WHERE app_id = :app_id AND day BETWEEN :first AND :last{only} GROUP BY version, day) days GROUP BY version"
    )


def day_counts(session: Session, part: Slice, period: Period) -> DayCounts:
    """Count each version on each day of the period."""
    told = {"channel": part.channel, "storefront": part.storefront, "version": part.version}
    only = {name: value for name, value in told.items() if value is not None}
    given = {"app_id": part.app_id, "first": period.first, "last": period.last, **only}
    of: dict[str, Ints] = {}
    every = np.zeros((period.days, KINDS), np.int64)
    for version, at, *counts in session.execute(_statement(tuple(only)), given):
        table = np.zeros((period.days, KINDS), np.int64)
        table[np.frombuffer(at, ">i4")] = np.frombuffer(b"".join(counts), ">i4").reshape(KINDS, -1).T
        of[version] = table
        every += table
    return DayCounts(period.first, of, every)


def by_bucket(counts: DayCounts, period: Period, every: Every | None = None) -> dict[date, tuple[int, Stars]]:
    """The verbatims and stars of each day or week of a trend, by its first day."""
    every, period = buckets_of(period, every)
    step = 7 if every == "week" else 1
    table = counts.every[counts.days(period)].reshape(-1, step, KINDS).sum(axis=1).tolist()
    return {
        period.first + timedelta(days=number * step): (n, (one, two, three, four, five))
        for number, (n, _, one, two, three, four, five) in enumerate(table)
    }


def versions(counts: DayCounts, period: Period, released: Mapping[str, date], limit: int = 8) -> list[VersionStars]:
    """The same as `trends.versions`, from what was read; `released` are the days when the versions came out."""
    days = counts.days(period)
    found = []
    for version, table in counts.of.items():
        n, stars = summed(table[days])
        if version and n:
            seen = released.get(version) or period.first + timedelta(days=int((table[days, 0] > 0).argmax()))
            found.append(VersionStars(version, seen, n, stars))
    return sorted(found, key=lambda one: (one.seen, one.version), reverse=True)[:limit]

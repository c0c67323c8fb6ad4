"""This version against that: stars with an interval, topics that rose and fell, crash-free, adoption."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.detectors import Comparison, Missing, ShareChange, Tenure, compare_versions, share_change
from alerts.detectors.version_comparison import EARLIER_RELEASES, NOISE_DAYS, TENURE_DAYS
from app.reading.intervals import half_width, mean_stars
from app.reading.launches import Launch, before, launches, newest_launch, place
from app.reading.stability import VersionStability, stability
from app.reading.trends import Period, Slice, Stars
from models.rollups import DailyStars, DailyTopics

ADOPTION_DAYS = 42

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Side:
    """A version's reviews in the days that are compared: `n`, of which `stars` have stars and `negative` are so."""

    version: str
    released: date
    inferred: bool
    period: Period
    n: int
    negative: int
    stars: Stars
    stability: dict[str, VersionStability]

    @property
    def rated(self) -> int:
        """How many have stars."""
        return sum(self.stars)

    @property
    def mean(self) -> float | None:
        """The mean of the stars."""
        return mean_stars(self.stars)

    @property
    def half_width(self) -> float | None:
        """Half the 95 % interval of that mean alone."""
        return half_width(self.stars, self.period.days)


@dataclass(frozen=True, slots=True)
class TopicChange:
    """Negative mentions of a topic in both versions' days, and how its share changed."""

    topic: str
    n: int
    n_before: int
    change: ShareChange


@dataclass(frozen=True, slots=True)
class AdoptionDay:
    """A day's reviews: of this version, of that one, of all."""

    day: date
    this: int
    that: int
    total: int


@dataclass(frozen=True, slots=True)
class Pair:
    """All that the page of two versions shows."""

    this: Side
    that: Side
    stars: Comparison | Missing
    topics: list[TopicChange]
    adoption: list[AdoptionDay]

    @property
    def risen(self) -> list[TopicChange]:
        """Topics that rose beyond chance, the strongest first."""
        return sorted((t for t in self.topics if t.change.moved > 0), key=lambda t: -t.change.ratio)

    @property
    def fallen(self) -> list[TopicChange]:
        """Topics that fell beyond chance, the strongest first."""
        return sorted((t for t in self.topics if t.change.moved < 0), key=lambda t: t.change.ratio)


@dataclass(frozen=True, slots=True)
class _Spans:
    """Each version's days as the newest: indices of the days from `first_day`."""

    first_day: date
    line: Sequence[Launch]
    days: int

    def of(self, number: int) -> tuple[int, int]:
        """From its day until a higher version is out (a repair of an old one: until the next that comes)."""
        start = (self.line[number].day - self.first_day).days
        higher = [(one.day - self.first_day).days for one in self.line[number + 1 :]]
        return start, min([end for end in higher if end > start], default=self.days)


def compare(
    session: Session, app_id: int, this: str, that: str, today: date, channel: str | None = None
) -> Pair | None:
    """Compare two versions of the app (on a channel); None where one of them is not known or not out yet."""
    line = launches(session, app_id, today, channel)
    at, other = place(line, this), place(line, that)
    if at is None or other is None or at == other:
        return None
    oldest = max(0, min(at - EARLIER_RELEASES - 1, other))
    first_day = min(one.day for one in line[oldest:]) - timedelta(days=NOISE_DAYS)
    spans = _Spans(first_day, line, (today - first_day).days + 1)
    counts, totals = _counts(session, Slice(app_id, channel), first_day, today)
    nothing = np.zeros((spans.days, 5), np.int64)

    def tenure(number: int) -> Tenure:
        return Tenure(counts.get(line[number].version, nothing), *spans.of(number))

    mine, theirs = tenure(at), tenure(other)
    every: Ints = sum(counts.values(), nothing)
    earlier = [(tenure(k), tenure(k - 1)) for k in range(max(oldest + 1, at - EARLIER_RELEASES), at)]
    stars = compare_versions(mine, theirs, every, earlier)
    first = _side(session, app_id, line[at], _days(spans, mine.start, mine.start + TENURE_DAYS, mine), totals)
    second = _side(session, app_id, line[other], _days(spans, theirs.end - TENURE_DAYS, theirs.end, theirs), totals)
    part = Slice(app_id, channel)
    return Pair(first, second, stars, _topics(session, part, first, second), _adoption(first, second, totals, today))


def newest_pair(session: Session, app_id: int, today: date, channel: str | None = None) -> Pair | None:
    """The newest version against the last before it on its channel; None where there are not two."""
    line = launches(session, app_id, today, channel)
    newest = newest_launch(line)
    last = before(line, newest.version) if newest else None
    return compare(session, app_id, newest.version, last, today, channel) if newest and last else None


def _days(spans: _Spans, start: int, end: int, of: Tenure) -> Period:
    """The calendar days that are compared: within the tenure."""
    start, end = max(start, of.start), min(end, of.end)
    return Period(spans.first_day + timedelta(days=start), spans.first_day + timedelta(days=end - 1))


Totals = dict[tuple[date, str], tuple[int, int, Stars]]


def _counts(session: Session, part: Slice, first_day: date, today: date) -> tuple[dict[str, Ints], Totals]:
    """Stars by version as (days, 5), and by (day, version): n, negative, stars."""
    d = DailyStars
    given = (d.n, d.negative, d.s1, d.s2, d.s3, d.s4, d.s5)
    query = (
        select(d.day, d.version, *(func.sum(column) for column in given))
        .where(*part.stars(Period(first_day, today)))
        .group_by(d.day, d.version)
    )
    days = (today - first_day).days + 1
    counts: dict[str, Ints] = {}
    totals: Totals = {}
    for day, version, n, negative, *values in session.execute(query):
        one, two, three, four, five = (int(value) for value in values)
        totals[day, version] = (int(n), int(negative), (one, two, three, four, five))
        if version not in counts:
            counts[version] = np.zeros((days, 5), np.int64)
        counts[version][(day - first_day).days] = (one, two, three, four, five)
    return counts, totals


def _side(
    session: Session,
    app_id: int,
    launch: Launch,
    period: Period,
    totals: Totals,
) -> Side:
    stars, n, negative = np.zeros(5, np.int64), 0, 0
    for offset in range(period.days):
        found = totals.get((period.first + timedelta(days=offset), launch.version))
        if found:
            n, negative, stars = n + found[0], negative + found[1], stars + np.array(found[2])
    one, two, three, four, five = (int(value) for value in stars)
    crashes = {
        channel: version
        for channel, whole in stability(session, app_id, period).items()
        for version in whole.versions
        if version.version == launch.version
    }
    return Side(
        launch.version, launch.day, launch.inferred, period, n, negative, (one, two, three, four, five), crashes
    )


def _topics(session: Session, part: Slice, this: Side, that: Side) -> list[TopicChange]:
    """Every topic that either spoke of badly, by the size of the change."""
    if not this.n or not that.n:
        return []
    mine, theirs = _mentions(session, part, this), _mentions(session, part, that)
    found = []
    for topic in sorted({*mine, *theirs}):
        y, y_before = mine.get(topic, 0), theirs.get(topic, 0)
        if y or y_before:
            change = share_change(y, this.n, y_before, that.n, this.period.days, that.period.days)
            found.append(TopicChange(topic, y, y_before, change))
    return sorted(found, key=lambda t: (-abs(t.change.moved), -abs(np.log(t.change.ratio))))


def _mentions(session: Session, part: Slice, side: Side) -> dict[str, int]:
    where = Slice(part.app_id, part.channel, version=side.version).topics(side.period)
    query = select(DailyTopics.topic, func.sum(DailyTopics.negative)).where(*where).group_by(DailyTopics.topic)
    return {topic: int(negative) for topic, negative in session.execute(query)}


def _adoption(this: Side, that: Side, totals: Totals, today: date) -> list[AdoptionDay]:
    """The share of each day's reviews, from a week before the younger one came, six weeks at most."""
    first = max(this.released, that.released) - timedelta(days=7)
    last = min(today, first + timedelta(days=ADOPTION_DAYS - 1))
    by_day: dict[date, dict[str, int]] = {}
    for (day, version), (n, _, _) in totals.items():
        if first <= day <= last:
            by_day.setdefault(day, {})[version] = n
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return [
        AdoptionDay(day, there.get(this.version, 0), there.get(that.version, 0), sum(there.values()))
        for day in days
        for there in [by_day.get(day, {})]
    ]

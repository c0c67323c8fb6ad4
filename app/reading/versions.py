"""This version against that: stars with an interval, topics that rose and fell, crash-free, adoption."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from itertools import chain
from threading import Lock

import numpy as np
from sqlalchemy.orm import Session

from alerts.detectors import Comparison, CrashChange, Missing, ShareChange, Tenure, compare_versions, share_change
from alerts.detectors.version_comparison import EARLIER_RELEASES, NOISE_DAYS, TENURE_DAYS
from app.reading.day_counts import KINDS, STARS, DayCounts, Ints, day_counts, summed
from app.reading.intervals import half_width, mean_stars
from app.reading.launches import Launch, before, believed, launches, newest_launch, place
from app.reading.stability import Crashes, VersionStability, crash_change, of_versions
from app.reading.topic_counts import topic_counts
from app.reading.trends import Period, Slice, Stars

ADOPTION_DAYS = 42


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
    def crash_changes(self) -> dict[str, CrashChange | None]:
        """By channel, how the crash-free share changed; None where it cannot be judged."""
        mine, theirs = self.this.stability, self.that.stability
        return {name: crash_change(mine.get(name), theirs.get(name)) for name in sorted({*mine, *theirs})}

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
    session: Session,
    app_id: int,
    this: str,
    that: str,
    today: date,
    channel: str | None = None,
    line: Sequence[Launch] | None = None,
    counted: DayCounts | None = None,
    crashes: Crashes | None = None,
) -> Pair | None:
    """Compare two versions of the app (on a channel); None where one of them is not known or not out yet.

    `line` are its launches until today, `counted` its counts of these days and more, `crashes` its crash figures, where
    the caller has read them.
    """
    line = believed(launches(session, app_id, today, channel) if line is None else line, this, that)
    at, other = place(line, this), place(line, that)
    if at is None or other is None or at == other:
        return None
    oldest = _oldest(at, other)
    first_day = _first_day(line, oldest)
    spans = _Spans(first_day, line, (today - first_day).days + 1)
    part, looked_at = Slice(app_id, channel), Period(first_day, today)
    if counted is None or not counted.covers(looked_at):
        counted = day_counts(session, part, looked_at)
    days = counted.days(looked_at)
    counts = {version: table[days] for version, table in counted.of.items()}
    nothing = np.zeros((spans.days, KINDS), np.int64)

    def tenure(number: int) -> Tenure:
        return Tenure(counts.get(line[number].version, nothing)[:, STARS], *spans.of(number))

    mine, theirs = tenure(at), tenure(other)
    every = counted.every[days]
    earlier = [(tenure(k), tenure(k - 1)) for k in range(max(oldest + 1, at - EARLIER_RELEASES), at)]
    stars = _judged(mine, theirs, every[:, STARS], earlier)

    periods = (
        _days(spans, mine.start, mine.start + TENURE_DAYS, mine),
        _days(spans, theirs.end - TENURE_DAYS, theirs.end, theirs),
    )
    stable = of_versions(session, app_id, list(zip((this, that), periods, strict=True)), crashes)
    first, second = (
        _side(line[number], period, counts.get(line[number].version, nothing), first_day, crash)
        for number, period, crash in zip((at, other), periods, stable, strict=True)
    )
    shares = _adoption((first, counts.get(this, nothing)), (second, counts.get(that, nothing)), every, first_day, today)
    return Pair(first, second, stars, _topics(session, part, first, second), shares)


_JUDGED: "OrderedDict[bytes, Comparison | Missing]" = OrderedDict()
_LOCK = Lock()


def _judged(this: Tenure, that: Tenure, every: Ints, earlier: Sequence[tuple[Tenure, Tenure]]) -> Comparison | Missing:
    """`compare_versions`, worked out once for the very same counts: several pages and routes ask it of the same two."""
    digest = blake2b()
    for tenure in (this, that, *chain.from_iterable(earlier)):
        digest.update(f"{tenure.start}-{tenure.end}|{tenure.counts.shape}|".encode() + tenure.counts.tobytes())
    digest.update(every.tobytes())
    key = digest.digest()
    with _LOCK:
        known = _JUDGED.get(key)
    if known is None:
        known = compare_versions(this, that, every, earlier)
        with _LOCK:
            _JUDGED[key] = known
            while len(_JUDGED) > 500:
                _JUDGED.popitem(last=False)
    return known


def _oldest(at: int, other: int) -> int:
    """Where the line of what a comparison looks at begins: earlier releases show how much two differ anyway."""
    return max(0, min(at - EARLIER_RELEASES - 1, other))


def _first_day(line: Sequence[Launch], oldest: int) -> date:
    return min(one.day for one in line[oldest:]) - timedelta(days=NOISE_DAYS)


def newest_names(line: Sequence[Launch]) -> tuple[str, str] | None:
    """The newest version, and the last before it on its channel; None where there are not two."""
    newest = newest_launch(line)
    last = before(line, newest.version) if newest else None
    return (newest.version, last) if newest and last else None


def looked_at(line: Sequence[Launch], this: str, that: str, today: date) -> Period:
    """The days whose counts `compare` needs for two versions of the line."""
    line = believed(line, this, that)
    at, other = place(line, this), place(line, that)
    if at is None or other is None:
        return Period(today, today)
    return Period(_first_day(line, _oldest(at, other)), today)


def _days(spans: _Spans, start: int, end: int, of: Tenure) -> Period:
    """The calendar days that are compared: within the tenure."""
    start, end = max(start, of.start), min(end, of.end)
    return Period(spans.first_day + timedelta(days=start), spans.first_day + timedelta(days=end - 1))


def _side(launch: Launch, period: Period, counts: Ints, first_day: date, crashes: dict[str, VersionStability]) -> Side:
    begin = (period.first - first_day).days
    mine = counts[begin : begin + period.days]
    n, stars = summed(mine)
    return Side(launch.version, launch.day, launch.inferred, period, n, int(mine[:, 1].sum()), stars, crashes)


def _topics(session: Session, part: Slice, this: Side, that: Side) -> list[TopicChange]:
    """Every topic that either spoke of badly, by the size of the change."""
    if not this.n or not that.n:
        return []
    spans = [(Slice(part.app_id, part.channel, version=side.version), side.period) for side in (this, that)]
    mine, theirs = (
        {topic: negative for (_, topic), (_, negative) in counts.items()} for counts in topic_counts(session, spans)
    )
    found = []
    for topic in sorted({*mine, *theirs}):
        y, y_before = mine.get(topic, 0), theirs.get(topic, 0)
        if y or y_before:
            change = share_change(y, this.n, y_before, that.n, this.period.days, that.period.days)
            found.append(TopicChange(topic, y, y_before, change))
    return sorted(found, key=lambda t: (-abs(t.change.moved), -abs(np.log(t.change.ratio))))


def _adoption(
    this: tuple[Side, Ints], that: tuple[Side, Ints], every: Ints, first_day: date, today: date
) -> list[AdoptionDay]:
    """The share of each day's reviews, from a week before the younger one came, six weeks at most."""
    first = max(this[0].released, that[0].released) - timedelta(days=7)
    last = min(today, first + timedelta(days=ADOPTION_DAYS - 1))
    found = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        mine, theirs, total = (int(counts[(day - first_day).days, 0]) for counts in (this[1], that[1], every))
        found.append(AdoptionDay(day, mine, theirs, total))
    return found

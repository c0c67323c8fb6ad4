"""Star trends, versions, topics, releases and store counters: all from rollups, never from raw rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.reading.intervals import half_width, mean_stars
from models.ratings import RatingSnapshot
from models.releases import Release
from models.rollups import DailyStars, DailyTopics

Stars = tuple[int, int, int, int, int]
Every = Literal["day", "week"]

WEEKLY_ABOVE = 200
"""Days from which a trend is drawn by the week: 730 daily bars are noise in any chart."""

_STARS = tuple(
    func.coalesce(func.sum(column), 0)
    for column in (DailyStars.s1, DailyStars.s2, DailyStars.s3, DailyStars.s4, DailyStars.s5)
)
_N = func.coalesce(func.sum(DailyStars.n), 0)


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


EVER = Period(date(1, 1, 1), date(9999, 12, 31))
"""All of time."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of an app's verbatims: all of it, or one channel, storefront or version ("" is the unknown one)."""

    app_id: int
    channel: str | None = None
    storefront: str | None = None
    version: str | None = None

    def stars(self, period: Period | None) -> list[ColumnElement[bool]]:
        """Conditions on daily_stars."""
        found = [DailyStars.app_id == self.app_id]
        if period:
            found.append(DailyStars.day.between(period.first, period.last))
        for column, value in (
            (DailyStars.channel, self.channel),
            (DailyStars.storefront, self.storefront),
            (DailyStars.version, self.version),
        ):
            if value is not None:
                found.append(column == value)
        return found

    def topics(self, period: Period | None) -> list[ColumnElement[bool]]:
        """Conditions on daily_topics, which does not know storefronts."""
        found = [DailyTopics.app_id == self.app_id]
        if period:
            found.append(DailyTopics.day.between(period.first, period.last))
        if self.channel is not None:
            found.append(DailyTopics.channel == self.channel)
        if self.version is not None:
            found.append(DailyTopics.version == self.version)
        return found


@dataclass(frozen=True, slots=True)
class Bucket:
    """A day or a week: `n` verbatims, of which `stars` have stars. `incomplete_days` are not completely known."""

    first: date
    days: int
    n: int
    stars: Stars
    incomplete_days: int

    @property
    def last(self) -> date:
        """Its last day."""
        return self.first + timedelta(days=self.days - 1)

    @property
    def rated(self) -> int:
        """How many have stars: the base of the mean."""
        return sum(self.stars)

    @property
    def mean(self) -> float | None:
        """The mean of the stars."""
        return mean_stars(self.stars)

    @property
    def half_width(self) -> float | None:
        """Half the 95 % interval of the mean."""
        return half_width(self.stars, self.days)


@dataclass(frozen=True, slots=True)
class Trend:
    """Buckets without a gap in time, and the stretches that are not completely known (first and last day)."""

    every: Every
    period: Period
    buckets: list[Bucket]
    holes: list[tuple[date, date]]


def _stars(row: Sequence[int]) -> Stars:
    one, two, three, four, five = (int(value) for value in row)
    return one, two, three, four, five


def total(session: Session, part: Slice, period: Period | None = None) -> tuple[int, Stars]:
    """How many verbatims, and their stars."""
    n, *stars = session.execute(select(_N, *_STARS).where(*part.stars(period))).one()
    return int(n), _stars(stars)


def labelled(session: Session, part: Slice, period: Period, label: str) -> int:
    """How many verbatims are negative, or positive, as a whole."""
    column = DailyStars.negative if label == "negative" else DailyStars.positive
    return int(session.scalar(select(func.coalesce(func.sum(column), 0)).where(*part.stars(period))) or 0)


def mentions(session: Session, part: Slice, period: Period, topic: str, *, negative: bool = False) -> int:
    """How many verbatims speak of a topic, or speak badly of it."""
    column = DailyTopics.negative if negative else DailyTopics.n
    where = [*part.topics(period), DailyTopics.topic == topic]
    return int(session.scalar(select(func.coalesce(func.sum(column), 0)).where(*where)) or 0)


def known_days(session: Session, app_id: int) -> Period | None:
    """The first and the last day with a verbatim."""
    return known_days_and_channels(session, app_id)[0]


_DAY = "SELECT day FROM daily_stars WHERE app_id = :app_id AND n > 0 ORDER BY day"
_CHANNEL = "SELECT min(channel) FROM daily_stars WHERE app_id = :app_id AND n > 0"
# Two steps into the index, since min and max in one statement would read every day; and one step a channel.
_KNOWN = text(
    f"SELECT ({_DAY} LIMIT 1), ({_DAY} DESC LIMIT 1), ARRAY(WITH RECURSIVE known(channel) AS (({_CHANNEL})"  # noqa: S608
    f" UNION ALL SELECT ({_CHANNEL} AND channel > known.channel) FROM known WHERE known.channel IS NOT NULL)"
    " SELECT channel FROM known WHERE channel IS NOT NULL)"
)


def known_days_and_channels(session: Session, app_id: int) -> tuple[Period | None, list[str]]:
    """The first and the last day with a verbatim (None: there is none), and the channels that ever said something."""
    first, last, channels = session.execute(_KNOWN, {"app_id": app_id}).one()
    return Period(first, last) if first else None, list(channels)


def incomplete_days(session: Session, part: Slice, period: Period) -> dict[date, str]:
    """Days of which some enabled source says that they are not complete, with the worst state among its sources."""
    found: dict[date, str] = {}
    rows = session.execute(
        _INCOMPLETE,
        {"app_id": part.app_id, "first": period.first, "last": period.last, "channel": part.channel},
    )
    rank = {"held": 0, "partial": 1, "unknown": 2}
    for day, state in rows:
        if day not in found or rank.get(state, 2) > rank.get(found[day], 2):
            found[day] = state
    return found


def buckets_of(period: Period, every: Every | None = None) -> tuple[Every, Period]:
    """How a period is cut: by day, or by week (Monday to Sunday, the period grown to whole weeks) above 200 days."""
    every = every or ("week" if period.days > WEEKLY_ABOVE else "day")
    if every == "day":
        return every, period
    monday = period.first - timedelta(days=period.first.weekday())
    return every, Period(monday, period.last + timedelta(days=6 - period.last.weekday()))


_INCOMPLETE = text(
    "SELECT c.day, c.state FROM coverage c JOIN sources s ON s.id = c.source_id WHERE c.app_id = :app_id"
    " AND c.day BETWEEN :first AND :last AND c.state <> 'complete' AND s.enabled"
    " AND (CAST(:channel AS text) IS NULL OR s.channel = :channel)"
)


def star_trend(
    session: Session,
    part: Slice,
    period: Period,
    every: Every | None = None,
    counted: Mapping[date, tuple[int, Stars]] | None = None,
) -> Trend:
    """Stars by day or by week, as `buckets_of` cuts the period.

    `counted` are the verbatims and stars of each bucket by its first day, where the caller has read them.
    """
    every, period = buckets_of(period, every)
    step = 7 if every == "week" else 1
    if counted is None:
        counted = _counted(session, part, period, every)
    missing = sorted(incomplete_days(session, part, period))
    holes = Counter((day - period.first).days // step for day in missing)
    empty: tuple[int, Stars] = (0, (0, 0, 0, 0, 0))
    buckets = []
    for number in range(period.days // step):
        first = period.first + timedelta(days=number * step)
        buckets.append(Bucket(first, step, *counted.get(first, empty), holes[number]))
    return Trend(every, period, buckets, _stretches(missing))


def _counted(session: Session, part: Slice, period: Period, every: Every) -> dict[date, tuple[int, Stars]]:
    key = func.date_trunc("week", DailyStars.day) if every == "week" else DailyStars.day
    rows = session.execute(select(key, _N, *_STARS).where(*part.stars(period)).group_by(key))
    return {at.date() if hasattr(at, "date") else at: (int(n), _stars(stars)) for at, n, *stars in rows}


def _stretches(days: list[date]) -> list[tuple[date, date]]:
    found: list[tuple[date, date]] = []
    for day in days:
        if found and found[-1][1] + timedelta(days=1) == day:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


@dataclass(frozen=True, slots=True)
class VersionStars:
    """One version's reviews in a period. `seen` is its release day, or the first day with a review."""

    version: str
    seen: date
    n: int
    stars: Stars

    @property
    def mean(self) -> float | None:
        """The mean of the stars."""
        return mean_stars(self.stars)

    @property
    def half_width(self) -> float | None:
        """Half the 95 % interval, as if spread over a week."""
        return half_width(self.stars, 7)


def versions(session: Session, part: Slice, period: Period, limit: int = 8) -> list[VersionStars]:
    """The newest versions that were reviewed in the period, newest first; unknown versions are left out."""
    released = (
        select(Release.version, func.min(Release.day).label("day"))
        .where(Release.app_id == part.app_id)
        .group_by(Release.version)
        .subquery()
    )
    seen = func.coalesce(func.min(released.c.day), func.min(DailyStars.day))
    rows = session.execute(
        select(DailyStars.version, seen, _N, *_STARS)
        .outerjoin(released, released.c.version == DailyStars.version)
        .where(*part.stars(period), DailyStars.version != "")
        .group_by(DailyStars.version)
        .having(func.sum(DailyStars.n) > 0)
        .order_by(seen.desc(), DailyStars.version.desc())
        .limit(limit)
    )
    return [VersionStars(version, day, int(n), _stars(stars)) for version, day, n, *stars in rows]


def releases(session: Session, app_id: int, period: Period | None = None, channel: str | None = None) -> list[Release]:
    """Releases, newest first."""
    query = select(Release).where(Release.app_id == app_id)
    if period:
        query = query.where(Release.day.between(period.first, period.last))
    if channel is not None:
        query = query.where(Release.channel == channel)
    return list(session.scalars(query.order_by(Release.released_at.desc(), Release.version.desc(), Release.channel)))


def release_marks(found: Sequence[Release]) -> list[tuple[date, str]]:
    """One mark per version: the first day that any channel offered it."""
    first: dict[str, date] = {}
    for release in found:
        first[release.version] = min(first.get(release.version, release.day), release.day)
    return sorted((day, version) for version, day in first.items())


def store_ratings(session: Session, app_id: int) -> list[RatingSnapshot]:
    """The newest counter of each store and storefront: a series of its own, never averaged with reviews."""
    return list(session.scalars(_RATINGS, {"app_id": app_id}))


_SERIES = (RatingSnapshot.channel, RatingSnapshot.storefront)
_RATINGS = (
    select(RatingSnapshot)
    .ext(distinct_on(*_SERIES))
    .where(RatingSnapshot.app_id == bindparam("app_id"))
    .order_by(*_SERIES, RatingSnapshot.taken_at.desc())
)


def rating_history(
    session: Session, app_id: int, period: Period, channel: str | None = None, storefront: str | None = None
) -> list[RatingSnapshot]:
    """Every stored counter of a period (UTC days), oldest first; a row means that it changed."""
    day = func.date(func.timezone("UTC", RatingSnapshot.taken_at))
    query = select(RatingSnapshot).where(RatingSnapshot.app_id == app_id, day.between(period.first, period.last))
    if channel is not None:
        query = query.where(RatingSnapshot.channel == channel)
    if storefront is not None:
        query = query.where(RatingSnapshot.storefront == storefront)
    return list(
        session.scalars(query.order_by(RatingSnapshot.taken_at, RatingSnapshot.channel, RatingSnapshot.storefront))
    )


def channels(session: Session, app_id: int) -> list[str]:
    """The channels that have ever said something."""
    return known_days_and_channels(session, app_id)[1]

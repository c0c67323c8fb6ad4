"""What the detectors read: one app's daily rollups and coverage ledger, as arrays over the same days.

Arrays begin on `History.first_day` and have one row a day. Subjects are stable keys: "app", "channel:google_play",
"storefront:app_store:fr".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, exists, select
from sqlalchemy.orm import Session

from alerts.hours import Hours
from alerts.lane_counts import Lanes
from models.apps import App
from models.releases import Release, believed
from models.rollups import DailyStars, DailyTopics
from models.sources import Coverage, Run, Source
from models.stability_series import CrashSeries

LOOK_DAYS = 280  # a frozen baseline of 84 days, the 84 days that it may stay frozen, and what its noise is read from
BUSY = 5.0  # reviews a day from which a storefront is watched on its own
BUSY_DAYS = 56
LEAST_ROLLOUT = 0.01  # of customers, that a staged release must reach to be judged
STALE_DAYS = 2  # how far before the look the newest complete day may lie

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stream:
    """Stars of one subject: `counts` (days, 5), and `judged` (days,), False where the ledger has a hole."""

    subject: str
    first_day: date
    counts: Ints
    judged: Bools

    def last_judged(self, day: date) -> date | None:
        """Return the newest complete day up to `day`, None when there is none in the last days."""
        return newest(self.judged, self.first_day, day)

    def busy(self, day: date) -> bool:
        """Whether the 56 days up to `day` had at least five reviews a day (days before the first review left out)."""
        end = (day - self.first_day).days + 1
        recent = self.counts[max(end - BUSY_DAYS, 0) : end].sum(axis=1)
        begun = np.flatnonzero(recent)
        return bool(begun.size) and float(recent[begun[0] :].mean()) >= BUSY

    def days_known(self, day: date) -> int:
        """Return how many days there are from the first review to `day`."""
        begun = np.flatnonzero(self.counts.any(axis=1))
        return (day - self.first_day).days - int(begun[0]) + 1 if begun.size else 0


@dataclass(frozen=True, slots=True)
class Launch:
    """A version and the local day when a channel began to offer it."""

    channel: str
    version: str
    day: date
    inferred: bool
    rollout: float | None = None

    @property
    def hardly_out(self) -> bool:
        """Whether a staged release reaches too few for a verdict: that would be one of its testers."""
        return self.rollout is not None and self.rollout < LEAST_ROLLOUT


@dataclass(frozen=True, slots=True)
class Hole:
    """A day of a source that is not complete."""

    channel: str
    source: str
    day: date
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class History:
    """All that is needed to look at one app on any day from `first_day` on.

    Per channel and, under "app", over all of them: `reviews` (days,) verbatims, `mentions` (topics, days) negative
    mentions in the order of `topics`, `judged` (days,). `versions` and `negatives` are by (channel, version).
    `sources` are the (channel, storefront or "") that enabled sources read. `hours`, `lanes` and `crashes` (by channel)
    are None or empty where they are not watched. `over` has, by subject, the days that nothing new is looked for in:
    those of incidents that were seen to be over (alerts.recovery).
    """

    app_id: int
    first_day: date
    streams: tuple[Stream, ...]
    versions: dict[tuple[str, str], Ints]
    negatives: dict[tuple[str, str], Ints]
    reviews: dict[str, Ints]
    topics: tuple[str, ...]
    mentions: dict[str, Ints]
    judged: dict[str, Bools]
    launches: tuple[Launch, ...]
    holes: tuple[Hole, ...]
    sources: tuple[tuple[str, str], ...] = ()
    hours: Hours | None = None
    lanes: Lanes | None = None
    crashes: Mapping[str, CrashSeries] = field(default_factory=dict)
    over: Mapping[str, Bools] = field(default_factory=dict)

    def index(self, day: date) -> int:
        """Return the row of a day."""
        return (day - self.first_day).days

    def bad_reviews(self) -> Ints:
        """Return how many verbatims of each day are negative (days,), over all channels."""
        return np.sum([*self.negatives.values()], axis=0, dtype=np.int64) + np.zeros(len(self.judged["app"]), np.int64)

    def stars_of(self, channel: str) -> Ints:
        """Return the stars (days, 5) of all versions on a channel."""
        found = [counts for (where, _), counts in self.versions.items() if where == channel]
        return np.sum(found, axis=0, dtype=np.int64) if found else np.zeros((len(self.judged["app"]), 5), np.int64)


def newest(judged: Bools, first_day: date, day: date) -> date | None:
    """Return the newest judged day up to `day`, None when the last three days have none."""
    for back in range(STALE_DAYS + 1):
        row = (day - first_day).days - back
        if 0 <= row < len(judged) and judged[row]:
            return day - timedelta(days=back)
    return None


def read_history(
    session: Session, app: App, until: date, days: int = LOOK_DAYS, *, until_counts: bool = False
) -> History:
    """Read the `days` days up to `until` (included).

    The day `until` itself is judged as the ledger says; with `until_counts` it is judged whatever the ledger says,
    because the caller has just read every source up to now.
    """
    first = until - timedelta(days=days - 1)
    versions: dict[tuple[str, str], Ints] = {}
    negatives: dict[tuple[str, str], Ints] = {}
    places: dict[tuple[str, str], Ints] = {}
    reviews: dict[str, Ints] = {"app": np.zeros(days, np.int64)}
    for row in _stars(session, app.id, first, until):
        at = (row.day - first).days
        stars = (row.s1, row.s2, row.s3, row.s4, row.s5)
        versions.setdefault((row.channel, row.version), np.zeros((days, 5), np.int64))[at] += stars
        places.setdefault((row.channel, row.storefront), np.zeros((days, 5), np.int64))[at] += stars
        negatives.setdefault((row.channel, row.version), np.zeros(days, np.int64))[at] += row.negative
        for subject in ("app", row.channel):
            reviews.setdefault(subject, np.zeros(days, np.int64))[at] += row.n
    topics, mentions = _mentions(session, app.id, first, until, list(reviews))
    ledger = _Ledger(session, app, first, days, until_counts=until_counts)
    channels = sorted({channel for channel, _ in places})
    return History(
        app_id=app.id,
        first_day=first,
        streams=tuple(_streams(places, channels, ledger, first, days)),
        versions=versions,
        negatives=negatives,
        reviews=reviews,
        topics=topics,
        mentions=mentions,
        judged={"app": ledger.judged()} | {channel: ledger.judged(channel) for channel in channels},
        launches=tuple(_launches(session, app.id, until)),
        holes=tuple(ledger.holes()),
        sources=tuple(ledger.places()),
    )


def _stars(session: Session, app_id: int, first: date, until: date) -> Iterable[Row[tuple[date, str, str, str]]]:
    d = DailyStars
    return session.execute(
        select(d.day, d.channel, d.storefront, d.version, d.n, d.negative, d.s1, d.s2, d.s3, d.s4, d.s5).where(
            d.app_id == app_id, d.day.between(first, until), d.n > 0
        )
    )


def _mentions(
    session: Session, app_id: int, first: date, until: date, subjects: list[str]
) -> tuple[tuple[str, ...], dict[str, Ints]]:
    d = DailyTopics
    rows = session.execute(
        select(d.day, d.channel, d.topic, d.negative).where(
            d.app_id == app_id, d.day.between(first, until), d.negative > 0
        )
    ).all()
    topics = tuple(sorted({row.topic for row in rows}))
    place = {topic: number for number, topic in enumerate(topics)}
    days = (until - first).days + 1
    mentions = {subject: np.zeros((len(topics), days), np.int64) for subject in subjects}
    for row in rows:
        for subject in ("app", row.channel):
            if subject in mentions:
                mentions[subject][place[row.topic], (row.day - first).days] += row.negative
    return topics, mentions


def _launches(session: Session, app_id: int, until: date) -> list[Launch]:
    """The releases of every channel, each channel in the order of its versions: the last one is its newest."""
    rows = list(session.scalars(select(Release).where(Release.app_id == app_id, Release.day <= until)))
    return [
        Launch(row.channel, row.version, row.day, row.inferred, row.rollout) for row in believed(session, app_id, rows)
    ]


def _streams(
    places: dict[tuple[str, str], Ints], channels: list[str], ledger: "_Ledger", first: date, days: int
) -> Iterable[Stream]:
    """The app, then its channels when it has several, then the storefronts of channels that have several."""
    rated = [channel for channel in channels if any(c.any() for (where, _), c in places.items() if where == channel)]
    whole = sum(places.values(), np.zeros((days, 5), np.int64))
    yield Stream("app", first, whole, ledger.judged())
    for channel in rated:
        inside = {place: counts for (where, place), counts in places.items() if where == channel and counts.any()}
        if len(rated) > 1:
            total = sum(inside.values(), np.zeros((days, 5), np.int64))
            yield Stream(f"channel:{channel}", first, total, ledger.judged(channel))
        for place, counts in sorted(inside.items()):
            if place and len(inside) > 1:
                yield Stream(f"storefront:{channel}:{place}", first, counts, ledger.judged(channel, place))


def _place_of(source: Source) -> str:
    return str(source.config.get("storefront") or source.config.get("country") or "").lower()


class _Ledger:
    """The coverage rows of the enabled sources that bring verbatims on a rhythm (a file is complete once imported).

    A source that never brought one (a store's counter, or one that never worked) has nothing in the counts to falsify.
    """

    def __init__(self, session: Session, app: App, first: date, days: int, *, until_counts: bool) -> None:
        self._first, self._days, self._until_counts = first, days, until_counts
        self._zone = ZoneInfo(app.timezone)
        self._sources = list(
            session.scalars(
                select(Source).where(
                    Source.app_id == app.id,
                    Source.enabled,
                    Source.rhythm_minutes.is_not(None),
                    exists().where(Run.app_id == app.id, Run.source_id == Source.id, Run.seen > 0),
                )
            )
        )
        self._rows: dict[int, dict[date, Coverage]] = {source.id: {} for source in self._sources}
        for row in session.scalars(
            select(Coverage).where(Coverage.app_id == app.id, Coverage.source_id.in_(list(self._rows)))
        ):
            self._rows[row.source_id][row.day] = row

    def judged(self, channel: str | None = None, storefront: str | None = None) -> Bools:
        """Whether each day is complete in every source of the subject (None: any)."""
        found = np.ones(self._days, np.bool_)
        for source in self._sources:
            place = _place_of(source)
            if channel is not None and source.channel != channel:
                continue
            if storefront is not None and place and place != storefront:
                continue
            found &= self._complete(source) | self._awaited(source)
        if self._until_counts:
            found[-1] = True
        return found

    def _complete(self, source: Source) -> Bools:
        rows = self._rows[source.id]
        if not rows:  # it has never said anything: nothing of it is in the counts either
            return np.ones(self._days, np.bool_)
        # A day before the first row is from before the source was read: what is there came from a file.
        begun = min(*rows, source.created_at.astimezone(self._zone).date())
        found = np.ones(self._days, np.bool_)
        for at in range(max((begun - self._first).days, 0), self._days):
            row = rows.get(self._first + timedelta(days=at))
            found[at] = row is not None and row.state == "complete"
        return found

    def _awaited(self, source: Source) -> Bools:
        """Days that this source publishes later and another one of its channel has read: nothing is missing then."""
        found = np.zeros(self._days, np.bool_)
        others = [one for one in self._sources if one.channel == source.channel and one.id != source.id]
        for day, row in self._rows[source.id].items():
            at = (day - self._first).days
            if row.state == "held" and 0 <= at < self._days:
                found[at] = any(
                    (cell := self._rows[one.id].get(day)) is not None and cell.state == "complete" for one in others
                )
        return found

    def places(self) -> Iterable[tuple[str, str]]:
        """The channel and the storefront ("": all) that each source reads."""
        return ((source.channel, _place_of(source)) for source in self._sources)

    def holes(self) -> Iterable[Hole]:
        last = self._first + timedelta(days=self._days - 1)
        for source in self._sources:
            awaited = self._awaited(source)
            for day, row in sorted(self._rows[source.id].items()):
                within = self._first <= day <= last
                if row.state != "complete" and within and not awaited[(day - self._first).days]:
                    yield Hole(source.channel, source.name, day, row.state, row.reason)

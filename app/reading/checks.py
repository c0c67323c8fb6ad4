"""Our counts against what the stores count themselves: their counters of stars, and the Play Console's exports.

A review carries stars, but most stars carry no text: so a counter bounds our reviews from above, and its growth times
the usual share of texts says how many to expect. An export names reviews that no other way has shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, case, func, select, text
from sqlalchemy.orm import Session

from app.reading.apps import today
from models.apps import App
from models.rollups import DailySources, DailyStars
from models.sources import Run, Source

DAYS, USUAL_DAYS = 28, 84
SLACK = 3
"""Reviews that may be counted a day apart from their stars."""
LEAST_EXPECTED = 10
LEAST_SHARE = 0.3

Verdict = Literal["agrees", "too_many", "too_few", "reconciled", "unclear"]


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison over the days `first` to `last`.

    counter: `theirs` is how many stars the store's counter grew by, `ours` our reviews of the same days, `expected` how
    many the usual share of texts makes of that growth (None: not known yet). export: `theirs` is how many reviews the
    export knows that no other way had shown, `ours` all that we have of these days.
    `difference` is ours − theirs where more than theirs cannot be, else ours − expected; None without an expectation.
    """

    kind: Literal["counter", "export"]
    channel: str
    storefront: str
    first: date
    last: date
    theirs: int | None
    ours: int
    expected: float | None
    difference: float | None
    verdict: Verdict


def checks(session: Session, apps: Sequence[App]) -> list[tuple[App, Check]]:
    """Compare the last 28 days of every store counter of these apps, and the last 90 of every export."""
    counters, exports = _counters(session, apps), _exports(session, apps)
    return [(app, check) for app in apps for check in (*counters.get(app.id, ()), *exports.get(app.id, ()))]


Series = list[tuple[date, int]]


@dataclass(frozen=True, slots=True)
class _Days:
    """Reviews of each day from `first` on."""

    first: date
    counts: NDArray[np.int64]

    def between(self, first: date, last: date) -> int:
        """How many after the day `first`, up to the day `last`."""
        begin, end = ((day - self.first).days + 1 for day in (first, last))
        return int(self.counts[max(begin, 0) : max(end, 0)].sum())


Reviews = dict[tuple[int, str, str], _Days]


def _counters(session: Session, apps: Sequence[App]) -> dict[int, list[Check]]:
    told = _told(session, apps)
    days = {app.id: today(app) for app in apps}
    earliest = min((series[0][0] for series in told.values()), default=None)
    reviews = _reviews(session, sorted({app_id for app_id, _, _ in told}), earliest) if earliest else {}
    found: dict[int, list[Check]] = {}
    for (app_id, channel, storefront), series in sorted(told.items()):
        narrowed = storefront if channel == "app_store" else ""
        ours = reviews.get((app_id, channel, narrowed))
        found.setdefault(app_id, []).append(_compared(channel, storefront, series, ours, days[app_id]))
    return found


# Hundreds of readings and thousands of days come joined, a few strings of bytes: row by row, and as arrays of dates
# too, reading them took longer than adding them up.
_READINGS = text("""SELECT s.app_id, s.channel, s.storefront,
    string_agg(int4send(CAST(timezone(a.timezone, s.taken_at) AS date) - CAST(:begin AS date)), '' ORDER BY s.taken_at),
    string_agg(int8send(s.count), '' ORDER BY s.taken_at)
  FROM rating_snapshots s JOIN apps a ON a.id = s.app_id
  WHERE s.app_id = ANY(CAST(:apps AS bigint[])) AND s.count IS NOT NULL AND s.taken_at >= :moment
  GROUP BY s.app_id, s.channel, s.storefront""")
# Only the App Store's counters are compared by storefront.
_REVIEWS = text("""SELECT app_id, channel, part, string_agg(int4send(at), ''), string_agg(int8send(n), '')
  FROM (SELECT app_id, channel, CASE WHEN channel = 'app_store' THEN storefront ELSE '' END AS part,
      day - CAST(:first AS date) AS at, CAST(sum(s1 + s2 + s3 + s4 + s5) AS bigint) AS n
    FROM daily_stars WHERE app_id = ANY(CAST(:apps AS bigint[])) AND day > :first GROUP BY app_id, channel, part, at
  ) days GROUP BY app_id, channel, part""")


def _told(session: Session, apps: Sequence[App]) -> dict[tuple[int, str, str], Series]:
    """Each store counter's last readings by local day, oldest first."""
    since = {app.id: today(app) - timedelta(days=DAYS + USUAL_DAYS) for app in apps}
    begin = min(since.values(), default=date(2000, 1, 1)) - timedelta(days=1)  # no zone is a day off
    moment = datetime(begin.year, begin.month, begin.day, tzinfo=UTC)
    found: dict[tuple[int, str, str], Series] = {}
    rows = session.execute(_READINGS, {"apps": list(since), "begin": begin, "moment": moment})
    for app_id, channel, storefront, days, counts in rows:
        least = (since[app_id] - begin).days
        told = zip(np.frombuffer(days, ">i4").tolist(), np.frombuffer(counts, ">i8").tolist(), strict=True)
        series = [(begin + timedelta(days=at), count) for at, count in told if at >= least]
        if series:
            found[app_id, channel, storefront] = series
    return found


def _reviews(session: Session, apps: Sequence[int], after: date) -> Reviews:
    """Our reviews with stars by app, channel, storefront ("" outside the App Store: all of the channel) and day."""
    found: Reviews = {}
    for app_id, channel, part, days, counts in session.execute(_REVIEWS, {"apps": list(apps), "first": after}):
        at = np.frombuffer(days, ">i4")
        found[app_id, channel, part] = _Days(after, np.zeros(at.max() + 1, np.int64))
        found[app_id, channel, part].counts[at] = np.frombuffer(counts, ">i8")
    return found


def _compared(channel: str, storefront: str, told: Series, reviews: _Days | None, now: date) -> Check:
    def between(first: date, last: date) -> int:
        # The first day is left out: its counter was read while it lasted.
        return reviews.between(first, last) if reviews else 0

    edge = now - timedelta(days=DAYS)
    before = [(day, count) for day, count in told if day <= edge]
    recent = [*before[-1:], *((day, count) for day, count in told if day > edge)]
    first, last = recent[0][0], recent[-1][0]
    if len(recent) < 2 or first == last:
        return Check("counter", channel, storefront, first, last, None, 0, None, None, "unclear")
    grown = recent[-1][1] - recent[0][1]
    expected = None
    if len(before) > 1 and before[-1][1] - before[0][1] >= 5 * LEAST_EXPECTED:
        usual = between(before[0][0], before[-1][0])
        expected = max(grown, 0) * usual / (before[-1][1] - before[0][1])
    return _counter(channel, storefront, first, last, grown, between(first, last), expected)


def _counter(
    channel: str, storefront: str, first: date, last: date, grown: int, ours: int, expected: float | None
) -> Check:
    # Play's counter is that of a country, its reviews are those of a language: more reviews than stars may well be.
    bounded = channel == "app_store"
    verdict: Verdict = "agrees"
    difference = None if expected is None else round(ours - expected, 1)
    if grown < 0:
        verdict = "unclear"  # the store took stars away, or began anew with a version
    elif bounded and ours > grown * 1.05 + SLACK:
        verdict, difference = "too_many", float(ours - grown)
    elif expected is not None and expected >= LEAST_EXPECTED and ours < LEAST_SHARE * expected:
        verdict = "too_few"
    return Check("counter", channel, storefront, first, last, grown, ours, expected, difference, verdict)


def _exports(session: Session, apps: Sequence[App]) -> dict[int, list[Check]]:
    """What only an export brought, of the days since another way has been read."""
    begun, exports = _ways(session, apps)
    found: dict[int, list[Check]] = {}
    for app in apps:
        if app.id not in begun or app.id not in exports:
            continue
        now = today(app)
        first = max(begun[app.id].astimezone(ZoneInfo(app.timezone)).date(), now - timedelta(days=89))
        d, s = DailySources, DailyStars
        ours = session.scalar(
            select(func.coalesce(func.sum(s.n), 0)).where(
                s.app_id == app.id, s.day.between(first, now), s.channel == "google_play"
            )
        )
        query = select(d.source_id, func.sum(d.n)).where(
            d.app_id == app.id, d.source_id.in_(exports[app.id]), d.day.between(first, now)
        )
        brought = {source_id: int(n) for source_id, n in session.execute(query.group_by(d.source_id))}
        for source_id in exports[app.id]:
            only = brought.get(source_id, 0)
            verdict: Verdict = "reconciled" if only else "agrees"
            found.setdefault(app.id, []).append(
                Check("export", "google_play", "", first, now, only, int(ours or 0), None, float(only), verdict)
            )
    return found


_FIRST_READ = (
    select(Run.started_at)
    .where(Run.app_id == Source.app_id, Run.source_id == Source.id, Run.seen > 0)
    .order_by(Run.started_at)
    .limit(1)
    .correlate(Source)
    .scalar_subquery()
)
_READS = Source.kind.in_(("google_play", "google_play_api"))
_GOOGLE = (
    select(Source.app_id, Source.id, Source.kind, case((_READS, _FIRST_READ)))
    .where(Source.app_id.in_(bindparam("apps", expanding=True)), Source.channel == "google_play")
    .order_by(Source.id)
)


def _ways(session: Session, apps: Sequence[App]) -> tuple[dict[int, datetime], dict[int, list[int]]]:
    """Since when each app's Google Play has been read by another way than exports, and its exports."""
    begun: dict[int, datetime] = {}
    exports: dict[int, list[int]] = {}
    for app_id, source_id, kind, at in session.execute(_GOOGLE, {"apps": [app.id for app in apps]}):
        if kind.startswith("play_console"):
            exports.setdefault(app_id, []).append(source_id)
        if at is not None:
            begun[app_id] = min(at, begun.get(app_id, at))
    return begun, exports

"""Our counts against what the stores count themselves: their counters of stars, and the Play Console's exports.

A review carries stars, but most stars carry no text: so a counter bounds our reviews from above, and its growth times
the usual share of texts says how many to expect. An export names reviews that no other way has shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, case, cast, func, select
from sqlalchemy.orm import Session

from app.reading.apps import today
from models.apps import App
from models.ratings import RatingSnapshot
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
Reviews = dict[tuple[int, str, str], dict[date, int]]


def _counters(session: Session, apps: Sequence[App]) -> dict[int, list[Check]]:
    told = _told(session, apps)
    days = {app.id: today(app) for app in apps}
    earliest = min((series[0][0] for series in told.values()), default=None)
    reviews = _reviews(session, sorted({app_id for app_id, _, _ in told}), earliest) if earliest else {}
    found: dict[int, list[Check]] = {}
    for (app_id, channel, storefront), series in sorted(told.items()):
        narrowed = storefront if channel == "app_store" else ""
        ours = reviews.get((app_id, channel, narrowed), {})
        found.setdefault(app_id, []).append(_compared(channel, storefront, series, ours, days[app_id]))
    return found


def _told(session: Session, apps: Sequence[App]) -> dict[tuple[int, str, str], Series]:
    """Each store counter's last readings by local day, oldest first."""
    since = {app.id: today(app) - timedelta(days=DAYS + USUAL_DAYS) for app in apps}
    zones = {app.id: ZoneInfo(app.timezone) for app in apps}
    s = RatingSnapshot
    begin = min(since.values(), default=date(2000, 1, 1)) - timedelta(days=1)  # no zone is a day off
    query = (
        select(s.app_id, s.channel, s.storefront, s.taken_at, s.count)
        .where(
            s.app_id.in_(since),
            s.count.is_not(None),
            s.taken_at >= datetime(begin.year, begin.month, begin.day, tzinfo=UTC),
        )
        .order_by(s.taken_at)
    )
    found: dict[tuple[int, str, str], Series] = {}
    for app_id, channel, storefront, at, count in session.execute(query):
        day = at.astimezone(zones[app_id]).date()
        if day >= since[app_id]:
            found.setdefault((app_id, channel, storefront), []).append((day, int(count or 0)))
    return found


def _reviews(session: Session, apps: Sequence[int], after: date) -> Reviews:
    """Our reviews with stars by app, channel, storefront ("" outside the App Store: all of the channel) and day."""
    d = DailyStars
    # Only the App Store's counters are compared by storefront.
    part = case((d.channel == "app_store", d.storefront), else_="").label("part")
    n = cast(func.sum(d.s1 + d.s2 + d.s3 + d.s4 + d.s5), BigInteger)
    daily = (
        select(d.app_id, d.channel, part, d.day, n.label("n"))
        .where(d.app_id.in_(apps), d.day > after)
        .group_by(d.app_id, d.channel, part, d.day)
        .subquery()
        .c
    )
    # Thousands of days come as a few arrays: reading them row by row took longer than adding them up.
    query = select(
        daily.app_id, daily.channel, daily.part, func.array_agg(daily.day), func.array_agg(daily.n)
    ).group_by(daily.app_id, daily.channel, daily.part)
    return {
        (app_id, channel, storefront): dict(zip(days, counts, strict=True))
        for app_id, channel, storefront, days, counts in session.execute(query)
    }


def _compared(channel: str, storefront: str, told: Series, reviews: Mapping[date, int], now: date) -> Check:
    def between(first: date, last: date) -> int:
        # The first day is left out: its counter was read while it lasted.
        return sum(n for day, n in reviews.items() if first < day <= last)

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


def _ways(session: Session, apps: Sequence[App]) -> tuple[dict[int, datetime], dict[int, list[int]]]:
    """Since when each app's Google Play has been read by another way than exports, and its exports."""
    first = (
        select(Run.started_at)
        .where(Run.app_id == Source.app_id, Run.source_id == Source.id, Run.seen > 0)
        .order_by(Run.started_at)
        .limit(1)
        .correlate(Source)
        .scalar_subquery()
    )
    reads = Source.kind.in_(("google_play", "google_play_api"))
    query = (
        select(Source.app_id, Source.id, Source.kind, case((reads, first)))
        .where(Source.app_id.in_([app.id for app in apps]), Source.channel == "google_play")
        .order_by(Source.id)
    )
    begun: dict[int, datetime] = {}
    exports: dict[int, list[int]] = {}
    for app_id, source_id, kind, at in session.execute(query):
        if kind.startswith("play_console"):
            exports.setdefault(app_id, []).append(source_id)
        if at is not None:
            begun[app_id] = min(at, begun.get(app_id, at))
    return begun, exports

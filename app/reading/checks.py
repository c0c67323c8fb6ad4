"""Our counts against what the stores count themselves: their counters of stars, and the Play Console's exports.

A review carries stars, but most stars carry no text: so a counter bounds our reviews from above, and its growth times
the usual share of texts says how many to expect. An export names reviews that no other way has shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.reading.apps import today
from models.apps import App
from models.feedback import Verbatim
from models.ratings import RatingSnapshot
from models.rollups import DailyStars
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


def checks(session: Session, app: App) -> list[Check]:
    """Compare the last 28 days of every store counter, and the last 90 of every export."""
    return [*_counters(session, app), *_exports(session, app)]


def _counters(session: Session, app: App) -> Iterable[Check]:
    now, zone = today(app), ZoneInfo(app.timezone)
    since = now - timedelta(days=DAYS + USUAL_DAYS)
    series: dict[tuple[str, str], list[tuple[date, int]]] = {}
    for shot in session.scalars(
        select(RatingSnapshot)
        .where(RatingSnapshot.app_id == app.id, RatingSnapshot.count.is_not(None))
        .order_by(RatingSnapshot.taken_at)
    ):
        day = shot.taken_at.astimezone(zone).date()
        if day >= since:
            series.setdefault((shot.channel, shot.storefront), []).append((day, int(shot.count or 0)))
    for (channel, storefront), told in sorted(series.items()):
        edge = now - timedelta(days=DAYS)
        before = [(day, count) for day, count in told if day <= edge]
        recent = [*before[-1:], *((day, count) for day, count in told if day > edge)]
        first, last = recent[0][0], recent[-1][0]
        if len(recent) < 2 or first == last:
            yield Check("counter", channel, storefront, first, last, None, 0, None, None, "unclear")
            continue
        grown = recent[-1][1] - recent[0][1]
        ours = _reviews(session, app.id, channel, storefront, first, last)
        expected = None
        if len(before) > 1 and before[-1][1] - before[0][1] >= 5 * LEAST_EXPECTED:
            usual = _reviews(session, app.id, channel, storefront, before[0][0], before[-1][0])
            expected = max(grown, 0) * usual / (before[-1][1] - before[0][1])
        yield _counter(channel, storefront, first, last, grown, ours, expected)


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


def _reviews(session: Session, app_id: int, channel: str, storefront: str, first: date, last: date) -> int:
    """Our reviews with stars of these days, the first one left out: its counter was read while it lasted."""
    d = DailyStars
    wanted = select(func.coalesce(func.sum(d.s1 + d.s2 + d.s3 + d.s4 + d.s5), 0)).where(
        d.app_id == app_id, d.channel == channel, d.day > first, d.day <= last
    )
    if channel == "app_store" and storefront:
        wanted = wanted.where(d.storefront == storefront)
    return int(session.scalar(wanted) or 0)


def _exports(session: Session, app: App) -> Iterable[Check]:
    """What only an export brought, of the days since another way has been read."""
    now, zone = today(app), ZoneInfo(app.timezone)
    sources = session.scalars(select(Source).where(Source.app_id == app.id, Source.channel == "google_play")).all()
    if not any(source.kind.startswith("play_console") for source in sources):
        return  # before anything is counted: these days can hold hundreds of thousands of rows
    others = [source.id for source in sources if source.kind in {"google_play", "google_play_api"}]
    begun = session.scalar(
        select(func.min(Run.started_at)).where(Run.app_id == app.id, Run.source_id.in_(others), Run.seen > 0)
    )
    if begun is None:
        return
    first = max(begun.astimezone(zone).date(), now - timedelta(days=89))
    counts = dict[int, int]()
    rows = session.execute(
        select(Verbatim.source_id, func.count())
        .where(
            Verbatim.app_id == app.id,
            Verbatim.channel == "google_play",
            Verbatim.day.between(first, now),
            Verbatim.written_at >= datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(hours=15),
        )
        .group_by(Verbatim.source_id)
    )
    for source_id, count in rows:
        counts[source_id] = int(count)
    for source in sources:
        if source.kind.startswith("play_console"):
            only = counts.get(source.id, 0)
            verdict: Verdict = "reconciled" if only else "agrees"
            ours = sum(counts.values())
            yield Check("export", "google_play", "", first, now, only, ours, None, float(only), verdict)

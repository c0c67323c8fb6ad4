"""Irritants for pages and programs: which there are, and all of one. Numbers come from `irritant_days`.

Everything returned is plain data (dates, numbers, texts), so that a page, the API and a spreadsheet show the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Integer, bindparam, cast, exists, func, select, tuple_
from sqlalchemy.orm import Session

from alerts.detectors.version_comparison import ShareChange, share_change
from analysis.irritants import likeness, points_at_stake
from analysis.taxonomy import taxonomy
from app.reading.irritant_quotes import Quote, quotes
from app.reading.members import gathered
from app.reading.trends import Period
from models.insight import Irritant, IrritantDay, IrritantEvent
from models.rollups import DailyStars

STATES = ("emerging", "back", "ongoing", "fix_shipped", "gone")
TREND = 14
"""Points of a row's small trend."""

ALIKE = 0.2
FIX_DAYS = 28
"""Days before and after a release on which an irritant without a version of its own is compared."""


@dataclass(frozen=True, slots=True)
class Row:
    """An irritant in a list. Counts are of the period asked for, but `people`, which is over its last 84 days.

    `share` is of the verbatims of the period; `points` how much the mean star would rise without it (None: no stars).
    `trend` are counts in equal parts of the period, oldest first. `topics` are ids, the leading one first; `phrase` is
    set instead where no topic covers it.
    """

    id: int
    name: str
    given: bool
    state: str
    state_since: date
    standing: bool
    began_day: date
    began_version: str
    fixed_version: str
    ended_day: date | None
    channels: tuple[str, ...]
    topics: tuple[str, ...]
    phrase: str
    step: str
    n: int
    share: float
    people: int
    unknown: int
    points: float | None
    trend: tuple[int, ...]
    score: float
    share_before: float
    share_peak: float
    merged_into: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Counts of one value (a version, a channel): its verbatims of this irritant, and all of them."""

    value: str
    n: int
    of: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of its life."""

    day: date
    kind: str
    actor: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fix:
    """What a release did to an irritant: its share before and after.

    `that` is the version where it began, whose verbatims are compared with those of `version`; "" where days are: then
    `before` and `after` are those days, the first two of the release left out.
    """

    version: str
    that: str
    before: Period
    after: Period
    change: ShareChange


@dataclass(frozen=True, slots=True)
class Detail:
    """All of one irritant. `days` has (day, its verbatims, all verbatims) for each day of the period.

    `others` are the ids and names of the app's others that were spoken of in the period.
    """

    row: Row
    phrases: tuple[str, ...]
    summary: str
    fix_announced: bool
    given_fix: str
    fix: Fix | None
    noticed_day: date
    days: tuple[tuple[date, int, int], ...]
    versions: tuple[Part, ...]
    by_channel: tuple[Part, ...]
    quotes: tuple[Quote, ...]
    similar: tuple[Row, ...]
    merged: tuple[Row, ...]
    life: tuple[Line, ...]
    others: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What rows are made from, by irritant: verbatims, (sum, count) of stars, parts of the trend; and all verbatims."""

    n: dict[int, int] = field(default_factory=dict)
    stars: dict[int, tuple[int, int]] = field(default_factory=dict)
    trend: dict[int, list[int]] = field(default_factory=dict)
    parts: int = TREND
    total: int = 0
    total_stars: tuple[int, int] = (0, 0)


def listed(
    session: Session,
    app_id: int,
    period: Period,
    language: str,
    *,
    states: Sequence[str] = (),
    channel: str | None = None,
    version: str | None = None,
    step: str | None = None,
) -> list[Row]:
    """Irritants that somebody spoke of in the period, most rating points first; those merged into another left out.

    A standing irritant is left out while an episode of the same topic is alive: that one speaks for both.
    """
    rows = list(session.scalars(select(Irritant).where(Irritant.app_id == app_id)))
    counts = _counts(session, app_id, period, channel, version)
    alive = {key for row in rows if not row.standing and row.state != "gone" for key in row.keys}
    found = [
        _row(row, counts, language)
        for row in rows
        if row.merged_into is None
        and counts.n.get(row.id)
        and (not states or row.state in states)
        and not (row.standing and row.key in alive)
    ]
    if step is not None:
        found = [row for row in found if row.step == step]
    return _by_weight(found)


def _by_weight(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-(row.points or 0.0), -row.n, row.id))


_CAME_BACK = (Irritant.state == "back") & (Irritant.state_since >= bindparam("since"))
_NEWBORN = select(Irritant).where(
    Irritant.app_id == bindparam("app_id"),
    Irritant.state.in_(("emerging", "back", "fix_shipped")),
    (Irritant.began_day >= bindparam("since")) | _CAME_BACK,
    ~Irritant.standing,
    Irritant.merged_into.is_(None),
)


def newborn(session: Session, app_id: int, since: date, language: str, today: date) -> list[Row]:
    """Irritants that began, or came back, from `since` on; one whose repair came since then began before it."""
    rows = session.scalars(_NEWBORN, {"app_id": app_id, "since": since}).all()
    if not rows:
        return []
    counts = _counts(session, app_id, Period(since, today), of=[row.id for row in rows])
    return _by_weight(_row(row, counts, language) for row in rows if counts.n.get(row.id))


def one(session: Session, app_id: int, irritant_id: int, period: Period, language: str) -> Detail | None:
    """All of an irritant, None where there is none."""
    rows = list(session.scalars(select(Irritant).where(Irritant.app_id == app_id)))
    group = gathered(rows).get(irritant_id)
    if group is None:
        return None
    mine = group[0]
    counts = _counts(session, app_id, period, of=[row.id for row in group])
    similar = _similar(mine, group, rows)
    ever = (
        _counts(session, app_id, Period(date(1, 1, 1), period.last), of=[r.id for r in similar]) if similar else counts
    )
    own, everything = _spread(session, app_id, period, irritant_id), _spread(session, app_id, period)
    life = [
        Line(event.day, event.kind, event.actor, event.detail)
        for event in session.scalars(
            select(IrritantEvent)
            .where(IrritantEvent.app_id == app_id, IrritantEvent.irritant_id == irritant_id)
            .order_by(IrritantEvent.day, IrritantEvent.id)
        )
    ]
    return Detail(
        row=_row(mine, counts, language),
        phrases=tuple(mine.phrases),
        summary=mine.summary,
        fix_announced=mine.fix_announced,
        given_fix=mine.given_fix,
        fix=_fix(mine, own, everything, period, next((line.day for line in life if line.kind == "fix_shipped"), None)),
        noticed_day=mine.noticed_day,
        days=tuple(
            (day, own.days.get(day, 0), everything.days.get(day, 0))
            for day in (period.first + timedelta(days=n) for n in range(period.days))
        ),
        versions=_parts(own.versions, everything.versions),
        by_channel=_parts(own.channels, everything.channels),
        quotes=quotes(session, app_id, group, rows, period),
        similar=tuple(_row(row, ever, language) for row in similar),
        merged=tuple(_row(row, counts, language) for row in group[1:]),
        life=tuple(life),
        others=_others(session, app_id, rows, irritant_id, period, language),
    )


def _fix(row: Irritant, own: "_Spread", everything: "_Spread", period: Period, shipped: date | None) -> Fix | None:
    """What its fix did: the two versions side by side, else the days before and after."""
    if not row.fixed_version or shipped is None or not period.first < shipped <= period.last:
        return None
    eve = shipped - timedelta(days=1)
    before = Period(min(max(row.began_day, shipped - timedelta(days=FIX_DAYS), period.first), eve), eve)
    after = Period(shipped, min(row.ended_day or period.last, period.last))
    that = row.began_version if everything.versions.get(row.began_version) else ""
    if that and everything.versions.get(row.fixed_version):
        said, of = own.versions.get(row.fixed_version, 0), everything.versions[row.fixed_version]
        said_before, of_before = own.versions.get(that, 0), everything.versions[that]
    else:
        that, after = "", Period(shipped + timedelta(days=2), min(shipped + timedelta(days=1 + FIX_DAYS), period.last))
        said, of = (_within(spread.days, after) for spread in (own, everything))
        said_before, of_before = (_within(spread.days, before) for spread in (own, everything))
    if not of or not of_before:
        return None
    change = share_change(said, of, said_before, of_before, max(after.days, 1), max(before.days, 1))
    return Fix(row.fixed_version, that, before, after, change)


def _within(days: Mapping[date, int], span: Period) -> int:
    return sum(n for day, n in days.items() if span.first <= day <= span.last)


def name_of(row: Irritant, language: str) -> str:
    """What it is called: by people, else by us."""
    return row.given_name or (row.name_fr if language == "fr" else row.name_en)


def _row(row: Irritant, counts: Counts, language: str) -> Row:
    topics = tuple(key.split(":")[1] for key in row.keys if key.startswith(("topic:", "fault:")))
    known = taxonomy().topics.get(topics[0]) if topics else None
    n = counts.n.get(row.id, 0)
    return Row(
        id=row.id,
        name=name_of(row, language),
        given=bool(row.given_name),
        state=row.state,
        state_since=row.state_since,
        standing=row.standing,
        began_day=row.began_day,
        began_version=row.began_version,
        fixed_version=row.fixed_version,
        ended_day=row.ended_day,
        channels=tuple(row.channels),
        topics=topics,
        phrase="" if topics else row.key.removeprefix("phrase:"),
        step=known.step if known else "whole_app",
        n=n,
        share=n / counts.total if counts.total else 0.0,
        people=row.people,
        unknown=row.unknown,
        points=points_at_stake(counts.total_stars, counts.stars.get(row.id, (0, 0))),
        trend=tuple(counts.trend.get(row.id, [0] * counts.parts)),
        score=row.score,
        share_before=row.share_before,
        share_peak=row.share_peak,
        merged_into=row.merged_into,
    )


def _counts(
    session: Session,
    app_id: int,
    period: Period,
    channel: str | None = None,
    version: str | None = None,
    of: Sequence[int] | None = None,
) -> Counts:
    """Counts of a period for every irritant of the app, or for these."""
    d, s = IrritantDay, DailyStars
    where = [d.app_id == app_id, d.day.between(period.first, period.last)]
    everything = [s.app_id == app_id, s.day.between(period.first, period.last)]
    if of is not None:
        where.append(d.irritant_id.in_(of))
    if channel is not None:
        where.append(d.channel == channel)
        everything.append(s.channel == channel)
    if version is not None:
        where.append(d.version == version)
        everything.append(s.version == version)
    n, rated = func.coalesce(func.sum(s.n), 0), func.coalesce(func.sum(s.s1 + s.s2 + s.s3 + s.s4 + s.s5), 0)
    given = func.coalesce(func.sum(s.s1 + 2 * s.s2 + 3 * s.s3 + 4 * s.s4 + 5 * s.s5), 0)
    total, all_rated, all_stars = session.execute(select(n, rated, given).where(*everything)).one()
    parts = min(TREND, period.days)
    counts = Counts(total=int(total), total_stars=(int(all_stars), int(all_rated)), parts=parts)
    part = func.div(cast(d.day - period.first, Integer) * parts, period.days)
    for ident, at, many, stars, with_stars in session.execute(
        select(d.irritant_id, part, func.sum(d.n), func.sum(d.stars), func.sum(d.rated))
        .where(*where)
        .group_by(d.irritant_id, part)
    ):
        counts.n[ident] = counts.n.get(ident, 0) + int(many)
        a, b = counts.stars.get(ident, (0, 0))
        counts.stars[ident] = (a + int(stars), b + int(with_stars))
        counts.trend.setdefault(ident, [0] * parts)[int(at)] += int(many)
    return counts


@dataclass(frozen=True, slots=True)
class _Spread:
    """Verbatims of a period by day, by version and by channel."""

    days: dict[date, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)


def _spread(session: Session, app_id: int, period: Period, irritant_id: int | None = None) -> _Spread:
    """How the verbatims of an irritant, or all of them, spread over a period: the three ways in one reading."""
    c = DailyStars if irritant_id is None else IrritantDay
    query = select(c.day, c.version, c.channel, func.sum(c.n)).where(
        c.app_id == app_id, c.day.between(period.first, period.last)
    )
    if irritant_id is not None:
        query = query.where(IrritantDay.irritant_id == irritant_id)
    ways = func.grouping_sets(tuple_(c.day), tuple_(c.version), tuple_(c.channel))
    found = _Spread()
    rows: Sequence[Any] = session.execute(query.group_by(ways)).all()  # each row has one of the three
    for day, version, channel, n in rows:
        if day is not None:
            found.days[day] = int(n)
        elif version is not None:
            found.versions[version] = int(n)
        else:
            found.channels[channel] = int(n)
    return found


def _parts(own: Mapping[str, int], everything: Mapping[str, int]) -> tuple[Part, ...]:
    ranked = sorted(own.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Part(value, n, everything.get(value, 0)) for value, n in ranked)


def _others(
    session: Session, app_id: int, rows: Sequence[Irritant], irritant_id: int, period: Period, language: str
) -> tuple[tuple[int, str], ...]:
    """Those of the other rows that were spoken of in the period, by name; those merged into another left out."""
    d = IrritantDay
    said = exists().where(
        d.app_id == app_id, d.irritant_id == Irritant.id, d.day.between(period.first, period.last), d.n > 0
    )
    spoken = set(session.scalars(select(Irritant.id).where(Irritant.app_id == app_id, said)))
    names = (
        (row.id, name_of(row, language))
        for row in rows
        if row.id in spoken and row.id != irritant_id and row.merged_into is None
    )
    return tuple(sorted(names, key=lambda pair: (pair[1].casefold(), pair[0])))


def _similar(mine: Irritant, group: Sequence[Irritant], rows: Sequence[Irritant], limit: int = 3) -> list[Irritant]:
    """Past irritants with the same keys or telling words, most alike first."""
    ours = {row.id for row in group}
    words = {*(key for row in group for key in row.keys), *mine.phrases}
    past = [
        (likeness(words, {*row.keys, *row.phrases}) + (0.5 if row.key == mine.key else 0.0), row)
        for row in rows
        if row.id not in ours and row.merged_into is None and not row.standing and row.began_day < mine.began_day
    ]
    past = [pair for pair in past if pair[0] >= ALIKE]
    return [row for _, row in sorted(past, key=lambda pair: (-pair[0], -pair[1].id))[:limit]]

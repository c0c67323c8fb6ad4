"""Irritants for pages and programs: which there are, and all of one. Numbers come from `irritant_days`.

Everything returned is plain data (dates, numbers, texts), so that a page, the API and a spreadsheet show the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analysis.irritants import likeness, points_at_stake
from analysis.phrasebook import Phrasebook
from analysis.taxonomy import taxonomy
from analysis.tokens import tokenise
from app.reading.members import gathered, members, spans_of
from app.reading.trends import Period
from models.feedback import Verbatim
from models.insight import Irritant, IrritantDay, IrritantEvent
from models.rollups import DailyStars

STATES = ("emerging", "back", "ongoing", "fix_shipped", "gone")
TREND = 14
"""Points of a row's small trend."""

ALIKE = 0.2


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
class Quote:
    """A typical verbatim: its id, words, and where in `text` the telling words are (start, end)."""

    id: int
    text: str
    stars: int | None
    version: str
    channel: str
    storefront: str
    day: date
    marks: tuple[tuple[int, int], ...]


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
class Detail:
    """All of one irritant. `days` has (day, its verbatims, all verbatims) for each day of the period."""

    row: Row
    phrases: tuple[str, ...]
    summary: str
    fix_announced: bool
    noticed_day: date
    days: tuple[tuple[date, int, int], ...]
    versions: tuple[Part, ...]
    by_channel: tuple[Part, ...]
    quotes: tuple[Quote, ...]
    similar: tuple[Row, ...]
    merged: tuple[Row, ...]
    life: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What the rows of an app are made from, read once."""

    period: Period
    n: dict[int, int] = field(default_factory=dict)
    stars: dict[int, tuple[int, int]] = field(default_factory=dict)
    days: dict[int, dict[date, int]] = field(default_factory=dict)
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
    return sorted(found, key=lambda row: (-(row.points or 0.0), -row.n, row.id))


def newborn(session: Session, app_id: int, since: date, language: str, today: date) -> list[Row]:
    """Irritants first noticed, or back, from `since` on."""
    found = listed(session, app_id, Period(since, today), language, states=("emerging", "back", "fix_shipped"))
    return [row for row in found if not row.standing and row.state_since >= since]


def one(session: Session, app_id: int, irritant_id: int, period: Period, language: str) -> Detail | None:
    """All of an irritant, None where there is none."""
    rows = list(session.scalars(select(Irritant).where(Irritant.app_id == app_id)))
    group = gathered(rows).get(irritant_id)
    if group is None:
        return None
    mine = group[0]
    counts = _counts(session, app_id, period, None, None)
    ever = _counts(session, app_id, Period(date(1, 1, 1), period.last), None, None)
    all_days = _all_days(session, app_id, period)
    own = counts.days.get(irritant_id, {})
    return Detail(
        row=_row(mine, counts, language),
        phrases=tuple(mine.phrases),
        summary=mine.summary,
        fix_announced=mine.fix_announced,
        noticed_day=mine.noticed_day,
        days=tuple(
            (day, own.get(day, 0), all_days.get(day, 0))
            for day in (period.first + timedelta(days=n) for n in range(period.days))
        ),
        versions=_parts(session, app_id, irritant_id, period, "version"),
        by_channel=_parts(session, app_id, irritant_id, period, "channel"),
        quotes=_quotes(session, app_id, group, rows, period),
        similar=tuple(_row(row, ever, language) for row in _similar(mine, group, rows)),
        merged=tuple(_row(row, counts, language) for row in group[1:]),
        life=tuple(
            Line(event.day, event.kind, event.actor, event.detail)
            for event in session.scalars(
                select(IrritantEvent)
                .where(IrritantEvent.app_id == app_id, IrritantEvent.irritant_id == irritant_id)
                .order_by(IrritantEvent.day, IrritantEvent.id)
            )
        ),
    )


def name_of(row: Irritant, language: str) -> str:
    """What it is called: by people, else by us."""
    return row.given_name or (row.name_fr if language == "fr" else row.name_en)


def _row(row: Irritant, counts: Counts, language: str) -> Row:
    topics = tuple(key[6:] for key in row.keys if key.startswith("topic:"))
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
        trend=_trend(counts.days.get(row.id, {}), counts.period),
        score=row.score,
        share_before=row.share_before,
        share_peak=row.share_peak,
        merged_into=row.merged_into,
    )


def _trend(days: Mapping[date, int], period: Period) -> tuple[int, ...]:
    points = min(TREND, period.days)
    found = [0] * points
    for day, n in days.items():
        found[min((day - period.first).days * points // period.days, points - 1)] += n
    return tuple(found)


def _counts(session: Session, app_id: int, period: Period, channel: str | None, version: str | None) -> Counts:
    d, s = IrritantDay, DailyStars
    where = [d.app_id == app_id, d.day.between(period.first, period.last)]
    of = [s.app_id == app_id, s.day.between(period.first, period.last)]
    if channel is not None:
        where.append(d.channel == channel)
        of.append(s.channel == channel)
    if version is not None:
        where.append(d.version == version)
        of.append(s.version == version)
    n, rated = func.coalesce(func.sum(s.n), 0), func.coalesce(func.sum(s.s1 + s.s2 + s.s3 + s.s4 + s.s5), 0)
    given = func.coalesce(func.sum(s.s1 + 2 * s.s2 + 3 * s.s3 + 4 * s.s4 + 5 * s.s5), 0)
    total, all_rated, all_stars = session.execute(select(n, rated, given).where(*of)).one()
    counts = Counts(period, total=int(total), total_stars=(int(all_stars), int(all_rated)))
    for ident, day, many, stars, with_stars in session.execute(
        select(d.irritant_id, d.day, func.sum(d.n), func.sum(d.stars), func.sum(d.rated))
        .where(*where)
        .group_by(d.irritant_id, d.day)
    ):
        counts.n[ident] = counts.n.get(ident, 0) + int(many)
        a, b = counts.stars.get(ident, (0, 0))
        counts.stars[ident] = (a + int(stars), b + int(with_stars))
        counts.days.setdefault(ident, {})[day] = int(many)
    return counts


def _all_days(session: Session, app_id: int, period: Period) -> dict[date, int]:
    s = DailyStars
    rows = session.execute(
        select(s.day, func.sum(s.n)).where(s.app_id == app_id, s.day.between(period.first, period.last)).group_by(s.day)
    )
    return {day: int(n) for day, n in rows}


def _parts(session: Session, app_id: int, irritant_id: int, period: Period, by: str) -> tuple[Part, ...]:
    d, s = IrritantDay, DailyStars
    mine, theirs = (d.version, s.version) if by == "version" else (d.channel, s.channel)
    found = session.execute(
        select(mine, func.sum(d.n))
        .where(d.app_id == app_id, d.irritant_id == irritant_id, d.day.between(period.first, period.last))
        .group_by(mine)
        .order_by(func.sum(d.n).desc(), mine)
    ).all()
    of = {
        value: int(n)
        for value, n in session.execute(
            select(theirs, func.sum(s.n))
            .where(s.app_id == app_id, s.day.between(period.first, period.last))
            .group_by(theirs)
        )
    }
    return tuple(Part(value, int(n), of.get(value, 0)) for value, n in found)


def _quotes(
    session: Session, app_id: int, group: Sequence[Irritant], rows: Sequence[Irritant], period: Period, limit: int = 5
) -> tuple[Quote, ...]:
    """The verbatims that say most of its telling words in the fewest of their own, newest first among equals."""
    v = Verbatim
    found = list(
        session.scalars(
            select(v)
            .where(
                v.app_id == app_id,
                v.day.between(period.first, period.last),
                members(app_id, group, spans_of(rows)),
            )
            .order_by(v.written_at.desc())
            .limit(300)
        )
    )
    if not found:
        return ()
    phrases = [phrase for row in group for phrase in row.phrases] or [group[0].key.partition(":")[2].replace("_", " ")]
    texts = [f"{row.title}\n{row.body}" if row.title else row.body for row in found]
    marks = telling_marks(texts, phrases)
    scored = sorted(
        range(len(found)),
        key=lambda i: (-min(len({texts[i][a:b].lower() for a, b in marks[i]}), 3), abs(len(texts[i]) - 140) // 60, i),
    )
    chosen: dict[str, int] = {}
    for i in scored:
        chosen.setdefault(" ".join(texts[i].casefold().split())[:60], i)
        if len(chosen) == limit:
            break
    return tuple(
        Quote(row.id, texts[i], row.stars, row.version, row.channel, row.storefront, row.day, marks[i])
        for i, row in ((i, found[i]) for i in chosen.values())
    )


def telling_marks(texts: Sequence[str], phrases: Sequence[str]) -> list[tuple[tuple[int, int], ...]]:
    """Where each text says one of the phrases: (start, end) in characters, without overlap, in order."""
    words = [phrase for phrase in phrases if phrase.strip()]
    if not words:
        return [() for _ in texts]
    try:
        book = Phrasebook([word.replace("*", " ").replace("_", " ").replace("..", " ") for word in words])
    except ValueError:
        return [() for _ in texts]
    out = []
    for text in texts:
        tokens = tokenise([text])
        hits = book.find(tokens)
        spans: list[tuple[int, int]] = []
        for first, last in zip(hits.first.tolist(), hits.last.tolist(), strict=True):
            start, end = int(tokens.start[first]) - 1, int(tokens.end[last]) - 1  # one NUL stands before the text
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        same = tokens.text[1 : 1 + len(text)] == text  # composing accents may have moved everything
        out.append(tuple(spans) if same else ())
    return out


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

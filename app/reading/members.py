"""Which verbatims are an irritant's: one condition, used by its counts, its page and its list of verbatims."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.feedback import Verbatim, VerbatimTopic
from models.insight import Irritant, IrritantVerbatim

Span = tuple[date, date]
LISTED = ("phrase:", "fault:")
"""Kinds of keys whose verbatims are listed one by one."""


def group(session: Session, app_id: int, irritant_id: int) -> list[Irritant]:
    """An irritant with all that are merged into it, itself first; empty if there is none."""
    rows = list(session.scalars(select(Irritant).where(Irritant.app_id == app_id)))
    return gathered(rows).get(irritant_id, [])


def gathered(rows: Sequence[Irritant]) -> dict[int, list[Irritant]]:
    """Every irritant of an app by id, each with those merged into it, directly or through another."""
    by_id = {row.id: row for row in rows}
    found = {row.id: [row] for row in rows}
    for row in rows:
        root, seen = row, {row.id}
        while root.merged_into in by_id and root.merged_into not in seen:
            root = by_id[root.merged_into]
            seen.add(root.id)
            found[root.id].append(row)
    return found


def members(app_id: int, rows: Sequence[Irritant], spans: dict[str, list[Span]] | None = None) -> ColumnElement[bool]:
    """The condition on `verbatims` that they are of one of `rows`.

    `spans` are the days of episodes by key, which a standing irritant leaves out.
    """
    t, i = VerbatimTopic, IrritantVerbatim
    parts: list[ColumnElement[bool]] = []
    for row in rows:
        days = _days(row, Verbatim.day, spans or {})
        topics = _topics(row)
        if topics:
            # From the index by topic and day: the planner must not look each verbatim's topics up.
            mentioned = Verbatim.id.in_(
                select(t.verbatim_id).where(
                    t.app_id == app_id,
                    t.topic.in_(topics),
                    t.sentiment < 0,
                    t.day.between(row.began_day, row.ended_day or date(9999, 12, 31)),
                )
            )
            parts.append(and_(mentioned, *days, *_channel(row), *_not_of(app_id, row)))
        if row.key.startswith(LISTED):
            parts.append(exists().where(i.app_id == app_id, i.irritant_id == row.id, i.verbatim_id == Verbatim.id))
    return or_(*parts) if parts else false()


def newest_members(
    app_id: int, rows: Sequence[Irritant], spans: dict[str, list[Span]], period: Span, most: int
) -> ColumnElement[bool]:
    """The condition on `verbatims` that they are among the newest of one of `rows` in a period, for quoting.

    At most the newest `most` of each topic or phrase are looked at, so that it costs the same whatever there is.
    """
    t, i = VerbatimTopic, IrritantVerbatim
    parts: list[ColumnElement[bool]] = []
    for row in rows:
        days = [t.day.between(*period), *_days(row, t.day, spans)]
        newest = [
            select(t.verbatim_id)
            .where(t.app_id == app_id, t.topic == topic, t.sentiment < 0, *days)
            .order_by(t.day.desc(), t.verbatim_id.desc())
            .limit(most)
            for topic in _topics(row)
        ]
        if newest:
            parts.append(and_(Verbatim.id.in_(union_all(*newest)), *_channel(row), *_not_of(app_id, row)))
        if row.key.startswith(LISTED):
            said = select(i.verbatim_id).where(i.app_id == app_id, i.irritant_id == row.id, i.day.between(*period))
            parts.append(Verbatim.id.in_(said.order_by(i.verbatim_id.desc()).limit(most)))
    return or_(*parts) if parts else false()


def _topics(row: Irritant) -> list[str]:
    return [key[6:] for key in row.keys if key.startswith("topic:")]


def _days(row: Irritant, day: InstrumentedAttribute[date], spans: dict[str, list[Span]]) -> list[ColumnElement[bool]]:
    """Its own days; a standing one leaves out those of the episodes of its keys."""
    found: list[ColumnElement[bool]] = [day >= row.began_day]
    if row.ended_day is not None:
        found.append(day <= row.ended_day)
    if row.standing:
        found += [~day.between(first, last) for key in row.keys for first, last in spans.get(key, ())]
    return found


def _channel(row: Irritant) -> list[ColumnElement[bool]]:
    """The channel where it emerged, if it was only one."""
    return [Verbatim.channel == row.channels[0]] if len(row.channels or ()) == 1 and not row.standing else []


def _not_of(app_id: int, row: Irritant) -> list[ColumnElement[bool]]:
    """Without the verbatims of the faults that were told apart from this irritant."""
    t, i = VerbatimTopic, IrritantVerbatim
    topics = [key[6:] for key in row.apart if key.startswith("topic:")]
    faults = [key for key in row.apart if key.startswith("fault:")]
    last = row.ended_day or date(9999, 12, 31)
    found: list[ColumnElement[bool]] = []
    if topics:
        theirs = select(t.verbatim_id).where(
            t.app_id == app_id, t.topic.in_(topics), t.sentiment < 0, t.day.between(row.began_day, last)
        )
        found.append(Verbatim.id.not_in(theirs))
    if faults:
        listed = (
            select(i.verbatim_id)
            .join(Irritant, (Irritant.app_id == i.app_id) & (Irritant.id == i.irritant_id))
            .where(i.app_id == app_id, Irritant.key.in_(faults), i.day.between(row.began_day, last))
        )
        found.append(Verbatim.id.not_in(listed))
    return found


def spans_of(rows: Sequence[Irritant]) -> dict[str, list[Span]]:
    """The days of every episode, by each of its keys."""
    found: dict[str, list[Span]] = {}
    for row in rows:
        if not row.standing:
            for key in row.keys:
                found.setdefault(key, []).append((row.began_day, row.ended_day or date(9999, 12, 31)))
    return found

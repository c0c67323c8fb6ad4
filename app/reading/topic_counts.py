"""Mentions of topics over a period of any length: whole weeks from the weekly counts, the days around them from the
daily ones. Two years of an app are a few thousand rows instead of a hundred thousand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, func, literal_column, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.reading.trends import Period, Slice
from models.rollups import DailyTopics, WeeklyTopics

Mentions = dict[tuple[str, str], tuple[int, int]]
"""By channel ("" for all of them together) and topic: mentions, and how many of them negative."""


def in_weeks(period: Period) -> tuple[Period | None, list[Period]]:
    """The whole weeks of a period, from a Monday to a Sunday, and the days before and after them."""
    first = period.first + timedelta(days=-period.first.weekday() % 7)
    last = period.last - timedelta(days=(period.last.weekday() + 1) % 7)
    if last < first:
        return None, [period]
    around = [
        Period(period.first, first - timedelta(days=1)) if first > period.first else None,
        Period(last + timedelta(days=1), period.last) if last < period.last else None,
    ]
    return Period(first, last), [edge for edge in around if edge]


def topic_counts(
    session: Session, spans: Sequence[tuple[Slice, Period]], *, by_channel: bool = False
) -> list[Mentions]:
    """Count the mentions of each part of an app in its period, in one statement."""
    found: list[Mentions] = [{} for _ in spans]
    parts = [query for number, (part, period) in enumerate(spans) for query in _parts(number, part, period, by_channel)]
    for number, channel, topic, n, negative in session.execute(union_all(*parts)):
        known = found[number].get((channel, topic), (0, 0))
        found[number][channel, topic] = (known[0] + int(n), known[1] + int(negative))
    return found


def _parts(number: int, part: Slice, period: Period, by_channel: bool) -> list[Select[*tuple[Any, ...]]]:
    weeks, days = in_weeks(period)
    return [
        *([_sums(number, part, WeeklyTopics, WeeklyTopics.week, weeks, by_channel)] if weeks else []),
        *(_sums(number, part, DailyTopics, DailyTopics.day, edge, by_channel) for edge in days),
    ]


def _sums(
    number: int,
    part: Slice,
    table: type[DailyTopics | WeeklyTopics],
    at: InstrumentedAttribute[date],
    span: Period,
    by_channel: bool,
) -> Select[*tuple[Any, ...]]:
    channel = table.channel if by_channel else literal_column("''")
    query: Select[*tuple[Any, ...]] = select(
        literal_column(str(number)), channel, table.topic, func.sum(table.n), func.sum(table.negative)
    ).where(table.app_id == part.app_id, at.between(span.first, span.last))
    if part.channel is not None:
        query = query.where(table.channel == part.channel)
    if part.version is not None:
        query = query.where(table.version == part.version)
    return query.group_by(table.topic, *([table.channel] if by_channel else []))


@dataclass(frozen=True, slots=True)
class TopicCount:
    """A topic's mentions in a period, how many negative, and how many negative in the period before it."""

    topic: str
    n: int
    negative: int
    negative_before: int


def topics(session: Session, part: Slice, period: Period, limit: int = 10) -> list[TopicCount]:
    """Topics by negative mentions, with the equally long period before beside it."""
    now, then = topic_counts(session, [(part, period), (part, _before(period))])
    return _ranked(
        {topic: found for (_, topic), found in now.items()}, {topic: n for (_, topic), (_, n) in then.items()}, limit
    )


def topics_by_channel(session: Session, app_id: int, period: Period, limit: int = 10) -> dict[str, list[TopicCount]]:
    """The same for every channel by itself."""
    part = Slice(app_id)
    now, then = topic_counts(session, [(part, period), (part, _before(period))], by_channel=True)
    return {
        name: _ranked(
            {topic: found for (channel, topic), found in now.items() if channel == name},
            {topic: negative for (channel, topic), (_, negative) in then.items() if channel == name},
            limit,
        )
        for name in {channel for channel, _ in now}
    }


def _before(period: Period) -> Period:
    return Period(period.first - timedelta(days=period.days), period.first - timedelta(days=1))


def _ranked(now: Mapping[str, tuple[int, int]], then: Mapping[str, int], limit: int) -> list[TopicCount]:
    ranked = sorted(now.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))[:limit]
    return [TopicCount(topic, n, bad, then.get(topic, 0)) for topic, (n, bad) in ranked if n]

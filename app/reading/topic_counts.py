"""Mentions of topics over a period of any length: whole weeks from the weekly counts, the days around them from the
daily ones. Two years of an app are a few thousand rows instead of a hundred thousand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.reading.trends import Period, Slice

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


Shape = tuple[int, bool, bool, bool]
"""A part of the statement: which span it counts, and whether by weeks, of one channel, of one version."""


# Written out, and once for each shape: made anew from its parts for every page it took longer than its answer. Each
# part has its own condition on days, so that the planner sees how few rows it is.
@lru_cache(maxsize=200)
def _statement(shapes: tuple[Shape, ...], by_channel: bool) -> TextClause:
    channel = "channel" if by_channel else "CAST('' AS text)"
    parts = [
        f"SELECT {number}, {channel}, topic, sum(n), sum(negative)"  # noqa: S608  names of ours
        f" FROM {'weekly_topics' if weekly else 'daily_topics'} WHERE app_id = :app_id"
        f" AND {'week' if weekly else 'day'} BETWEEN :first_{at} AND :last_{at}"
        + (f" AND channel = :channel_{at}" if one_channel else "")
        + (f" AND version = :version_{at}" if one_version else "")
        + f" GROUP BY topic{', channel' if by_channel else ''}"
        for at, (number, weekly, one_channel, one_version) in enumerate(shapes)
    ]
    return text(" UNION ALL ".join(parts))


def topic_counts(
    session: Session, spans: Sequence[tuple[Slice, Period]], *, by_channel: bool = False
) -> list[Mentions]:
    """Count the mentions of each part of an app in its period, in one statement. All parts are of the same app."""
    found: list[Mentions] = [{} for _ in spans]
    if not spans:
        return found
    (app_id,) = {part.app_id for part, _ in spans}
    given: dict[str, object] = {"app_id": app_id}
    shapes: list[Shape] = []
    for number, (part, period) in enumerate(spans):
        for weekly, each in _pieces(period):
            at = len(shapes)
            shapes.append((number, weekly, part.channel is not None, part.version is not None))
            told = {"first": each.first, "last": each.last, "channel": part.channel, "version": part.version}
            given |= {f"{name}_{at}": value for name, value in told.items() if value is not None}
    for number, channel, topic, n, negative in session.execute(_statement(tuple(shapes), by_channel), given):
        known = found[number].get((channel, topic), (0, 0))
        found[number][channel, topic] = (known[0] + int(n), known[1] + int(negative))
    return found


def _pieces(period: Period) -> list[tuple[bool, Period]]:
    """A period as its whole weeks (True) and the days around them (False)."""
    weeks, days = in_weeks(period)
    return [*([(True, weeks)] if weeks else []), *((False, edge) for edge in days)]


@dataclass(frozen=True, slots=True)
class TopicCount:
    """A topic's mentions in a period, how many negative, and how many negative in the period before it."""

    topic: str
    n: int
    negative: int
    negative_before: int


def topics(session: Session, part: Slice, period: Period, limit: int = 10) -> list[TopicCount]:
    """Topics by negative mentions, with the equally long period before beside it."""
    now, then = topic_counts(session, topic_spans(part, period))
    return ranked_topics(now, then, limit)


def topic_spans(part: Slice, period: Period) -> list[tuple[Slice, Period]]:
    """What `ranked_topics` needs counted: the period, and the equally long one before it."""
    return [(part, period), (part, _before(period))]


def ranked_topics(now: Mentions, then: Mentions, limit: int = 10) -> list[TopicCount]:
    """Topics by negative mentions, from the counts of `topic_spans`."""
    return _ranked(
        {topic: found for (_, topic), found in now.items()}, {topic: n for (_, topic), (_, n) in then.items()}, limit
    )


def ranked_by_channel(now: Mentions, then: Mentions, limit: int = 10) -> dict[str, list[TopicCount]]:
    """The same for every channel by itself, from counts by channel."""
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

"""The journey: steps of the taxonomy as columns, channels as rows; who speaks there, how, and what hurts."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import String, case, cast, func, select
from sqlalchemy.orm import Session

from analysis.taxonomy import taxonomy
from app.reading.irritants import Row, listed
from app.reading.topic_counts import topic_counts
from app.reading.trends import Period, Slice, channels
from models.feedback import Verbatim, VerbatimTopic
from models.rollups import DailyStars

COUNTED = 4_000
"""Verbatims of a period whose people are counted by step, from its raw rows (20 ms); where there are more, mentions."""


@dataclass(frozen=True, slots=True)
class TopicPart:
    """A topic of a cell: its mentions, and how many speak badly of it."""

    topic: str
    n: int
    negative: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A step on a channel. `n` counts mentions of its topics: one verbatim may speak of two.

    `people` are the different authors (a verbatim without one counts for one); None where they are not counted.
    """

    step: str
    channel: str
    topics: list[TopicPart]
    people: int | None = None

    @property
    def n(self) -> int:
        """Mentions of all its topics."""
        return sum(part.n for part in self.topics)

    @property
    def size(self) -> int:
        """People where they are counted, else mentions."""
        return self.n if self.people is None else self.people

    @property
    def negative(self) -> int:
        """Those that speak badly."""
        return sum(part.negative for part in self.topics)

    @property
    def mood(self) -> str:
        """good (at most a third speak badly), mixed (up to two thirds), bad, or none below five mentions."""
        if self.n < 5:
            return "none"
        share = self.negative / self.n
        return "bad" if share > 2 / 3 else "mixed" if share > 1 / 3 else "good"


@dataclass(frozen=True, slots=True)
class Journey:
    """Rows of cells by channel, in the order of the steps; irritants by step; verbatims by channel."""

    period: Period
    steps: list[str]
    channels: list[str]
    cells: dict[tuple[str, str], Cell]
    irritants: dict[str, list[Row]]
    totals: dict[str, int]
    by_people: bool = False
    """Whether every cell knows its people; a period of more than `COUNTED` verbatims does not."""

    def of_step(self, step: str) -> list[Cell]:
        """Its cells, one a channel."""
        return [self.cells[step, channel] for channel in self.channels]


def journey(session: Session, app_id: int, period: Period, language: str) -> Journey:
    """Read the map of a period from the counts."""
    steps = [step.id for step in taxonomy().steps]
    (mentioned,) = topic_counts(session, [(Slice(app_id), period)], by_channel=True)
    parts: dict[tuple[str, str], list[TopicPart]] = {}
    for (channel, topic), (n, negative) in sorted(mentioned.items()):
        known = taxonomy().topics.get(topic)
        if n:
            parts.setdefault((known.step if known else "whole_app", channel), []).append(TopicPart(topic, n, negative))
    found = channels(session, app_id)
    hurting: dict[str, list[Row]] = {}
    for row in listed(session, app_id, period, language, states=("emerging", "back", "ongoing", "fix_shipped")):
        hurting.setdefault(row.step, []).append(row)
    totals = _totals(session, app_id, period.first, period.last)
    by_people = sum(totals.values()) <= COUNTED
    who = _people(session, app_id, period) if by_people else {}
    return Journey(
        period=period,
        steps=steps,
        channels=found,
        cells={
            (step, channel): Cell(
                step,
                channel,
                sorted(parts.get((step, channel), []), key=lambda part: (-part.negative, -part.n)),
                who.get((step, channel), 0) if by_people else None,
            )
            for step in steps
            for channel in found
        },
        irritants=hurting,
        totals=totals,
        by_people=by_people,
    )


def _people(session: Session, app_id: int, period: Period) -> dict[tuple[str, str], int]:
    """Different people by step and channel, each once a step however many of its topics they speak of."""
    t, v = VerbatimTopic, Verbatim
    steps = {topic: known.step for topic, known in taxonomy().topics.items()}
    step = case(steps, value=t.topic, else_="whole_app")
    who = func.coalesce(v.person, v.author, cast(v.id, String))
    # Narrowed by time too (no zone is more than 14 hours off): its index finds few verbatims, that of topics would not.
    begin, end = (datetime.combine(day, time(), UTC) for day in (period.first, period.last))
    near = v.written_at.between(begin - timedelta(hours=15), end + timedelta(hours=39))
    each = (
        select(step.label("step"), v.channel.label("channel"), who.label("who"))
        .join(t, (v.app_id == t.app_id) & (v.id == t.verbatim_id))
        .where(v.app_id == app_id, near, t.day.between(period.first, period.last))
        .group_by(step, v.channel, who)
        .subquery()
    )
    rows = session.execute(select(each.c.step, each.c.channel, func.count()).group_by(each.c.step, each.c.channel))
    return {(step, channel): n for step, channel, n in rows}


def _totals(session: Session, app_id: int, first: date, last: date) -> dict[str, int]:
    query = select(DailyStars.channel, func.sum(DailyStars.n)).where(
        DailyStars.app_id == app_id, DailyStars.day.between(first, last)
    )
    return {channel: int(n) for channel, n in session.execute(query.group_by(DailyStars.channel))}

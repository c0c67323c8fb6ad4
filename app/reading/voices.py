"""All channels side by side: volume, people, sentiment, what hurts, NPS, times of tickets, hours of the week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from statistics import NormalDist
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, ColumnElement, Float, Integer, Time, case, cast, extract, func, literal_column, select
from sqlalchemy.orm import Session

from analysis.nps import Difference, Nps, Share, difference, nps, share
from app.reading.topic_counts import TopicCount, topic_counts, topics_by_channel
from app.reading.trends import Period, Slice
from models.feedback import SAMPLE, SAMPLED, Verbatim
from models.rollups import DailyHours, DailyStars
from models.voices import SurveyAnswer, Ticket

COMPARED = ("survey", "app_store", "google_play")
"""The representative channel, and the loud ones."""
FEWEST = 30
"""Texts that each side needs before two are compared."""
By = Literal["wave", "segment", "version"]


@dataclass(frozen=True, slots=True)
class People:
    """How many people wrote how many messages, and from how many of these nothing tells who wrote them.

    `estimated`: the people are an estimate, from one person in 64; everything else is counted.
    """

    people: int
    messages: int
    unknown: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel in a period. `negative` is the share of its texts with its interval."""

    channel: str
    people: People
    negative: Share | None
    topics: list[TopicCount]


def _days(period: Period, zone: str) -> list[ColumnElement[bool]]:
    """The days of a period, and the moments around them, which have an index."""
    local = ZoneInfo(zone)
    first = datetime.combine(period.first, time(), local)
    last = datetime.combine(period.last + timedelta(days=1), time(), local)
    return [Verbatim.written_at >= first, Verbatim.written_at < last]


COUNTED = 8_000
"""Messages of a period whose people are counted one by one; where there are more, they are estimated."""
STORES = ("app_store", "google_play")
OTHERS = "channel NOT IN ('app_store', 'google_play')"  # as the index says it


def people(session: Session, app_id: int, period: Period, zone: str) -> tuple[dict[str, People], People]:
    """People by channel, and over all channels, where one who is known by a key counts once.

    A person is known by a key across channels, else as an author within one channel; who is neither is unknown. In a
    period of more than `COUNTED` messages, people of the stores, and over all, are estimated from a sample of people
    (within 10 % at ten thousand messages, 2 % at three hundred thousand); smaller channels are still counted.
    """
    d = DailyStars
    written = select(d.channel, func.sum(d.n)).where(d.app_id == app_id, d.day.between(period.first, period.last))
    messages = {channel: int(n) for channel, n in session.execute(written.group_by(d.channel)) if n}
    within = [Verbatim.app_id == app_id, *_days(period, zone)]
    nameless = [*within, Verbatim.person.is_(None), Verbatim.author.is_(None)]
    unknown: dict[str, int] = dict(
        session.execute(select(Verbatim.channel, func.count()).where(*nameless).group_by(Verbatim.channel)).all()
    )
    few = sum(messages.values()) <= COUNTED
    factor = 1 if few else SAMPLE
    known, over_all = _known_people(session, within if few else [*within, literal_column(SAMPLED, Boolean)])
    found = {
        channel: People(known.get(channel, 0) * factor, n, unknown.get(channel, 0), not few)
        for channel, n in messages.items()
    }
    if not few:
        for channel, n in messages.items():
            if channel not in STORES and n <= COUNTED:
                other = [*within, Verbatim.channel == channel, literal_column(OTHERS, Boolean)]
                counted, _ = _known_people(session, other)
                found[channel] = People(counted.get(channel, 0), n, unknown.get(channel, 0))
    everybody = People(over_all * factor, sum(messages.values()), sum(unknown.values()), not few)
    return found, everybody


def _known_people(session: Session, where: Sequence[ColumnElement[bool]]) -> tuple[dict[str, int], int]:
    """Different people of these verbatims by channel, and over all."""
    known = func.coalesce(Verbatim.person, Verbatim.author)
    # Grouped before it is counted: hashing is several times quicker than sorting for each distinct count.
    each = (
        select(Verbatim.channel.label("channel"), known.label("known"))
        .where(*where, known.is_not(None))
        .group_by(Verbatim.channel, known)
        .cte("each")
    )
    by_channel: dict[str, int] = dict(
        session.execute(select(each.c.channel, func.count()).group_by(each.c.channel)).all()
    )
    once = select(each.c.known).group_by(each.c.known).subquery()
    return by_channel, session.scalar(select(func.count()).select_from(once)) or 0


def channel_rows(session: Session, app_id: int, period: Period, zone: str) -> tuple[list[ChannelRow], People]:
    """Every channel that said something in the period, the loudest first, and the people over all of them."""
    who, everybody = people(session, app_id, period, zone)
    counted = session.execute(
        select(DailyStars.channel, func.sum(DailyStars.n), func.sum(DailyStars.negative))
        .where(DailyStars.app_id == app_id, DailyStars.day.between(period.first, period.last))
        .group_by(DailyStars.channel)
    )
    hurting = topics_by_channel(session, app_id, period, limit=3)
    rows = [
        ChannelRow(
            channel,
            who.get(channel, People(0, int(n), int(n))),
            share(int(negative), int(n)),
            hurting.get(channel, []),
        )
        for channel, n, negative in counted
        if n
    ]
    return sorted(rows, key=lambda row: (-row.people.messages, row.channel)), everybody


@dataclass(frozen=True, slots=True)
class NpsRow:
    """The score of one part of the answers; `part` is "" for all of them or where the survey tells none."""

    part: str
    nps: Nps


def nps_rows(session: Session, app_id: int, period: Period, by: By | None = None) -> list[NpsRow]:
    """NPS over all surveys of a period: all waves combined, or by wave (the newest first), segment or version.

    One answer counts per respondent and wave.
    """
    part = {"wave": SurveyAnswer.wave, "segment": SurveyAnswer.segment, "version": SurveyAnswer.version}
    key = part[by] if by else SurveyAnswer.type
    rows = session.execute(
        select(
            key,
            func.count().filter(SurveyAnswer.score >= 9),
            func.count().filter(SurveyAnswer.score.between(7, 8)),
            func.count().filter(SurveyAnswer.score <= 6),
        )
        .where(*_answers(app_id, period), SurveyAnswer.type == "nps")
        .group_by(key)
    )
    found = [
        NpsRow(name if by else "", score)
        for name, up, even, down in rows
        if (score := nps(int(up), int(even), int(down))) is not None
    ]
    if by == "wave":
        return sorted(found, key=lambda row: row.part, reverse=True)
    return sorted(found, key=lambda row: (-row.nps.n, row.part))


def _answers(app_id: int, period: Period) -> list[ColumnElement[bool]]:
    return [SurveyAnswer.app_id == app_id, SurveyAnswer.day.between(period.first, period.last)]


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The share of satisfied answers: a declared yes, or the two highest steps of the scale."""

    type: str
    low: int
    high: int
    share: Share


def satisfaction(session: Session, app_id: int, period: Period) -> list[Satisfaction]:
    """Satisfied, CSAT and effort answers of a period, each scale by itself: different scales are never averaged."""
    top = case(
        (SurveyAnswer.type == "satisfied", SurveyAnswer.score >= 1), else_=SurveyAnswer.score >= SurveyAnswer.high - 1
    )
    rows = session.execute(
        select(SurveyAnswer.type, SurveyAnswer.low, SurveyAnswer.high, func.sum(cast(top, Integer)), func.count())
        .where(*_answers(app_id, period), SurveyAnswer.type != "nps")
        .group_by(SurveyAnswer.type, SurveyAnswer.low, SurveyAnswer.high)
        .order_by(SurveyAnswer.type, SurveyAnswer.low, SurveyAnswer.high)
    )
    return [Satisfaction(kind, low, high, found) for kind, low, high, yes, n in rows if (found := share(int(yes), n))]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A topic that weighs differently in the survey and in the stores: shares of texts that speak of it badly."""

    topic: str
    survey: Share
    stores: Share
    difference: Difference


def disagreements(session: Session, app_id: int, period: Period) -> tuple[list[Disagreement], int, int]:
    """Topics whose share differs beyond noise, the widest first; and the texts of the survey and of the stores.

    All topics are looked at, so the intervals are widened (Bonferroni): one false topic in twenty looks.
    """
    between = DailyStars.day.between(period.first, period.last)
    texts = dict.fromkeys(("survey", "stores"), 0)
    for channel, n in session.execute(
        select(DailyStars.channel, func.sum(DailyStars.n))
        .where(DailyStars.app_id == app_id, between, DailyStars.channel.in_(COMPARED))
        .group_by(DailyStars.channel)
    ):
        texts[_side(channel)] += int(n)
    survey, stores = texts["survey"], texts["stores"]
    if min(survey, stores) < FEWEST:
        return [], survey, stores
    counts: dict[str, dict[str, int]] = {}
    (mentioned,) = topic_counts(session, [(Slice(app_id), period)], by_channel=True)
    for (channel, topic), (_, n) in mentioned.items():
        if channel in COMPARED:
            told = counts.setdefault(topic, dict.fromkeys(("survey", "stores"), 0))
            told[_side(channel)] += n
    widened = _widened(len(counts))
    found = []
    for topic, told in counts.items():
        one, other = share(told["survey"], survey), share(told["stores"], stores)
        assert one is not None, "both sides have texts"
        assert other is not None, "both sides have texts"
        apart = difference(one, other, widened)
        if apart.proven:
            found.append(Disagreement(topic, one, other, apart))
    return sorted(found, key=lambda each: -abs(each.difference.difference)), survey, stores


def _widened(looks: int) -> float:
    """How much wider than one 95 % interval, so that all of them hold together."""
    return NormalDist().inv_cdf(1 - 0.025 / max(1, looks)) / NormalDist().inv_cdf(0.975)


def _side(channel: str) -> str:
    return "survey" if channel == "survey" else "stores"


@dataclass(frozen=True, slots=True)
class TicketTimes:
    """The tickets of a channel that were opened in a period. Times are hours, median and the slowest tenth."""

    channel: str
    n: int
    deleted: int
    open: int
    unanswered: int
    answer_median: float | None
    answer_slow: float | None
    resolve_median: float | None
    resolve_slow: float | None
    satisfied: Share | None


def ticket_times(session: Session, app_id: int, period: Period) -> list[TicketTimes]:
    """How quickly tickets are answered and resolved; deleted ones are counted apart, and nowhere else."""
    answered = cast(extract("epoch", Ticket.first_answer_at - Ticket.created_at), Float) / 3600
    resolved = cast(extract("epoch", Ticket.resolved_at - Ticket.created_at), Float) / 3600
    there = Ticket.deleted_at.is_(None)
    rows = session.execute(
        select(
            Ticket.channel,
            func.count().filter(there),
            func.count().filter(~there),
            func.count().filter(there, Ticket.resolved_at.is_(None), Ticket.status.not_in(("closed", "solved"))),
            func.count().filter(there, Ticket.first_answer_at.is_(None)),
            *(
                func.percentile_cont(at).within_group(hours).filter(there)
                for hours in (answered, resolved)
                for at in (0.5, 0.9)
            ),
            func.count().filter(there, Ticket.satisfied.is_(True)),
            func.count().filter(there, Ticket.satisfied.is_not(None)),
        )
        .where(Ticket.app_id == app_id, Ticket.day.between(period.first, period.last))
        .group_by(Ticket.channel)
        .order_by(Ticket.channel)
    )
    return [
        TicketTimes(channel, n, gone, still, silent, a50, a90, r50, r90, share(int(yes), int(given)))
        for channel, n, gone, still, silent, a50, a90, r50, r90, yes, given in rows
    ]


HOURS = 3
"""Hours of one column of the week."""


LAST_MESSAGES = 50
"""Of a channel's newest messages, so many tell whether it knows hours."""


def without_hours(session: Session, app_id: int, channels: Sequence[str], zone: str) -> list[str]:
    """Of these channels, those that tell days only: most of their newest messages came at midnight to the second.

    A file whose column has dates and no times would else make midnight the busiest hour of the week.
    """
    found = []
    local = func.timezone(zone, Verbatim.written_at)
    for channel in channels:
        of_it = [Verbatim.app_id == app_id, Verbatim.channel == channel]
        newest = (
            select(cast(local, Time).label("hour"))
            .where(*of_it, *([] if channel in STORES else [literal_column(OTHERS, Boolean)]))
            .order_by(Verbatim.written_at.desc(), Verbatim.id.desc())
            .limit(LAST_MESSAGES)
            .subquery()
        )
        n, midnight = session.execute(
            select(func.count(), func.count().filter(newest.c.hour == time())).select_from(newest)
        ).one()
        if n and midnight > n / 2:
            found.append(channel)
    return found


def week(
    session: Session, app_id: int, period: Period, channel: str | None = None, without: Sequence[str] = ()
) -> list[list[int]]:
    """Messages by weekday (Monday first) and by three hours of the day, in the app's time; `without` these channels."""
    d = DailyHours
    weekday = extract("isodow", d.day)
    query = select(weekday, d.part, func.sum(d.n)).where(d.app_id == app_id, d.day.between(period.first, period.last))
    if channel is not None:
        query = query.where(d.channel == channel)
    if without:
        query = query.where(d.channel.not_in(without))
    table = [[0] * (24 // HOURS) for _ in range(7)]
    for day, part, n in session.execute(query.group_by(weekday, d.part)):
        table[int(day) - 1][part] += int(n)
    return table


def busiest(table: Sequence[Sequence[int]]) -> tuple[int, int] | None:
    """The weekday and the three hours with the most messages; None where there are none."""
    n, day, hour = max((n, -day, -hour) for day, row in enumerate(table) for hour, n in enumerate(row))
    return (-day, -hour) if n else None

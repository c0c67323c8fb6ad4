"""All channels side by side: volume, people, sentiment, what hurts, NPS, times of tickets, hours of the week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from statistics import NormalDist
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Time,
    cast,
    extract,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Session

from analysis.nps import Difference, Nps, Share, difference, nps, share
from app.reading.topic_counts import Mentions, TopicCount, ranked_by_channel, topic_counts, topic_spans
from app.reading.trends import Period, Slice
from models.feedback import SAMPLE, SAMPLED, Verbatim
from models.rollups import DailyAnswers, DailyHours, DailyStars, DailyTickets

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
    (standard error 7 % at twelve thousand people, 4 % at forty thousand, docs/decisions.md); smaller channels are
    still counted.
    """
    return _people(session, app_id, period, zone, said(session, app_id, period))


@dataclass(frozen=True, slots=True)
class Said:
    """How many messages a channel has in a period, and how many of them are negative."""

    n: int
    negative: int


def said(session: Session, app_id: int, period: Period) -> dict[str, Said]:
    """Count the messages of every channel that has any in a period."""
    d = DailyStars
    query = select(d.channel, func.sum(d.n), func.sum(d.negative)).where(
        d.app_id == app_id, d.day.between(period.first, period.last)
    )
    rows = session.execute(query.group_by(d.channel).order_by(d.channel))
    return {channel: Said(int(n), int(negative)) for channel, n, negative in rows if n}


def _people(
    session: Session, app_id: int, period: Period, zone: str, told: Mapping[str, Said]
) -> tuple[dict[str, People], People]:
    messages = {channel: each.n for channel, each in told.items()}
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
    once = select(each.c.known).group_by(each.c.known).subquery()
    by_channel = select(each.c.channel, func.count()).group_by(each.c.channel)
    over_all = select(null(), func.count()).select_from(once)
    found = {channel: int(n) for channel, n in session.execute(union_all(by_channel, over_all))}
    return {channel: n for channel, n in found.items() if channel is not None}, found[None]


@dataclass(frozen=True, slots=True)
class Channels:
    """Every channel that said something in a period, the loudest first, the people over all of them, and mentions."""

    rows: list[ChannelRow]
    everybody: People
    said: dict[str, Said]
    mentions: Mentions


def channels(session: Session, app_id: int, period: Period, zone: str) -> Channels:
    """Read the channels of a period."""
    told = said(session, app_id, period)
    who, everybody = _people(session, app_id, period, zone, told)
    now, then = topic_counts(session, topic_spans(Slice(app_id), period), by_channel=True)
    hurting = ranked_by_channel(now, then, limit=3)
    rows = [
        ChannelRow(channel, who[channel], share(each.negative, each.n), hurting.get(channel, []))
        for channel, each in told.items()
    ]
    rows.sort(key=lambda row: (-row.people.messages, row.channel))
    return Channels(rows, everybody, told, now)


@dataclass(frozen=True, slots=True)
class NpsRow:
    """The score of one part of the answers; `part` is "" for all of them or where the survey tells none."""

    part: str
    nps: Nps


@dataclass(frozen=True, slots=True)
class _Answers:
    """The answers of one scale, wave, segment and version: how many are high, even, low (as NPS has it), satisfied."""

    type: str
    low: int
    high: int
    wave: str
    segment: str
    version: str
    n: int
    up: int
    even: int
    down: int
    satisfied: int


Answers = list[_Answers]


def answers(session: Session, app_id: int, period: Period) -> Answers:
    """The counts of the answers of a period, read once for scores of every part and every scale."""
    a = DailyAnswers
    keys = (a.type, a.low, a.high, a.wave, a.segment, a.version)
    counts = (func.sum(each) for each in (a.n, a.up, a.even, a.down, a.satisfied))
    rows = session.execute(
        select(*keys, *counts).where(a.app_id == app_id, a.day.between(period.first, period.last)).group_by(*keys)
    )
    return [_Answers(*row) for row in rows]


def nps_rows(
    session: Session, app_id: int, period: Period, by: By | None = None, counted: Answers | None = None
) -> list[NpsRow]:
    """NPS over all surveys of a period: all waves combined, or by wave (the newest first), segment or version.

    One answer counts per respondent and wave. `counted` are the `answers` of the period, where the caller has them.
    """
    parts: dict[str, tuple[int, int, int]] = {}
    for one in answers(session, app_id, period) if counted is None else counted:
        if one.type == "nps":
            up, even, down = parts.get(name := getattr(one, by) if by else "", (0, 0, 0))
            parts[name] = (up + one.up, even + one.even, down + one.down)
    found = [NpsRow(name, score) for name, told in parts.items() if (score := nps(*told)) is not None]
    if by == "wave":
        return sorted(found, key=lambda row: row.part, reverse=True)
    return sorted(found, key=lambda row: (-row.nps.n, row.part))


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The share of satisfied answers: a declared yes, or the two highest steps of the scale."""

    type: str
    low: int
    high: int
    share: Share


def satisfaction(session: Session, app_id: int, period: Period, counted: Answers | None = None) -> list[Satisfaction]:
    """Satisfied, CSAT and effort answers of a period, each scale by itself: different scales are never averaged."""
    scales: dict[tuple[str, int, int], tuple[int, int]] = {}
    for one in answers(session, app_id, period) if counted is None else counted:
        if one.type != "nps":
            yes, n = scales.get(key := (one.type, one.low, one.high), (0, 0))
            scales[key] = (yes + one.satisfied, n + one.n)
    return [Satisfaction(*key, found) for key, (yes, n) in sorted(scales.items()) if (found := share(yes, n))]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A topic that weighs differently in the survey and in the stores: shares of texts that speak of it badly."""

    topic: str
    survey: Share
    stores: Share
    difference: Difference


def disagreements(
    session: Session, app_id: int, period: Period, known: Channels | None = None
) -> tuple[list[Disagreement], int, int]:
    """Topics whose share differs beyond noise, the widest first; and the texts of the survey and of the stores.

    All topics are looked at, so the intervals are widened (Bonferroni): one false topic in twenty looks. `known` are
    the channels of the period, where the caller has read them.
    """
    texts = dict.fromkeys(("survey", "stores"), 0)
    for channel, each in (known.said if known else said(session, app_id, period)).items():
        if channel in COMPARED:
            texts[_side(channel)] += each.n
    survey, stores = texts["survey"], texts["stores"]
    if min(survey, stores) < FEWEST:
        return [], survey, stores
    counts: dict[str, dict[str, int]] = {}
    mentioned = known.mentions if known else topic_counts(session, [(Slice(app_id), period)], by_channel=True)[0]
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
    t = DailyTickets
    columns: list[ColumnElement[Any]] = [
        *(func.sum(each) for each in (t.n, t.deleted, t.open, t.unanswered)),
        *(func.string_agg(each, cast(b"", BYTEA), type_=BYTEA) for each in (t.answered, t.resolved)),
        *(func.sum(each) for each in (t.satisfied, t.judged)),
    ]
    rows = session.execute(
        select(t.channel, *columns)
        .where(t.app_id == app_id, t.day.between(period.first, period.last))
        .group_by(t.channel)
        .order_by(t.channel)
    )
    return [
        TicketTimes(channel, n, gone, still, silent, *_hours(answered), *_hours(resolved), share(int(yes), int(given)))
        for channel, n, gone, still, silent, answered, resolved, yes, given in rows
    ]


def _hours(seconds: bytes | None) -> tuple[float | None, float | None]:
    """The median and the slowest tenth, in hours, of seconds as big-endian numbers of four bytes."""
    if not seconds:
        return None, None
    middle, slow = (np.percentile(np.frombuffer(seconds, ">i4"), (50, 90)) / 3600).tolist()
    return middle, slow


HOURS = 3
"""Hours of one column of the week."""


LAST_MESSAGES = 50
"""Of a channel's newest messages, so many tell whether it knows hours."""


def without_hours(session: Session, app_id: int, channels: Sequence[str], zone: str) -> list[str]:
    """Of these channels, those that tell days only: most of their newest messages came at midnight to the second.

    A file whose column has dates and no times would else make midnight the busiest hour of the week.
    """
    if not channels:
        return []
    local = cast(func.timezone(zone, Verbatim.written_at), Time)
    parts = []
    for channel in channels:
        of_it = [Verbatim.app_id == app_id, Verbatim.channel == channel]
        newest = (
            select(local.label("hour"))
            .where(*of_it, *([] if channel in STORES else [literal_column(OTHERS, Boolean)]))
            .order_by(Verbatim.written_at.desc(), Verbatim.id.desc())
            .limit(LAST_MESSAGES)
            .subquery()
        )
        midnight = func.count().filter(newest.c.hour == time())
        parts.append(select(literal(channel), func.count(), midnight).select_from(newest))
    return [channel for channel, n, midnight in session.execute(union_all(*parts)) if n and midnight > n / 2]


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

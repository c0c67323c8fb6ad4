"""Channels: who speaks where, of what, and where the survey and the stores do not say the same."""

import re
from datetime import date, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from app.api.shapes import Day, Text
from app.auth import allow
from app.db import DB
from app.i18n import Words
from app.pages.common import find_app, render, words_of
from app.reading import trends, voices
from app.reading.apps import today
from app.reading.topics import topic_name

router = APIRouter(dependencies=[allow("viewer", change="editor")])
SPANS = (28, 90, 365)
MONDAY = date(2024, 1, 1)


@router.get("/apps/{app_id}/channels")
def page(
    app_id: int,
    request: Request,
    session: DB,
    days: Annotated[int, Query(ge=7, le=3660)] = 90,
    until: Day | None = None,
    channel: Text | None = None,
) -> HTMLResponse:
    """The channels side by side, NPS with its margin, the disagreements, times of tickets, the hours of the week."""
    app = find_app(session, app_id)
    words = words_of(request, app)
    now = today(app)
    last = until or now
    period = trends.Period(last - timedelta(days=days - 1), last)
    every = voices.channels(session, app_id, period, app.timezone)
    rows = every.rows
    found, survey, stores = voices.disagreements(session, app_id, period, every)
    counted = voices.answers(session, app_id, period)
    score = voices.nps_rows(session, app_id, period, counted=counted)
    dateless = [] if channel else voices.without_hours(session, app_id, [row.channel for row in rows], app.timezone)
    table = voices.week(session, app_id, period, channel or None, without=dateless)
    parts = {by: voices.nps_rows(session, app_id, period, by, counted) for by in ("wave", "segment", "version")}
    return render(
        request,
        "channels.html",
        words,
        app=app,
        tab="channels",
        today=now,
        period=period,
        days=days,
        spans=SPANS,
        until=until,
        channel=channel or None,
        headline=headline(words, rows, found),
        rows=rows,
        everybody=every.everybody,
        nps=score[0].nps if score else None,
        nps_parts={by: told for by, told in parts.items() if any(row.part for row in told)},
        satisfaction=voices.satisfaction(session, app_id, period, counted),
        disagreements=found,
        texts=(survey, stores),
        fewest=voices.FEWEST,
        times=voices.ticket_times(session, app_id, period),
        week=_week(words, table),
        dateless=words.listed([words.name("channel", name) for name in dateless]),
        part_name=partial(part_name, words),
        busiest=_busiest(words, table),
    )


def part_name(words: Words, part: str, by: str) -> str:
    """A wave by month or quarter as one says it; any other name as it is, never broken at its dashes."""
    if by == "wave" and (month := re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", part)):
        return words.whole_month(date(int(month[1]), int(month[2]), 1))
    if by == "wave" and (quarter := re.fullmatch(r"(\d{4})-?Q([1-4])", part)):
        key = "channels.quarter_first" if quarter[2] == "1" else "channels.quarter"
        return words.t(key, n=quarter[2], year=quarter[1])
    return part.replace("-", "\u2011")


def headline(words: Words, rows: list[voices.ChannelRow], found: list[voices.Disagreement]) -> str:
    """What the channels say together, in a sentence."""
    if found:
        widest = found[0]
        return words.t(
            "channels.disagree",
            topic=topic_name(widest.topic, words.language),
            survey=words.share(widest.survey.share),
            stores=words.share(widest.stores.share),
        )
    if not rows:
        return words.t("channels.silent")
    if len(rows) == 1:
        return words.t("channels.one", channel=words.name("channel", rows[0].channel))
    return words.t("channels.several", count=words.spelled(len(rows)), channel=words.name("channel", rows[0].channel))


def _week(words: Words, table: list[list[int]]) -> list[tuple[str, list[tuple[int, int]]]]:
    """Each weekday with its counts and how dark each is drawn (0 to 4)."""
    most = max(max(row) for row in table) or 1
    return [
        (
            words.weekday(MONDAY + timedelta(days=day)),
            [(n, 0 if n == 0 else 1 + min(3, 4 * n // (most + 1))) for n in row],
        )
        for day, row in enumerate(table)
    ]


def _busiest(words: Words, table: list[list[int]]) -> str:
    place = voices.busiest(table)
    if place is None:
        return ""
    day, hour = place
    first = hour * voices.HOURS
    return words.t(
        "channels.busiest", day=words.weekday(MONDAY + timedelta(days=day)), first=first, last=first + voices.HOURS
    )

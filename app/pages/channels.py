"""Channels: who speaks where, of what, and where the survey and the stores do not say the same."""

from datetime import date, timedelta
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
    rows, everybody = voices.channel_rows(session, app_id, period, app.timezone)
    found, survey, stores = voices.disagreements(session, app_id, period)
    score = voices.nps_rows(session, app_id, period)
    table = voices.week(session, app_id, period, channel or None)
    parts = {by: voices.nps_rows(session, app_id, period, by) for by in ("wave", "segment", "version")}
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
        everybody=everybody,
        nps=score[0].nps if score else None,
        nps_parts={by: told for by, told in parts.items() if any(row.part for row in told)},
        satisfaction=voices.satisfaction(session, app_id, period),
        disagreements=found,
        texts=(survey, stores),
        fewest=voices.FEWEST,
        times=voices.ticket_times(session, app_id, period),
        week=_week(words, table),
        busiest=_busiest(words, table),
    )


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

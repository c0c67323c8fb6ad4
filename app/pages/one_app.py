"""One app: how it stands, where it goes, what people say."""

from datetime import date, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from app.api.shapes import Day, Text
from app.auth import allow
from app.db import DB
from app.pages.changes import since_release
from app.pages.common import find_app, render, words_of
from app.pages.drawing import star_chart
from app.pages.headlines import app_headline
from app.pages.stability_part import percent, stability_part
from app.reading import incidents, irritants, sources, topic_counts, trends, verbatims, versions
from app.reading.apps import listings, today

router = APIRouter(dependencies=[allow("viewer", change="editor")])
SPANS = (90, 365, 730)


@router.get("/apps/{app_id}")
def page(
    app_id: int,
    request: Request,
    session: DB,
    days: Annotated[int, Query(ge=7, le=3660)] = 365,
    until: Day | None = None,
    channel: Text | None = None,
) -> HTMLResponse:
    """The star trend with its releases and holes, then versions, topics and the newest telling verbatims."""
    app = find_app(session, app_id)
    words = words_of(request, app)
    now = today(app)
    seen = trends.known_days(session, app_id)
    last_seen = seen.last if seen else None
    last = until or _last_shown(now, last_seen, days)
    first = last - timedelta(days=days - 1)
    if seen and first < seen.first <= last - timedelta(days=27):
        first = seen.first  # a young app's chart begins with its first review
    period = trends.Period(first, last)
    month = trends.Period(last - timedelta(days=27), last)
    part = trends.Slice(app_id, channel=channel or None)
    trend = trends.star_trend(session, part, period)
    open_ones = [incident for incident, _ in incidents.find(session, app_id=app_id, states=("open", "acknowledged"))]
    strongest = max(open_ones, key=lambda incident: incident.score, default=None)
    month_n, month_stars = trends.total(session, part, month)
    topics = topic_counts.topics(session, part, month)
    stable = stability_part(words, session, app, last, channel or None, now)
    past = trends.Period(month.first - timedelta(days=28), month.first - timedelta(days=1))
    pair = versions.newest_pair(session, app_id, last, channel or None) if seen else None
    born = irritants.newborn(session, app_id, pair.this.released, words.language, last) if pair else []
    return render(
        request,
        "app.html",
        words,
        app=app,
        tab="overview",
        today=now,
        period=period,
        month=month,
        before=past,
        before_stars=trends.total(session, part, past)[1],
        pair=pair,
        changes=since_release(words, app_id, pair, born, channel or None) if pair and pair.this.n else None,
        days=days,
        spans=SPANS,
        until=until,
        channel=channel or None,
        channels=trends.channels(session, app_id),
        headline=app_headline(words, strongest, month_stars, 28, now),
        incident=strongest,
        open_incidents=len(open_ones),
        trend=trend,
        chart=star_chart(words, session, trend, part, app.name, now),
        month_n=month_n,
        month_stars=month_stars,
        versions=trends.versions(session, part, period),
        topics=topics,
        telling=verbatims.telling(session, app_id, trends.Period(date(2000, 1, 1), last)),
        ratings=trends.store_ratings(session, app_id),
        sources=sources.states(session, app_id),
        listings=listings(session, app_id),
        stability=stable,
        percent=partial(percent, words),
        last_seen=last_seen,
    )


def _last_shown(now: date, last_seen: date | None, days: int) -> date:
    """Today, or the last day with a verbatim where nothing is newer than the whole period (an old import)."""
    if last_seen is not None and (now - last_seen).days >= days:
        return last_seen
    return now

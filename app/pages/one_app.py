"""One app: how it stands, where it goes, what people say."""

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from app.api.shapes import Day, Text
from app.auth import allow
from app.db import DB
from app.pages.changes import since_release
from app.pages.common import find_app, render, words_of
from app.pages.drawing import every, star_chart
from app.pages.headlines import app_headline
from app.pages.stability_part import between, percent, stability_part
from app.reading import day_counts, sources, topic_counts, trends, verbatims
from app.reading.day_counts import by_bucket
from app.reading.launches import first_days, marks
from app.reading.overview import MONTH, overview

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
    found = overview(session, app, words.language, days=days, until=until, channel=channel or None, charted=True)
    now, period, month, pair = found.today, found.period, found.month, found.pair
    part = trends.Slice(app_id, channel=channel or None)
    way = every(found.n, MONTH, period.days)
    trend = trends.star_trend(session, part, period, way, by_bucket(found.counts, period, way))
    doubted = {one.version for one in found.line if one.doubted}
    sure = [one for one in found.releases if one.version not in doubted]
    stable = stability_part(words, session, app, found.crashes, channel or None, now, sure)
    releases = marks(found.line, trend.period.first, trend.period.last)
    return render(
        request,
        "app.html",
        words,
        app=app,
        tab="overview",
        today=now,
        period=period,
        month=month,
        before=found.before,
        before_stars=found.stars_before,
        pair=pair,
        changes=since_release(words, app_id, pair, found.born, channel or None, now) if pair and pair.this.n else None,
        days=days,
        spans=SPANS,
        until=until,
        channel=channel or None,
        channels=found.channels,
        headline=app_headline(
            words, found.incident, found.stars, MONTH, now, found.back, found.seen is None, found.called
        ),
        incident=found.incident,
        called=found.called,
        open_incidents=found.open_incidents,
        trend=trend,
        chart=star_chart(words, session, trend, part, app.name, now, marks=releases),
        month_n=found.n,
        month_stars=found.stars,
        versions=day_counts.versions(found.counts, period, first_days(found.releases)),
        topics=topic_counts.topics(session, part, month),
        telling=verbatims.telling(session, app_id, trends.Period(date(2000, 1, 1), found.last)),
        ratings=trends.store_ratings(session, app_id),
        sources=sources.last_runs(session, app_id),
        stability=stable,
        percent=partial(percent, words),
        between=partial(between, words),
        last_seen=found.seen.last if found.seen else None,
    )

"""Irritants: what hurts, since which release, how many people and how many rating points; and one of them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup, escape

from analysis.taxonomy import taxonomy
from app import clock
from app import irritant_decisions as decisions
from app.api.filters import known
from app.api.shapes import OptionalText, RowId, Text
from app.auth import allow
from app.charts import Labels
from app.db import DB
from app.errors import not_found
from app.i18n import Words
from app.irritant_counts import count
from app.lines import LINES_NARROW, LINES_WIDE, Line, share_lines
from app.pages.common import find_app, go, masked, render, words_of
from app.reading import irritants, trends
from app.reading.apps import today
from app.reading.irritants import STATES, Detail, Row
from app.reading.launches import launches
from app.reading.trends import Period
from models.releases import Release

router = APIRouter(dependencies=[allow("viewer", change="editor")])
SPANS = (28, 84, 365)
Short = OptionalText
FRESH = 7
CROWD = timedelta(days=14)
"""Within which two labels of a chart touch."""


@router.get("/apps/{app_id}/irritants")
def page(
    app_id: int,
    request: Request,
    session: DB,
    days: Annotated[int, Query(ge=7, le=730)] = 84,
    state: Short = None,
    channel: Short = None,
    version: Short = None,
    step: Short = None,
) -> HTMLResponse:
    """Ranked by rating points at stake; filters by state, channel, version and step."""
    app = find_app(session, app_id)
    words = words_of(request, app)
    now = today(app)
    period = Period(now - timedelta(days=days - 1), now)
    kept = {"state": state, "channel": channel, "version": version, "step": step}
    found = irritants.listed(
        session,
        app_id,
        period,
        words.language,
        states=(state,) if state in STATES else (),
        channel=channel,
        version=known(version),
        step=step,
    )
    taxo = taxonomy()
    return render(
        request,
        "irritants.html",
        words,
        app=app,
        tab="irritants",
        today=now,
        period=period,
        days=days,
        spans=SPANS,
        kept={name: value for name, value in kept.items() if value is not None},
        headline=headline(words, found, now),
        rows=found,
        states=[(one, words.name("irritant_state", one)) for one in STATES],
        channels=[(one, words.name("channel", one)) for one in trends.channels(session, app_id)],
        versions=[(one.version, one.version) for one in reversed(launches(session, app_id, now)[-40:])],
        steps=[(one.id, taxo.step_name(one.id, words.language)) for one in taxo.steps],
        step_name=lambda one: taxo.step_name(one, words.language),
        counting=(known(version), channel),
        exported=urlencode(
            [
                ("from", period.first),
                ("to", period.last),
                ("language", words.language),
                *((name, value) for name, value in kept.items() if value is not None),
            ]
        ),
    )


def headline(words: Words, rows: list[Row], now: date) -> str:
    """How many were born this week, else what hurts most."""
    since = now - timedelta(days=FRESH)
    fresh = [row for row in rows if not row.standing and row.state in {"emerging", "back"} and row.state_since > since]
    if fresh:
        return words.t("irritants.born", n=len(fresh), count=words.spelled(len(fresh)), name=fresh[0].name)
    if rows:
        return words.t("irritants.calm", name=rows[0].name)
    return words.t("irritants.none")


@router.get("/apps/{app_id}/irritants/{irritant_id}")
def one(
    app_id: RowId,
    irritant_id: RowId,
    request: Request,
    session: DB,
    days: Annotated[int, Query(ge=28, le=730)] = 180,
) -> HTMLResponse:
    """Its trend with the releases, who meets it where, what they say, what it was before, and its life."""
    app = find_app(session, app_id)
    words = words_of(request, app)
    now = today(app)
    period = Period(now - timedelta(days=days - 1), now)
    detail = irritants.one(session, app_id, irritant_id, period, words.language)
    if detail is None:
        raise not_found("irritant")
    releases = trends.releases(session, app_id, period)
    return render(
        request,
        "irritant.html",
        words,
        app=app,
        tab="irritants",
        today=now,
        period=period,
        detail=detail,
        row=detail.row,
        headline=_sentence(words, detail.row),
        chart=_chart(words, detail, _marks(detail.row, trends.release_marks(releases)), app.name),
        fixes=_versions_since(releases, detail),
        weeks=_weeks(detail),
        quotes=[(quote, told(quote.text, quote.marks, words)) for quote in detail.quotes],
        others=detail.others,
        step=taxonomy().step_name(detail.row.step, words.language),
    )


def _versions_since(releases: Sequence[Release], detail: Detail) -> list[str]:
    """The versions that may have mended it, newest first."""
    since = detail.row.began_day
    later = [one.version for one in releases if one.day > since and one.version != detail.row.began_version]
    kept = [detail.given_fix] if detail.given_fix else []
    return list(dict.fromkeys([*later, *kept]))


def _marks(row: Row, marks: list[tuple[date, str]]) -> list[tuple[date, str]]:
    """The releases on its chart: those that began and mend it keep their labels, the others make room."""
    own = {version: day for day, version in marks if version and version in (row.began_version, row.fixed_version)}
    began, fixed = own.get(row.began_version), own.get(row.fixed_version)
    close = began is not None and fixed is not None and abs(fixed - began) < CROWD
    found = []
    for day, version in marks:
        if close and version == row.began_version:
            found.append((day, f"{version} → {row.fixed_version}"))
        elif (close and version == row.fixed_version) or (
            version not in own and any(abs(day - other) < CROWD for other in own.values())
        ):
            found.append((day, ""))
        else:
            found.append((day, version))
    return found


def _sentence(words: Words, row: Row) -> str:
    """Its name, since when."""
    if row.standing:
        return words.t("irritant.standing", name=row.name)
    told = {"name": row.name, "day": words.day(row.began_day), "version": row.began_version}
    return words.t("irritant.since_version" if row.began_version else "irritant.since", **told)


def told(text: str, marks: tuple[tuple[int, int], ...], words: Words) -> Markup:
    """A quote with its telling words marked."""
    parts, at = [], 0
    for start, end in marks:
        parts += [masked(text[at:start], words), Markup("<mark>{}</mark>").format(escape(text[start:end]))]
        at = end
    return Markup("").join([*parts, masked(text[at:], words)])


def _weeks(detail: Detail) -> list[tuple[Period, int, int]]:
    """Its verbatims and all, by seven days, the last ones ending today."""
    days = detail.days[len(detail.days) % 7 :]
    found = []
    for at in range(0, len(days), 7):
        week = days[at : at + 7]
        found.append((Period(week[0][0], week[-1][0]), sum(day[1] for day in week), sum(day[2] for day in week)))
    return found


def _chart(words: Words, detail: Detail, marks: list[tuple[date, str]], name: str) -> dict[str, str]:
    """Its share of all verbatims by week, with the interval of a share."""
    weeks = _weeks(detail)
    if not weeks or not any(n for _, n, _ in weeks):
        return {}
    shares = [n / of if of else None for _, n, of in weeks]
    bands = [1.96 * ((n + 1) * (of - n + 1)) ** 0.5 / (of + 2) ** 1.5 if of else None for _, n, of in weeks]
    labels = Labels(
        words.t("irritant.chart", name=detail.row.name, app=name),
        words.t("irritant.chart_description", share=words.share(shares[-1] or 0), n=weeks[-1][1]),
        words.share,
        words.short_day,
        words.month,
    )
    line = Line("", "accent", shares, bands)
    return {
        size: share_lines([line], weeks[0][0].first, 7, releases=marks, labels=labels, size=frame)
        for size, frame in (("wide", LINES_WIDE), ("narrow", LINES_NARROW))
    }


@router.post("/apps/{app_id}/irritants/{irritant_id}/name")
def rename(
    app_id: RowId,
    irritant_id: RowId,
    request: Request,
    session: DB,
    name: Annotated[Text, Form(max_length=200)] = "",
) -> RedirectResponse:
    """Call it by a name that is never overwritten; an empty one gives it ours again."""
    decisions.rename(session, decisions.find(session, app_id, irritant_id), name, actor=request.state.actor)
    return go(f"/apps/{app_id}/irritants/{irritant_id}", "saved")


@router.post("/apps/{app_id}/irritants/{irritant_id}/fix")
def fix(
    app_id: RowId,
    irritant_id: RowId,
    request: Request,
    session: DB,
    version: Annotated[Text, Form(max_length=100)] = "",
) -> RedirectResponse:
    """Say which release mends it; an empty one leaves that to the notes and the counts."""
    row = decisions.find(session, app_id, irritant_id)
    decisions.mark_fixed(session, row, version, actor=request.state.actor)
    return go(f"/apps/{app_id}/irritants/{irritant_id}", "saved")


@router.post("/apps/{app_id}/irritants/{irritant_id}/merge")
def merge(
    app_id: RowId, irritant_id: RowId, request: Request, session: DB, into: Annotated[int, Form(ge=1, lt=2**63)]
) -> RedirectResponse:
    """Let another one speak for it."""
    row, other = (decisions.find(session, app_id, ident) for ident in (irritant_id, into))
    decisions.merge(session, row, other, actor=request.state.actor)
    count(session, app_id, today(find_app(session, app_id)), clock.now())
    return go(f"/apps/{app_id}/irritants/{into}", "saved")


@router.post("/apps/{app_id}/irritants/{irritant_id}/unmerge")
def unmerge(app_id: RowId, irritant_id: RowId, request: Request, session: DB) -> RedirectResponse:
    """Let it speak for itself again."""
    decisions.unmerge(session, decisions.find(session, app_id, irritant_id), actor=request.state.actor)
    count(session, app_id, today(find_app(session, app_id)), clock.now())
    return go(f"/apps/{app_id}/irritants/{irritant_id}", "saved")

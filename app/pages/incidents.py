"""Incidents: what, since when, how strong, how often such an alert comes by chance; and what people did about it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from alerts.groups import same_elsewhere
from alerts.votes import tally
from alerts.wording import chance_sentence, lead
from app import clock
from app.api.shapes import Text
from app.auth import allow
from app.db import DB
from app.decisions import cast_vote, decide
from app.errors import not_found
from app.pages import links
from app.pages.common import find_app, go, render, words_of
from app.pages.drawing import every, star_chart
from app.pages.headlines import FADING, LANES, incident_title, last_seen, subject_name, told_title
from app.reading import incidents, verbatims
from app.reading.apps import today
from app.reading.called import names
from app.reading.trends import Period, Slice, star_trend
from app.reading.verbatims import Filters
from app.timeline import event_detail
from models.incidents import Incident, IncidentEvent

router = APIRouter(dependencies=[allow("viewer", change="editor")])
OPEN = ("open", "acknowledged")
SIGNALS = {"supported", "added_up", "updated"}
"""Lines of the timeline that come again and again while an incident is open: told once, with a count."""


@router.get("/incidents")
def everywhere(request: Request, session: DB, before: UUID | None = None) -> HTMLResponse:
    """The incidents of all apps."""
    return _list(request, session, None, before)


@router.get("/apps/{app_id}/incidents")
def of_app(app_id: int, request: Request, session: DB, before: UUID | None = None) -> HTMLResponse:
    """The incidents of one app."""
    return _list(request, session, app_id, before)


def _list(request: Request, session: DB, app_id: int | None, before: UUID | None) -> HTMLResponse:
    app = find_app(session, app_id) if app_id is not None else None
    words = words_of(request, app)
    live = [] if before else incidents.find(session, app_id=app_id, states=OPEN, limit=200)
    over = incidents.find(session, app_id=app_id, states=("resolved",), before=before, limit=31)
    called = names(session, [one for one, _ in (*live, *over)])
    return render(
        request,
        "incidents.html",
        words,
        app=app,
        tab="incidents",
        headline=words.t("incidents.open", n=len(live), count=words.spelled(len(live)))
        if live
        else words.t("incidents.calm"),
        live=live,
        over=over[:30],
        next_url=f"{request.url.path}?before={over[29][0].id}" if len(over) > 30 else None,
        title_of=lambda incident: incident_title(words, incident, called),
        before=before,
    )


@router.get("/incidents/{incident_id}")
def page(incident_id: UUID, request: Request, session: DB) -> HTMLResponse:
    """One incident with its evidence, its timeline and its deliveries."""
    story = incidents.story(session, incident_id)
    if story is None:
        raise not_found("incident")
    words = words_of(request, story.app)
    part = Slice(story.app.id, _channel(story.incident.subject))
    around = incidents.around(story.incident, today(story.app))
    trend = star_trend(session, part, around, "day")
    if every(sum(bucket.n for bucket in trend.buckets), around.days, around.days):
        trend = star_trend(session, part, around, "week")
    lane = story.incident.rule in LANES
    quotes = incidents.quotes(story.incident.evidence)
    ids = [quote["id"] for quote in quotes if isinstance(quote.get("id"), int)]
    return render(
        request,
        "incident.html",
        words,
        app=story.app,
        tab="incidents",
        today=today(story.app),
        story=story,
        runs=folded(story.events),
        incident=story.incident,
        headline=incident_title(words, story.incident, story.names),
        subject=subject_name(words, story.incident.subject),
        window=_period(story.incident.evidence.get("window")),
        behind=partial(_behind, story.incident),
        before=lambda period: links.reviews(story.app.id, period.first, period.last, channel=part.channel),
        faded=_faded(story.incident, today(story.app)),
        baseline=_period(story.incident.evidence.get("baseline")),
        channel=_channel(story.incident.subject),
        detail_of=lambda detail: event_detail(words, detail, story.called),
        told=lambda one: told_title(words, one["rule"], one["subject"], one["effect"], story.called),
        trend=trend,
        chart=star_chart(words, session, trend, part, story.app.name, around.last),
        silenced=_silenced(story.incident),
        votes=tally(session, story.app.id, incident_id),
        elsewhere=same_elsewhere(session, story.incident),
        chance=chance_sentence(story.incident, words.language),
        lead=lead(story.incident, words.language) if _told(story.incident) and not lane else "",
        measured=not lane,
        lines=verbatims.by_ids(session, story.app.id, ids),
    )


def folded(events: Sequence[IncidentEvent]) -> list[list[IncidentEvent]]:
    """The timeline with the signals that confirm it as one run from opening to opening; all else stays a line each."""
    runs: list[list[IncidentEvent]] = []
    signals: dict[str, list[IncidentEvent]] = {}
    for event in events:
        if event.kind in {"opened", "reopened"}:
            signals = {}
        if event.kind in SIGNALS and event.kind in signals:
            signals[event.kind].append(event)
            continue
        runs.append([event])
        if event.kind in SIGNALS:
            signals[event.kind] = runs[-1]
    return runs


def _told(incident: Incident) -> bool:
    return _period(incident.evidence.get("window")) is not None


def _period(given: object) -> Period | None:
    """The days that evidence names by `from` and `to`."""
    if not isinstance(given, dict):
        return None
    try:
        return Period(date.fromisoformat(given["from"]), date.fromisoformat(given["to"]))
    except (KeyError, TypeError, ValueError):
        return None


def _channel(subject: str) -> str | None:
    kind, _, rest = subject.partition(":")
    return rest.partition(":")[0] if kind in {"channel", "storefront"} else None


def _behind(incident: Incident, period: Period) -> str:
    """The list of the verbatims that a rule looked at, in the days that it saw."""
    kind, _, rest = incident.subject.partition(":")
    found = Filters(incident.app_id, channel=_channel(incident.subject), first=period.first, last=period.last)
    if incident.rule == "unanswered":
        found = replace(found, stars=(1, 2), replied=False)
    elif incident.rule == "urgent":
        found = replace(found, urgent=True)
    elif kind == "keyword":
        found = replace(found, text=f'"{rest}"')
    elif kind == "topic":
        found = replace(found, topic=rest, topic_negative=True)
    elif kind == "version":
        channel, _, version = rest.rpartition(":")
        found = replace(found, version=version, channel=channel or None)
    elif kind == "storefront":
        found = replace(found, storefront=rest.partition(":")[2] or None)
    return links.of_filters(found)


def _faded(incident: Incident, now: date) -> date | None:
    """When an incident was last seen, where that is some days ago and it is still open."""
    seen = last_seen(incident)
    return seen if incident.state != "resolved" and seen < now - FADING else None


def _silenced(incident: Incident) -> bool:
    return incident.silenced_until is not None and incident.silenced_until > clock.now()


@router.post("/incidents/{incident_id}/{action}")
def act(
    incident_id: UUID,
    action: Literal["acknowledge", "silence", "unsilence", "resolve", "reopen", "useful", "not_useful"],
    request: Request,
    session: DB,
    days: Annotated[int, Form(ge=1, le=90)] = 7,
    note: Annotated[Text, Form(max_length=500)] = "",
) -> RedirectResponse:
    """What a person decides about an incident."""
    incident = incidents.one(session, incident_id, lock=True)
    if incident is None:
        raise not_found("incident")
    if action == "useful" or action == "not_useful":  # noqa: PLR1714  so that the types follow
        cast_vote(session, incident, useful=action == "useful", actor=request.state.actor)
        return go(f"/incidents/{incident_id}", "voted")
    done = {"acknowledge": "acknowledged", "silence": "silenced", "resolve": "resolved", "reopen": "reopened"}
    done["unsilence"] = "unsilenced"
    base_url = request.app.state.settings.base_url
    decide(session, incident, action, actor=request.state.actor, base_url=base_url, days=days, note=note)
    return go(f"/incidents/{incident_id}", done[action])

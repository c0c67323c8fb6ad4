"""Incidents: what opened, its story, and what people decide about it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from alerts.groups import same_elsewhere
from alerts.votes import tally
from alerts.wording import chance_sentence, lead
from app.api import csv
from app.api.deliveries import DeliveryOut
from app.api.shapes import Body, Text
from app.auth import allow
from app.db import DB
from app.decisions import Decision, cast_vote, decide
from app.errors import not_found
from app.i18n import Words, choose_language
from app.pages.headlines import incident_title
from app.reading import incidents as reading
from app.reading.called import Names, names
from app.timeline import as_markdown, timeline
from models.incidents import Incident

router = APIRouter(tags=["incidents"], dependencies=[allow("viewer", change="editor")])


class IncidentOut(BaseModel):
    """One episode of one rule on one subject."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    app_id: int
    rule: str
    subject: str
    state: str
    severity: str
    origin: str
    opened_at: datetime
    opened_day: date
    updated_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    silenced_until: datetime | None
    resolved_at: datetime | None
    last_above_day: date
    baseline_to: date | None
    score: float
    peak_score: float
    effect: dict[str, Any]
    evidence: dict[str, Any]


class CalledOut(BaseModel):
    """The irritant that an incident is about, as its page calls it now; without an `id` it has no page yet."""

    model_config = ConfigDict(from_attributes=True)
    id: int | None
    topic: str
    name_fr: str = Field(validation_alias="fr")
    name_en: str = Field(validation_alias="en")
    path: str = Field(description="its page")


class EventOut(BaseModel):
    """A line of the timeline."""

    model_config = ConfigDict(from_attributes=True)
    at: datetime
    kind: str
    actor: str
    detail: dict[str, Any]


class Votes(BaseModel):
    """How many people found it worth being told, and how many did not."""

    model_config = ConfigDict(from_attributes=True)
    useful: int
    not_useful: int


class IncidentLine(IncidentOut):
    """With its fact in a sentence."""

    title: str
    irritant: CalledOut | None


class Elsewhere(BaseModel):
    """The same trouble in another app."""

    id: UUID
    app_id: int
    app: str


class IncidentStory(IncidentLine):
    """With its timeline, oldest first, and its deliveries; sentences are in the reader's language (Accept-Language)."""

    lead: str = Field(description="since when and which version")
    chance: str = Field(description="how often such an alert comes by chance")
    elsewhere: list[Elsewhere]
    verbatims: list[int] = Field(description="those that show it: ids of the app's reviews")
    votes: Votes
    timeline: list[EventOut]
    deliveries: list[DeliveryOut]


class Incidents(BaseModel):
    """The last opened first."""

    items: list[IncidentLine]
    next: UUID | None = Field(description="give it as `before` for the next page")


class Note(Body):
    """Words for the timeline, if any."""

    note: Annotated[Text, Field(max_length=500)] = ""


class Vote(Body):
    """Whether it was worth being told."""

    useful: bool


class Silence(Note):
    """How long to send nothing."""

    days: Annotated[int, Field(ge=1, le=90)] = 7


@router.get("/incidents")
def list_incidents(
    request: Request,
    session: DB,
    app_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    state: Annotated[list[Literal["open", "acknowledged", "resolved"]] | None, Query()] = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Incidents:
    """Incidents of all apps, or of one."""
    found = reading.find(session, app_id=app_id, states=state or (), before=before, limit=limit + 1)
    following = found[limit - 1][0].id if len(found) > limit else None
    words = Words(choose_language(request.cookies.get("lang"), request.headers.get("accept-language")))
    called = names(session, [one for one, _ in found[:limit]])
    return Incidents(items=[_line(words, one, called) for one, _ in found[:limit]], next=following)


def _line(words: Words, one: Incident, called: Names) -> IncidentLine:
    known = called.get(one.id)
    return IncidentLine(
        **IncidentOut.model_validate(one).model_dump(),
        title=incident_title(words, one, called),
        irritant=CalledOut.model_validate(known) if known else None,
    )


class TimelineOut(BaseModel):
    """A line of the story, deliveries included."""

    model_config = ConfigDict(from_attributes=True)
    at: datetime
    what: str
    by: str
    detail: str


class Timeline(BaseModel):
    """The oldest first."""

    items: list[TimelineOut]


def _story(session: DB, incident_id: UUID) -> reading.Story:
    story = reading.story(session, incident_id)
    if story is None:
        raise not_found("incident")
    return story


def _words(request: Request, story: reading.Story) -> Words:
    language = choose_language(request.cookies.get("lang"), request.headers.get("accept-language"))
    return Words(language, story.app.timezone)


@router.get("/incidents/{incident_id}/timeline")
def get_timeline(incident_id: UUID, request: Request, session: DB) -> Timeline:
    """The story in the reader's language (Accept-Language)."""
    story = _story(session, incident_id)
    lines = timeline(_words(request, story), story)
    return Timeline(items=[TimelineOut.model_validate(line) for line in lines])


@router.get("/incidents/{incident_id}/timeline.csv", response_class=StreamingResponse)
def get_timeline_csv(
    incident_id: UUID, request: Request, session: DB, separator: csv.Separator = "comma"
) -> StreamingResponse:
    """The same as CSV."""
    story = _story(session, incident_id)
    lines = timeline(_words(request, story), story)
    rows = [(line.at.isoformat(), line.what, line.by, line.detail) for line in lines]
    return csv.answer(f"incident-{incident_id}", ("at", "what", "by", "detail"), rows, separator)


@router.get("/incidents/{incident_id}/timeline.md", response_class=PlainTextResponse)
def get_timeline_markdown(incident_id: UUID, request: Request, session: DB) -> PlainTextResponse:
    """The same as a Markdown document, for a post-mortem."""
    story = _story(session, incident_id)
    disposition = {"Content-Disposition": f'attachment; filename="incident-{incident_id}.md"'}
    text = as_markdown(_words(request, story), story)
    return PlainTextResponse(text, media_type="text/markdown; charset=utf-8", headers=disposition)


@router.get("/incidents/{incident_id}")
def get_incident(incident_id: UUID, request: Request, session: DB) -> IncidentStory:
    """One incident with its whole story."""
    story = _story(session, incident_id)
    words = _words(request, story)
    own = _line(words, story.incident, story.names).model_dump()
    own["irritant"] = CalledOut.model_validate(story.called) if story.called else None
    quoted = [quote.get("id") for quote in reading.quotes(story.incident.evidence)]
    return IncidentStory(
        **own,
        lead=lead(story.incident, words.language) if story.incident.evidence.get("window") else "",
        chance=chance_sentence(story.incident, words.language),
        elsewhere=[
            Elsewhere(id=other.id, app_id=app.id, app=app.name)
            for other, app in same_elsewhere(session, story.incident)
        ],
        verbatims=[number for number in quoted if isinstance(number, int)],
        votes=Votes.model_validate(tally(session, story.app.id, incident_id)),
        timeline=[EventOut.model_validate(event) for event in story.events],
        deliveries=[DeliveryOut.model_validate(delivery) for delivery, _ in story.deliveries],
    )


def _decide(request: Request, session: DB, incident_id: UUID, what: Decision, body: Note, days: int = 7) -> IncidentOut:
    incident: Incident | None = reading.one(session, incident_id)
    if incident is None:
        raise not_found("incident")
    base_url = request.app.state.settings.base_url
    actor = request.state.actor
    changed = decide(session, incident, what, actor=actor, base_url=base_url, days=days, note=body.note)
    return IncidentOut.model_validate(changed)


@router.post("/incidents/{incident_id}/acknowledge")
def acknowledge(incident_id: UUID, request: Request, session: DB, body: Note | None = None) -> IncidentOut:
    """Say that somebody looks after it."""
    return _decide(request, session, incident_id, "acknowledge", body or Note())


@router.post("/incidents/{incident_id}/silence")
def silence(incident_id: UUID, request: Request, session: DB, body: Silence | None = None) -> IncidentOut:
    """Send nothing about it for some days."""
    body = body or Silence()
    return _decide(request, session, incident_id, "silence", body, body.days)


@router.post("/incidents/{incident_id}/unsilence")
def unsilence(incident_id: UUID, request: Request, session: DB, body: Note | None = None) -> IncidentOut:
    """End a silence before its time."""
    return _decide(request, session, incident_id, "unsilence", body or Note())


@router.post("/incidents/{incident_id}/resolve")
def resolve(incident_id: UUID, request: Request, session: DB, body: Note | None = None) -> IncidentOut:
    """Close it by hand; those who were told are told that it is over."""
    return _decide(request, session, incident_id, "resolve", body or Note())


@router.post("/incidents/{incident_id}/reopen")
def reopen(incident_id: UUID, request: Request, session: DB, body: Note | None = None) -> IncidentOut:
    """Open it again."""
    return _decide(request, session, incident_id, "reopen", body or Note())


@router.post("/incidents/{incident_id}/vote")
def vote(incident_id: UUID, body: Vote, request: Request, session: DB) -> Votes:
    """Say whether it was worth being told; a person's last vote counts. This measures the rule's precision."""
    incident = reading.one(session, incident_id)
    if incident is None:
        raise not_found("incident")
    return Votes.model_validate(cast_vote(session, incident, useful=body.useful, actor=request.state.actor))

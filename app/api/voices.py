"""The channels side by side, NPS, where the survey and the stores disagree, times of tickets, hours of the week."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.apps import app_or_404
from app.api.filters import OptionalDay
from app.api.shapes import OptionalText, RowId
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.reading import voices
from app.reading.apps import today
from app.reading.trends import Period

router = APIRouter(tags=["voices"], dependencies=[allow("viewer", change="editor")])
LONGEST = 3700


def read_period(
    app_id: RowId,
    session: DB,
    first: Annotated[OptionalDay, Query(alias="from")] = None,
    last: Annotated[OptionalDay, Query(alias="to")] = None,
) -> tuple[int, str, Period]:
    """The app, its time zone and the days asked for: the last ninety by default."""
    app = app_or_404(session, app_id)
    last = last or today(app)
    first = first or last - timedelta(days=89)
    if first > last:
        raise Problem(422, f"The first day ({first}) is after the last ({last}).", where="query.from")
    if (last - first).days > LONGEST:
        raise Problem(422, "Ask for ten years at most.", where="query.from")
    return app.id, app.timezone, Period(first, last)


Asked = Annotated[tuple[int, str, Period], Depends(read_period)]


class Model(BaseModel):
    """Read from the reading functions' results."""

    model_config = ConfigDict(from_attributes=True)


class PeopleOut(Model):
    """People, messages, and messages of which nothing tells who wrote them."""

    people: int
    messages: int
    unknown: int = Field(description="messages without any key or author: people among them are not counted")
    estimated: bool = Field(description="people are estimated from a sample: there are very many messages")


class ShareOut(Model):
    """A share (0 to 1) with its 95 % interval."""

    share: float
    low: float
    high: float
    count: int
    n: int


class VoiceTopicOut(Model):
    """A topic's mentions, and the negative ones."""

    topic: str
    n: int
    negative: int


class VoiceChannelOut(Model):
    """One channel in the period."""

    channel: str
    people: PeopleOut
    negative: ShareOut | None
    topics: list[VoiceTopicOut]


class Channels(BaseModel):
    """The loudest first. `people` counts one who is known by a key in several channels once."""

    items: list[VoiceChannelOut]
    people: PeopleOut


class NpsOut(BaseModel):
    """Net promoter score (−100 to 100) ± `margin` (95 %), and the answers behind it."""

    part: str = Field(description="the wave, segment or version; empty for all, or where the survey tells none")
    score: float
    margin: float
    n: int = Field(description="answers: promoters, passives and detractors")
    promoters: int
    passives: int
    detractors: int


class SatisfactionOut(Model):
    """The share of satisfied answers on one scale (its two highest steps, or a declared yes)."""

    type: str
    low: int
    high: int
    share: ShareOut


class NpsList(BaseModel):
    """Waves newest first, other parts by size; one answer counts per respondent and wave."""

    items: list[NpsOut]
    satisfaction: list[SatisfactionOut]


class DifferenceOut(Model):
    """A difference of shares (−1 to 1), with an interval widened for the number of topics looked at."""

    difference: float
    low: float
    high: float


class DisagreementOut(Model):
    """A topic that weighs differently: shares of texts that speak of it badly."""

    topic: str
    survey: ShareOut
    stores: ShareOut
    difference: DifferenceOut


class Disagreements(BaseModel):
    """The widest first; nothing is compared below thirty texts on either side."""

    items: list[DisagreementOut]
    survey_texts: int
    store_texts: int


class TicketTimesOut(Model):
    """Tickets opened in the period; hours, as median and as what the slowest tenth exceeds."""

    channel: str
    n: int
    deleted: int
    open: int
    unanswered: int
    answer_median: float | None
    answer_slow: float | None
    resolve_median: float | None
    resolve_slow: float | None
    satisfied: ShareOut | None


class TicketTimesList(BaseModel):
    """By channel."""

    items: list[TicketTimesOut]


class Week(BaseModel):
    """Messages by weekday (Monday first) and by three hours of the day (from midnight), in the app's time zone."""

    rows: list[list[int]]


@router.get("/apps/{app_id}/channels")
def channels(asked: Asked, session: DB) -> Channels:
    """Every channel: people, messages, share of negative texts, what hurts most."""
    app_id, zone, period = asked
    every = voices.channels(session, app_id, period, zone)
    return Channels(
        items=[VoiceChannelOut.model_validate(row) for row in every.rows],
        people=PeopleOut.model_validate(every.everybody),
    )


@router.get("/apps/{app_id}/nps")
def net_promoter_score(asked: Asked, session: DB, by: Literal["all", "wave", "segment", "version"] = "all") -> NpsList:
    """NPS with its margin of error, and satisfaction, of all waves together or by wave, segment or version."""
    app_id, _, period = asked
    counted = voices.answers(session, app_id, period)
    rows = voices.nps_rows(session, app_id, period, None if by == "all" else by, counted)
    return NpsList(
        items=[NpsOut(part=row.part, n=row.nps.n, **asdict(row.nps)) for row in rows],
        satisfaction=[
            SatisfactionOut.model_validate(row) for row in voices.satisfaction(session, app_id, period, counted)
        ],
    )


@router.get("/apps/{app_id}/disagreements")
def disagreements(asked: Asked, session: DB) -> Disagreements:
    """Where the survey and the stores disagree."""
    app_id, _, period = asked
    found, survey, stores = voices.disagreements(session, app_id, period)
    return Disagreements(
        items=[DisagreementOut.model_validate(row) for row in found], survey_texts=survey, store_texts=stores
    )


@router.get("/apps/{app_id}/ticket-times")
def ticket_times(asked: Asked, session: DB) -> TicketTimesList:
    """How quickly tickets are answered and resolved."""
    app_id, _, period = asked
    rows = voices.ticket_times(session, app_id, period)
    return TicketTimesList(items=[TicketTimesOut.model_validate(row) for row in rows])


@router.get("/apps/{app_id}/hours")
def hours(asked: Asked, session: DB, channel: OptionalText = None) -> Week:
    """When people write."""
    app_id, _, period = asked
    return Week(rows=voices.week(session, app_id, period, channel))

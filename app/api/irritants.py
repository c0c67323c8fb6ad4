"""Irritants: what hurts, since which release, how many people, how many rating points; and what people decide."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from app import clock
from app import irritant_decisions as decisions
from app.api.apps import app_or_404
from app.api.filters import known
from app.api.shapes import Body, OptionalText, RowId, Text
from app.api.trends import Days
from app.auth import allow
from app.db import DB
from app.errors import not_found
from app.irritant_counts import count
from app.reading import irritants as reading
from app.reading.apps import today

router = APIRouter(tags=["irritants"], dependencies=[allow("viewer", change="editor")])
State = Literal["emerging", "ongoing", "fix_shipped", "gone", "back"]


class IrritantOut(BaseModel):
    """Complaints under one name. Counts are of the period asked for."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str
    given: bool = Field(description="named by a person")
    state: State
    state_since: date
    standing: bool = Field(description="complained of all the time: no release began it")
    began_day: date
    began_version: str
    fixed_version: str
    ended_day: date | None
    channels: list[str]
    topics: list[str]
    phrase: str = Field(description="where no topic covers it")
    step: str
    n: int
    share: float = Field(description="of all verbatims of the period")
    people: int = Field(description="distinct authors over its last 84 days")
    unknown: int = Field(description="verbatims of those days without an author")
    points: float | None = Field(description="by how much the mean star would rise without it")
    trend: list[int]
    score: float
    share_before: float
    share_peak: float
    merged_into: int | None


class Irritants(BaseModel):
    """Most rating points first."""

    items: list[IrritantOut]


class QuoteOut(BaseModel):
    """A typical verbatim; `marks` are the telling words, as (start, end) in `text`."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    text: str
    stars: int | None
    version: str
    channel: str
    storefront: str
    day: date
    marks: list[tuple[int, int]]


class PartOut(BaseModel):
    """A version or a channel: its verbatims of this irritant, of all of them."""

    model_config = ConfigDict(from_attributes=True)
    value: str
    n: int
    of: int


class LifeOut(BaseModel):
    """A line of its life."""

    model_config = ConfigDict(from_attributes=True)
    day: date
    kind: str
    actor: str
    detail: dict[str, Any]


class DaysOut(BaseModel):
    """Both included."""

    model_config = ConfigDict(from_attributes=True)
    first: date
    last: date


class EffectShareOut(BaseModel):
    """Its share of the verbatims before and after, and their ratio with its 95 % interval."""

    model_config = ConfigDict(from_attributes=True)
    before: float
    after: float
    ratio: float
    low: float
    high: float
    moved: int = Field(description="-1 it fell, 1 it rose, 0 no more than chance does")


class FixOut(BaseModel):
    """What its fix did to its share: against the version where it began (`that`), else before and after by days."""

    model_config = ConfigDict(from_attributes=True)
    version: str
    that: str
    before: DaysOut
    after: DaysOut
    change: EffectShareOut


class IrritantDetail(BaseModel):
    """All of one irritant."""

    model_config = ConfigDict(from_attributes=True)
    row: IrritantOut
    phrases: list[str]
    summary: str
    fix_announced: bool
    given_fix: str = Field(description="the release that a person said mends it")
    fix: FixOut | None
    noticed_day: date
    days: list[tuple[date, int, int]] = Field(description="day, its verbatims, all verbatims")
    versions: list[PartOut]
    by_channel: list[PartOut]
    quotes: list[QuoteOut]
    similar: list[IrritantOut]
    merged: list[IrritantOut]
    life: list[LifeOut]


class Naming(Body):
    """A name; empty for Cocoon's own."""

    name: Annotated[Text, Field(max_length=200)]


class Fixing(Body):
    """The release that mends it; empty leaves that to the notes and the counts."""

    version: Annotated[Text, Field(max_length=100)]


class Merging(Body):
    """The irritant that speaks for both."""

    into: Annotated[int, Field(ge=1, lt=2**63)]


Tongue = Annotated[Literal["fr", "en"], Query(description="of the names")]


@router.get("/apps/{app_id}/irritants")
def list_irritants(
    app_id: RowId,
    period: Days,
    session: DB,
    state: Annotated[list[State] | None, Query()] = None,
    channel: OptionalText = None,
    version: OptionalText = None,
    step: OptionalText = None,
    language: Tongue = "fr",
) -> Irritants:
    """Irritants that somebody spoke of in the period."""
    found = reading.listed(
        session, app_id, period, language, states=state or (), channel=channel, version=known(version), step=step
    )
    return Irritants(items=[IrritantOut.model_validate(row) for row in found])


@router.get("/apps/{app_id}/irritants/{irritant_id}")
def get_irritant(
    app_id: RowId, irritant_id: RowId, period: Days, session: DB, language: Tongue = "fr"
) -> IrritantDetail:
    """One irritant with its days, verbatims and life."""
    found = reading.one(session, app_id, irritant_id, period, language)
    if found is None:
        raise not_found("irritant")
    return IrritantDetail.model_validate(found)


@router.put("/apps/{app_id}/irritants/{irritant_id}/name", status_code=204)
def rename_irritant(app_id: RowId, irritant_id: RowId, body: Naming, request: Request, session: DB) -> None:
    """Call it by a name that is never overwritten."""
    decisions.rename(session, decisions.find(session, app_id, irritant_id), body.name, actor=request.state.actor)


@router.put("/apps/{app_id}/irritants/{irritant_id}/fix", status_code=204)
def fix_irritant(app_id: RowId, irritant_id: RowId, body: Fixing, request: Request, session: DB) -> None:
    """Say which release mends it; what it did is then measured."""
    row = decisions.find(session, app_id, irritant_id)
    decisions.mark_fixed(session, row, body.version, actor=request.state.actor)


@router.post("/apps/{app_id}/irritants/{irritant_id}/merge", status_code=204)
def merge_irritant(app_id: RowId, irritant_id: RowId, body: Merging, request: Request, session: DB) -> None:
    """Make it part of another one."""
    row, into = (decisions.find(session, app_id, ident) for ident in (irritant_id, body.into))
    decisions.merge(session, row, into, actor=request.state.actor)
    count(session, app_id, today(app_or_404(session, app_id)), clock.now())


@router.post("/apps/{app_id}/irritants/{irritant_id}/unmerge", status_code=204)
def unmerge_irritant(app_id: RowId, irritant_id: RowId, request: Request, session: DB) -> None:
    """Let it stand for itself again."""
    decisions.unmerge(session, decisions.find(session, app_id, irritant_id), actor=request.state.actor)
    count(session, app_id, today(app_or_404(session, app_id)), clock.now())

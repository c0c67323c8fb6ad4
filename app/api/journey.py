"""The journey: who speaks of which step on which channel, and how."""

from datetime import date
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.apps import app_or_404
from app.api.irritants import IrritantOut, Tongue
from app.api.shapes import RowId
from app.api.trends import Days
from app.auth import allow
from app.db import DB
from app.reading import journey as reading

router = APIRouter(tags=["journey"], dependencies=[allow("viewer", change="editor")])


class TopicPartOut(BaseModel):
    """A topic's mentions, and those that speak badly of it."""

    model_config = ConfigDict(from_attributes=True)
    topic: str
    n: int
    negative: int


class CellOut(BaseModel):
    """A step on a channel."""

    model_config = ConfigDict(from_attributes=True)
    step: str
    channel: str
    n: int = Field(description="mentions: a verbatim may speak of several topics of a step")
    people: int | None = Field(description="different authors; null in a period of more than 4,000 verbatims")
    negative: int
    mood: Literal["good", "mixed", "bad", "none"] = Field(description="none below five mentions")
    topics: list[TopicPartOut]


class JourneyOut(BaseModel):
    """The map of a period."""

    first: date
    last: date
    steps: list[str]
    channels: list[str]
    totals: dict[str, int] = Field(description="verbatims by channel")
    cells: list[CellOut]
    irritants: list[IrritantOut]


@router.get("/apps/{app_id}/journey")
def get_journey(app_id: RowId, period: Days, session: DB, language: Tongue = "fr") -> JourneyOut:
    """Steps by channels, with the irritants that live on them."""
    app_or_404(session, app_id)
    found = reading.journey(session, app_id, period, language)
    return JourneyOut(
        first=period.first,
        last=period.last,
        steps=found.steps,
        channels=found.channels,
        totals=found.totals,
        cells=[CellOut.model_validate(cell) for cell in found.cells.values()],
        irritants=[IrritantOut.model_validate(row) for rows in found.irritants.values() for row in rows],
    )

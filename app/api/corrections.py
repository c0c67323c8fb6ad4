"""Corrections: what a person says a verbatim means. Kept for good, and learnt from by `cocoon train`."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from app import corrections
from app.api.reviews import ReviewDetail, get_review
from app.api.shapes import Body, RowId, Text
from app.auth import allow
from app.db import DB
from app.errors import not_found
from models.insight import Correction

router = APIRouter(tags=["reviews"], dependencies=[allow("viewer", change="editor")])

Feeling = Literal["negative", "neutral", "positive"]


class TopicSaid(Body):
    """A topic that it speaks of, and how."""

    topic: Annotated[Text, Field(max_length=100)]
    feeling: Feeling = "negative"


class CorrectionIn(Body):
    """What it means; a part that is null is left to the models, an empty list says that there is none."""

    label: Literal["negative", "mixed", "neutral", "positive"] | None = None
    intents: Annotated[list[Literal["problem", "request", "question", "praise"]], Field(max_length=4)] | None = None
    topics: Annotated[list[TopicSaid], Field(max_length=40)] | None = None


class CorrectionOut(BaseModel):
    """A correction that is kept. `topics` hold the topic and a sentiment between -1 and 1."""

    model_config = ConfigDict(from_attributes=True)
    label: str | None
    intents: list[str] | None
    topics: list[dict[str, float | str]] | None
    corrected_by: str
    corrected_at: datetime


@router.get("/apps/{app_id}/reviews/{review_id}/correction")
def get_correction(app_id: RowId, review_id: RowId, session: DB) -> CorrectionOut:
    """What a person said it means."""
    found = session.get(Correction, (app_id, review_id))
    if found is None:
        raise not_found("correction")
    return CorrectionOut.model_validate(found)


@router.put("/apps/{app_id}/reviews/{review_id}/correction")
def correct(app_id: RowId, review_id: RowId, body: CorrectionIn, request: Request, session: DB) -> ReviewDetail:
    """Say what it means; the counts follow at once, and no model overwrites it while its words are the same."""
    corrections.correct(
        session,
        app_id,
        review_id,
        actor=request.state.actor,
        label=body.label,
        intents=body.intents,
        topics=None if body.topics is None else [(said.topic, said.feeling) for said in body.topics],
    )
    return get_review(app_id, review_id, session)


@router.delete("/apps/{app_id}/reviews/{review_id}/correction")
def undo(app_id: RowId, review_id: RowId, request: Request, session: DB) -> ReviewDetail:
    """Leave it to the models again."""
    corrections.undo(session, app_id, review_id, actor=request.state.actor)
    return get_review(app_id, review_id, session)

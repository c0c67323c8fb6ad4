"""Verbatims: a list by keyset pages, one of them, and all of them as CSV."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from app.api import csv, xlsx
from app.api.apps import app_or_404
from app.api.filters import read_filters
from app.api.shapes import RowId, Text
from app.auth import allow
from app.db import DB, transaction
from app.errors import Problem, not_found
from app.reading import verbatims
from app.reading.verbatims import Filters, Line

router = APIRouter(tags=["reviews"], dependencies=[allow("viewer", change="editor")])


class TopicOut(BaseModel):
    """A topic that it speaks of, the sentiment there (-1 to 1) and the words that say so."""

    model_config = ConfigDict(from_attributes=True)
    topic: str
    sentiment: float
    evidence: str


class RevisionOut(BaseModel):
    """What it said before an edit, and until when."""

    model_config = ConfigDict(from_attributes=True)
    revision: int
    stars: int | None
    title: str
    body: str
    version: str
    written_at: datetime
    replaced_at: datetime


class ReviewOut(BaseModel):
    """One customer's masked words, with what the analysis made of them."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    channel: str
    storefront: str
    stars: int | None
    title: str
    body: str
    written_at: datetime
    edited_at: datetime | None
    first_seen_at: datetime
    day: date = Field(description="local day in the app's time zone: what every count by day uses")
    version: str
    version_origin: str
    device: str | None
    os: str | None
    reply: str | None
    replied_at: datetime | None
    thumbs_up: int | None
    url: str | None
    language: str
    sentiment: float
    label: str
    confidence: float
    intents: list[str]
    urgent: bool
    model: str
    revision: int = Field(description="how often it was edited")
    topics: list[TopicOut]


class ReviewDetail(ReviewOut):
    """With what it said before."""

    revisions: list[RevisionOut]


class Reviews(BaseModel):
    """Newest first."""

    items: list[ReviewOut]
    count: int = Field(
        description="how many there are in all; at least so many where `count_capped` (1,000, or those looked at)"
    )
    count_capped: bool
    next: str | None = Field(
        description="give it as `after` for the next page; with rare filters a page may be short and have one"
    )


def _fields(line: Line) -> dict[str, Any]:
    own = {name: getattr(line.verbatim, name) for name in ReviewOut.model_fields if name != "topics"}
    return own | {"topics": line.topics}


@router.get("/apps/{app_id}/reviews")
def list_reviews(
    app_id: RowId,
    session: DB,
    filters: Annotated[Filters, Depends(read_filters)],
    after: Annotated[Text | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Reviews:
    """The app's verbatims by filters."""
    app_or_404(session, app_id)
    try:
        lines, following, count = verbatims.page_and_count(session, filters, after=after, limit=limit)
    except verbatims.BadCursorError as error:
        raise Problem(422, f"{error}", where="query.after") from error
    return Reviews(
        items=[ReviewOut.model_validate(_fields(line)) for line in lines],
        count=count.n,
        count_capped=count.capped,
        next=following,
    )


CSV_HEADS = (
    "id", "day", "written_at", "channel", "storefront", "version", "stars", "title", "body", "language", "label",
    "sentiment", "intents", "urgent", "topics", "device", "reply", "revision", "url",
)  # fmt: skip


@router.get(
    "/apps/{app_id}/reviews.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}}
)
def reviews_csv(
    app_id: RowId,
    request: Request,
    session: DB,
    filters: Annotated[Filters, Depends(read_filters)],
    separator: csv.Separator = "comma",
) -> StreamingResponse:
    """All that the filters let through."""
    app_or_404(session, app_id)
    return csv.answer(f"reviews-{app_id}", CSV_HEADS, _rows(request, filters), separator)


@router.get(
    "/apps/{app_id}/reviews.xlsx", response_class=StreamingResponse, responses={200: {"content": {xlsx.MIME: {}}}}
)
def reviews_xlsx(
    app_id: RowId, request: Request, session: DB, filters: Annotated[Filters, Depends(read_filters)]
) -> StreamingResponse:
    """The same as an Excel workbook."""
    app_or_404(session, app_id)
    return xlsx.answer(f"reviews-{app_id}", CSV_HEADS, _rows(request, filters))


def _rows(request: Request, filters: Filters) -> Iterator[list[object]]:
    with transaction(request.app.state.bind) as own:  # the request's own session ends before the stream does
        for line in verbatims.stream(own, filters):
            v = line.verbatim
            topics = " ".join(topic.topic for topic in line.topics)
            yield [
                v.id, v.day, v.written_at.isoformat(), v.channel, v.storefront, v.version, v.stars, v.title, v.body,
                v.language, v.label, round(v.sentiment, 3), " ".join(v.intents), v.urgent, topics, v.device,
                v.reply, v.revision, v.url,
            ]  # fmt: skip


@router.get("/apps/{app_id}/reviews/{review_id}")
def get_review(app_id: RowId, review_id: RowId, session: DB) -> ReviewDetail:
    """One verbatim with all that it ever said."""
    line = verbatims.one(session, app_id, review_id)
    if line is None:
        raise not_found("review")
    return ReviewDetail.model_validate(_fields(line) | {"revisions": line.revisions})

"""Trends: stars, versions, topics, releases, and the stores' own ratings as a series apart."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from app.api import csv, xlsx
from app.api.apps import app_or_404
from app.api.filters import OptionalDay, known
from app.api.shapes import OptionalText, RowId
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.reading import topic_counts
from app.reading import trends as reading
from app.reading.apps import today
from app.reading.trends import Period, Slice, Trend
from models.releases import Release, last_before, line

router = APIRouter(tags=["trends"], dependencies=[allow("viewer", change="editor")])
LONGEST = 3700


class BucketOut(BaseModel):
    """A day or a week. `stars` counts one to five stars; `mean` ± `half_width` is the 95 % interval over `rated`."""

    model_config = ConfigDict(from_attributes=True)
    first: date
    last: date
    n: int = Field(description="verbatims, with stars or without")
    rated: int = Field(description="those with stars")
    stars: tuple[int, int, int, int, int]
    mean: float | None
    half_width: float | None
    incomplete_days: int = Field(description="days that some source could not read completely: not calm, unknown")


class TrendOut(BaseModel):
    """Buckets without a gap in time."""

    model_config = ConfigDict(from_attributes=True)
    bucket: Literal["day", "week"]
    buckets: list[BucketOut]


class VersionOut(BaseModel):
    """A version's reviews in a period."""

    model_config = ConfigDict(from_attributes=True)
    version: str
    seen: date = Field(description="its release day, or the first day with a review")
    n: int
    stars: tuple[int, int, int, int, int]
    mean: float | None
    half_width: float | None


class Versions(BaseModel):
    """Newest first."""

    items: list[VersionOut]


class TopicCountOut(BaseModel):
    """A topic's mentions, and its negative ones in the equally long period before."""

    model_config = ConfigDict(from_attributes=True)
    topic: str
    n: int
    negative: int
    negative_before: int


class Topics(BaseModel):
    """By negative mentions."""

    items: list[TopicCountOut]


class RatingOut(BaseModel):
    """A store's own counter at one moment; never mixed with reviews."""

    model_config = ConfigDict(from_attributes=True)
    channel: str
    storefront: str
    taken_at: datetime
    average: float | None
    count: int | None = Field(description="null where the source tells the average only")
    histogram: list[int] | None


class Ratings(BaseModel):
    """Oldest first; a row means that the counter changed."""

    items: list[RatingOut]


class ReleaseOut(BaseModel):
    """One version on one channel."""

    model_config = ConfigDict(from_attributes=True)
    channel: str
    version: str
    build: str | None
    released_at: datetime
    day: date
    notes: str
    inferred: bool = Field(description="no store told its date: that of its first sight")
    rollout: float | None = Field(description="share of customers that a staged release reaches, 0 to 1")
    rollout_state: str | None = Field(description="active, paused, halted or complete; null: nobody tells")
    rollout_at: datetime | None = Field(description="when the share was last told")
    seen_by: list[str] = Field(description="kinds of source that told of it")
    before: str | None = Field(default=None, description="the version that it is compared with: the last one before")


class Releases(BaseModel):
    """Newest first."""

    items: list[ReleaseOut]


def period_of(
    app_id: RowId,
    session: DB,
    first: Annotated[OptionalDay, Query(alias="from", description="a year before `to` if not given")] = None,
    last: Annotated[OptionalDay, Query(alias="to", description="today if not given")] = None,
) -> Period:
    """The days asked for, in the app's time zone, both included; ten years at most."""
    last = last or today(app_or_404(session, app_id))
    first = first or last - timedelta(days=364)
    if first > last:
        raise Problem(422, f"The first day ({first}) is after the last ({last}).", where="query.from")
    if (last - first).days > LONGEST:
        raise Problem(422, "Ask for ten years at most.", where="query.from")
    return Period(first, last)


def slice_of(
    app_id: RowId,
    channel: OptionalText = None,
    storefront: Annotated[OptionalText, Query(description="two letters, or “unknown”")] = None,
    version: Annotated[OptionalText, Query(description="or “unknown”")] = None,
) -> Slice:
    """Which part of the app's verbatims."""
    return Slice(app_id, channel, known(storefront), known(version))


Days = Annotated[Period, Depends(period_of)]
Part = Annotated[Slice, Depends(slice_of)]
Every = Annotated[
    Literal["auto", "day", "week"], Query(alias="bucket", description="auto: weeks (Monday to Sunday) above 200 days")
]


def _trend(session: DB, part: Slice, period: Period, every: Literal["auto", "day", "week"]) -> Trend:
    return reading.star_trend(session, part, period, None if every == "auto" else every)


@router.get("/apps/{app_id}/trends/stars")
def star_trend(part: Part, period: Days, session: DB, every: Every = "auto") -> TrendOut:
    """Stars over time."""
    trend = _trend(session, part, period, every)
    return TrendOut(bucket=trend.every, buckets=[BucketOut.model_validate(bucket) for bucket in trend.buckets])


@router.get(
    "/apps/{app_id}/trends/stars.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}}
)
def star_trend_csv(
    part: Part, period: Days, session: DB, every: Every = "auto", separator: csv.Separator = "comma"
) -> StreamingResponse:
    """The same as CSV."""
    return csv.answer(f"stars-{part.app_id}", STAR_HEADS, _star_rows(_trend(session, part, period, every)), separator)


@router.get(
    "/apps/{app_id}/trends/stars.xlsx", response_class=StreamingResponse, responses={200: {"content": {xlsx.MIME: {}}}}
)
def star_trend_xlsx(part: Part, period: Days, session: DB, every: Every = "auto") -> StreamingResponse:
    """The same as an Excel workbook."""
    return xlsx.answer(f"stars-{part.app_id}", STAR_HEADS, _star_rows(_trend(session, part, period, every)))


STAR_HEADS = (
    "first", "last", "n", "rated", "s1", "s2", "s3", "s4", "s5", "mean", "half_width", "incomplete_days",
)  # fmt: skip


def _star_rows(trend: Trend) -> list[list[object]]:
    return [
        [b.first, b.last, b.n, b.rated, *b.stars, _round(b.mean), _round(b.half_width), b.incomplete_days]
        for b in trend.buckets
    ]


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


@router.get("/apps/{app_id}/versions")
def list_versions(part: Part, period: Days, session: DB, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Versions:
    """Stars by version."""
    found = reading.versions(session, part, period, limit)
    return Versions(items=[VersionOut.model_validate(version) for version in found])


@router.get("/apps/{app_id}/topics")
def list_topics(
    app_id: RowId,
    period: Days,
    session: DB,
    channel: OptionalText = None,
    version: OptionalText = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Topics:
    """What people speak of."""
    found = topic_counts.topics(session, Slice(app_id, channel, None, known(version)), period, limit)
    return Topics(items=[TopicCountOut.model_validate(topic) for topic in found])


@router.get("/apps/{app_id}/ratings")
def list_ratings(
    app_id: RowId, period: Days, session: DB, channel: OptionalText = None, storefront: OptionalText = None
) -> Ratings:
    """The stores' own counters (days in UTC)."""
    found = reading.rating_history(session, app_id, period, channel, known(storefront))
    return Ratings(items=[RatingOut.model_validate(rating) for rating in found])


@router.get("/apps/{app_id}/releases")
def list_releases(app_id: RowId, period: Days, session: DB, channel: OptionalText = None) -> Releases:
    """Releases of a period."""
    found = reading.releases(session, app_id, period, channel)
    lines = {where: line(session, app_id, where) for where in {release.channel for release in found}}

    def shown(release: Release) -> ReleaseOut:
        before = last_before(lines[release.channel], release.version)
        return ReleaseOut.model_validate(release).model_copy(update={"before": before.version if before else None})

    return Releases(items=[shown(release) for release in found])

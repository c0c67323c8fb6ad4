"""Two versions compared: the page's numbers for programs."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from alerts.detectors import Missing
from app.api.apps import app_or_404
from app.api.shapes import OptionalText, RowId
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.reading import versions as reading
from app.reading.apps import today
from app.reading.launches import before, launches, newest_launch

router = APIRouter(tags=["versions"], dependencies=[allow("viewer", change="editor")])


class SideOut(BaseModel):
    """One version in the days that are compared."""

    version: str
    released: date
    inferred: bool
    first: date
    last: date
    n: int
    rated: int = Field(description="those with stars")
    negative: int
    stars: tuple[int, int, int, int, int]
    mean: float | None
    half_width: float | None = Field(description="of the mean alone")
    crash_free: dict[str, float | None] = Field(description="by channel; null where withheld or not told")


class CrashShareOut(BaseModel):
    """A version's share without a crash, 0 to 1; without `low` and `high` the source tells no counts."""

    model_config = ConfigDict(from_attributes=True)
    crash_free: float | None
    low: float | None
    high: float | None


class CrashChangeOut(BaseModel):
    """This share less that one with its 95 % interval: counts, day noise, and what versions differ without a fault."""

    model_config = ConfigDict(from_attributes=True)
    difference: float
    low: float
    high: float
    verdict: Literal["worse", "better", "alike", "too_noisy"]


class CrashComparedOut(BaseModel):
    """A channel's crash-free shares of both; `change` is null where it cannot be judged: no counts, or withheld."""

    channel: str
    this: CrashShareOut | None
    that: CrashShareOut | None
    change: CrashChangeOut | None


class StarsOut(BaseModel):
    """This version's stars less that one's, the usual effect of the first days taken off."""

    model_config = ConfigDict(from_attributes=True)
    difference: float
    half_width: float = Field(description="of the 95 % interval, with the noise of days and of drift")
    early: float = Field(description="the app's own mean effect of first days, already taken off")
    visible: float = Field(description="the smallest difference that would be seen four times out of five")
    more_reviews: int | None = Field(description="about how many more until the half-width is half a star")
    more_days: int | None


class TopicChangeOut(BaseModel):
    """A topic's negative mentions: shares of the reviews, and their ratio with its 95 % interval."""

    topic: str
    n: int
    n_before: int
    share: float
    share_before: float
    ratio: float
    low: float
    high: float
    moved: Literal["rose", "fell", "no"] = Field(description="beyond what chance does among some thirty topics")


class AdoptionOut(BaseModel):
    """A day's reviews."""

    model_config = ConfigDict(from_attributes=True)
    day: date
    this: int
    that: int
    total: int


class ComparisonOut(BaseModel):
    """Two versions."""

    this: SideOut
    that: SideOut
    verdict: Literal["worse", "better", "alike", "too_early", "too_noisy"]
    stars: StarsOut | None = Field(description="null where a version has too few reviews")
    missing_reviews: int | None = Field(description="how many more are needed at least, where `stars` is null")
    crashes: list[CrashComparedOut] = Field(description="by channel that a crash tool watches")
    topics: list[TopicChangeOut]
    adoption: list[AdoptionOut]


@router.get("/apps/{app_id}/versions/compare")
def compare(
    app_id: RowId,
    session: DB,
    this: Annotated[OptionalText, Query(description="the newest if not given")] = None,
    that: Annotated[OptionalText, Query(description="the last before on its channel")] = None,
    channel: OptionalText = None,
) -> ComparisonOut:
    """This version against that one."""
    now = today(app_or_404(session, app_id))
    line = launches(session, app_id, now, channel)
    newest = newest_launch(line)
    this = this or (newest.version if newest else None)
    that = that or (before(line, this) if this else None)
    pair = reading.compare(session, app_id, this, that, now, channel, line) if this and that else None
    if pair is None:
        raise Problem(404, "There are not two such versions of this app.", where="query")
    missing = isinstance(pair.stars, Missing)
    return ComparisonOut(
        this=_side(pair.this),
        that=_side(pair.that),
        verdict="too_early" if isinstance(pair.stars, Missing) else pair.stars.verdict,
        stars=None if missing else StarsOut.model_validate(pair.stars),
        missing_reviews=pair.stars.reviews if isinstance(pair.stars, Missing) else None,
        crashes=[_crashes(pair, channel) for channel in pair.crash_changes],
        topics=[TopicChangeOut(**_topic(topic)) for topic in pair.topics],
        adoption=[AdoptionOut.model_validate(day) for day in pair.adoption],
    )


def _crashes(pair: reading.Pair, channel: str) -> CrashComparedOut:
    change = pair.crash_changes[channel]
    mine, theirs = (
        None if found is None else CrashShareOut.model_validate(found)
        for found in (pair.this.stability.get(channel), pair.that.stability.get(channel))
    )
    return CrashComparedOut(
        channel=channel,
        this=mine,
        that=theirs,
        change=None if change is None else CrashChangeOut.model_validate(change),
    )


def _side(side: reading.Side) -> SideOut:
    return SideOut(
        version=side.version,
        released=side.released,
        inferred=side.inferred,
        first=side.period.first,
        last=side.period.last,
        n=side.n,
        rated=side.rated,
        negative=side.negative,
        stars=side.stars,
        mean=side.mean,
        half_width=side.half_width,
        crash_free={channel: found.crash_free for channel, found in side.stability.items()},
    )


def _topic(topic: reading.TopicChange) -> dict[str, Any]:
    change = topic.change
    return {
        "topic": topic.topic,
        "n": topic.n,
        "n_before": topic.n_before,
        "share": change.after,
        "share_before": change.before,
        "ratio": change.ratio,
        "low": change.low,
        "high": change.high,
        "moved": {1: "rose", -1: "fell", 0: "no"}[change.moved],
    }

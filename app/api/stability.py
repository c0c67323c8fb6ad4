"""Stability: one picture whatever the crash tool; the JSON twin of the part of an app's page."""

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.apps import app_or_404
from app.api.filters import OptionalDay
from app.api.shapes import OptionalText, RowId
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.reading import stability as reading
from app.reading.apps import today
from app.reading.trends import Period

router = APIRouter(tags=["stability"], dependencies=[allow("viewer", change="editor")])
LONGEST = 400


class DayOut(BaseModel):
    """One day. Null is not told; `withheld` is known to the source and hidden: never zero."""

    model_config = ConfigDict(from_attributes=True)
    day: date
    sessions: int | None
    users: int | None = Field(description="distinct on this day: they do not add up over days or versions")
    crash_free_sessions: float | None = Field(description="0 to 1")
    crash_free_users: float | None = Field(description="0 to 1")
    anr_free_users: float | None = Field(description="0 to 1; Android only")
    crashes: int | None
    anrs: int | None
    withheld: bool
    state: str = Field(description="the ledger's word: complete, partial, unknown or held")


class CrashVersionOut(BaseModel):
    """A version over the period; `crash_free` is weighted by its days' own denominators.

    `low` and `high` are its 95 % interval; null where the source tells percentages without counts.
    """

    model_config = ConfigDict(from_attributes=True)
    version: str
    exposed: int | None = Field(description="sessions; null where the source counts users, which do not add up")
    crash_free: float | None
    low: float | None
    high: float | None
    crashes: int
    days: int = Field(description="days with a denominator")
    withheld_days: int


class CrashChannelOut(BaseModel):
    """One channel as its source tells it; sources that are left aside are named and not added."""

    channel: str
    source_id: int
    source: str
    kind: str
    reason: str = Field(description="only, pinned, sessions, users, longer or first: why this source speaks")
    others: list[str]
    base: str = Field(description="what crash_free is a share of: sessions, users or nothing")
    users_rounded: bool
    zone: str = Field(description="whose days these are; empty: the app's own")
    crash_free: float | None
    low: float | None = Field(description="of the 95 % interval; null where the source tells no counts")
    high: float | None
    exposed: int | None
    withheld_days: int
    days: list[DayOut]
    versions: list[CrashVersionOut]


class StabilityOut(BaseModel):
    """Channels that no crash source watches are absent: unknown, not calm."""

    first: date
    last: date
    channels: list[CrashChannelOut]


class IssueOut(BaseModel):
    """A crash issue with its events in the period."""

    id: int
    channel: str
    kind: str = Field(description="crash, anr, hang or error")
    title: str
    subtitle: str
    first_version: str
    last_version: str
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    state: str
    url: str | None
    events: int
    users_on_worst_day: int | None
    users_rounded: bool


class Issues(BaseModel):
    """By events."""

    items: list[IssueOut]


class SignalOut(BaseModel):
    """What a crash tool noticed by itself."""

    model_config = ConfigDict(from_attributes=True)
    channel: str
    kind: str = Field(description="new_issue, regression, velocity, anomaly or digest")
    at: datetime
    title: str
    version: str
    issue: str
    url: str | None


class Signals(BaseModel):
    """Newest first."""

    items: list[SignalOut]


def period_of(
    app_id: RowId,
    session: DB,
    first: Annotated[OptionalDay, Query(alias="from", description="89 days before `to` if not given")] = None,
    last: Annotated[OptionalDay, Query(alias="to", description="today if not given")] = None,
) -> Period:
    """The days asked for, both included; 400 at most. Raises Problem 404 and 422."""
    app = app_or_404(session, app_id)
    last = last or today(app)
    if first is None:
        first = last - timedelta(days=min(89, last.toordinal() - 1))
    if not 0 <= (last - first).days < LONGEST:
        raise Problem(422, f"`from` comes before `to`, at most {LONGEST} days.", where="query.from")
    return Period(first, last)


Days = Annotated[Period, Depends(period_of)]


@router.get("/apps/{app_id}/stability")
def get_stability(app_id: RowId, period: Days, session: DB, version: OptionalText = None) -> StabilityOut:
    """Sessions, users, crashes and shares without a crash by day; with `version` the days are that version's."""
    channels = []
    for name, told in reading.stability(session, app_id, period).items():
        days = told.days
        if version:
            days = reading.version_days(session, app_id, period, name, version)
        channels.append(
            CrashChannelOut(
                channel=name,
                source_id=told.choice.source_id,
                source=told.choice.name,
                kind=told.choice.kind,
                reason=told.choice.reason,
                others=list(told.choice.others),
                base=told.base,
                users_rounded=told.rounded,
                zone=told.zone,
                crash_free=told.crash_free,
                low=told.low,
                high=told.high,
                exposed=told.exposed,
                withheld_days=told.withheld_days,
                days=[DayOut.model_validate(day) for day in days],
                versions=[CrashVersionOut.model_validate(each) for each in told.versions],
            )
        )
    return StabilityOut(first=period.first, last=period.last, channels=channels)


@router.get("/apps/{app_id}/stability/issues")
def list_issues(
    app_id: RowId,
    period: Days,
    session: DB,
    channel: OptionalText = None,
    version: OptionalText = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Issues:
    """The issues with most events, of the sources that speak."""
    found = reading.top_issues(session, app_id, period, channel=channel or None, version=version or "", limit=limit)
    return Issues(
        items=[
            IssueOut(
                id=line.issue.id,
                channel=line.issue.channel,
                kind=line.issue.kind,
                title=line.issue.title,
                subtitle=line.issue.subtitle,
                first_version=line.issue.first_version,
                last_version=line.issue.last_version,
                first_seen_at=line.issue.first_seen_at,
                last_seen_at=line.issue.last_seen_at,
                state=line.issue.state,
                url=line.issue.url,
                events=line.events,
                users_on_worst_day=line.users_on_worst_day,
                users_rounded=line.users_rounded,
            )
            for line in found
        ]
    )


@router.get("/apps/{app_id}/stability/signals")
def list_signals(
    app_id: RowId,
    period: Days,
    session: DB,
    channel: OptionalText = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Signals:
    """What the crash tools pointed out: new issues, regressions, velocity, anomalies."""
    found = reading.signals(session, app_id, period, channel or None, limit)
    return Signals(items=[SignalOut.model_validate(each) for each in found])

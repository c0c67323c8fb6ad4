"""All apps at a glance, and one app in a paragraph: the JSON twins of the first page and of an app's own."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.apps import app_or_404
from app.api.irritants import IrritantOut, Tongue
from app.api.shapes import Day, OptionalText, RowId
from app.auth import allow
from app.db import DB
from app.i18n import Words
from app.pages.changes import since_release
from app.pages.headlines import app_headline, incident_title, portfolio_headline
from app.reading import overview as reading
from app.reading.called import Names, names
from app.reading.intervals import half_width, mean_stars
from app.reading.portfolio import Row, portfolio
from app.reading.trends import Period
from models.incidents import Incident

router = APIRouter(tags=["apps"], dependencies=[allow("viewer", change="editor")])

Stars = tuple[int, int, int, int, int]


class CrashFreeOut(BaseModel):
    """A channel over 28 days; a null `share` is withheld or cannot be told, never zero."""

    model_config = ConfigDict(from_attributes=True)
    channel: str
    base: Literal["sessions", "users", ""] = Field(description="what it is a share of; empty: crashes are only counted")
    share: float | None
    low: float | None = Field(description="of the 95 % interval; null where the source tells no counts")
    high: float | None
    withheld: bool
    crashes: int


class OpenIncidentOut(BaseModel):
    """An open incident in a sentence."""

    id: UUID
    title: str
    state: str
    severity: str
    opened_at: datetime
    score: float


class NewestOut(BaseModel):
    """The newest version, and how it stands against the one before."""

    version: str
    channel: str
    day: date
    verdict: str | None = Field(description="worse, better, alike, too_early or too_noisy")
    difference: float | None
    half_width: float | None


class PortfolioRowOut(BaseModel):
    """One app: 28 days of stars, 7 days of verbatims against a usual week, what is open, the newest version."""

    app_id: int
    name: str
    wants_attention: bool
    today: date
    n: int = Field(description="verbatims of 28 days")
    stars: Stars
    mean: float | None
    half_width: float | None
    week_n: int
    usual_week: float | None = Field(description="the median of the eight weeks before")
    weekly_means: list[float | None] = Field(description="of 26 weeks, the oldest first")
    crash_free: list[CrashFreeOut]
    incidents: list[OpenIncidentOut] = Field(description="the strongest first")
    newest: NewestOut | None
    sources: int
    last_day: date | None = Field(description="the last day with a verbatim")


class PortfolioOut(BaseModel):
    """Those that want attention first."""

    headline: str
    items: list[PortfolioRowOut]


@router.get("/portfolio")
def get_portfolio(session: DB, language: Tongue = "fr") -> PortfolioOut:
    """Every app in a row."""
    words = Words(language)
    rows = portfolio(session)
    called = names(session, [one for row in rows for one in row.incidents])
    return PortfolioOut(headline=portfolio_headline(words, rows), items=[_row(words, row, called) for row in rows])


def _row(words: Words, row: Row, called: Names) -> PortfolioRowOut:
    told = row.verdict
    return PortfolioRowOut(
        app_id=row.app.id,
        name=row.app.name,
        wants_attention=row.wants_attention,
        today=row.today,
        n=row.n,
        stars=row.stars,
        mean=row.mean,
        half_width=row.half_width,
        week_n=row.week_n,
        usual_week=row.usual_week,
        weekly_means=row.means,
        crash_free=[CrashFreeOut.model_validate(one) for one in row.crash_free],
        incidents=[_incident(words, one, called) for one in row.incidents],
        newest=NewestOut(
            version=row.release.version,
            channel=row.release.channel,
            day=row.release.day,
            verdict=told.word if told else None,
            difference=told.difference if told else None,
            half_width=told.half_width if told else None,
        )
        if row.release
        else None,
        sources=row.sources,
        last_day=row.last_day,
    )


def _incident(words: Words, one: Incident, called: Names) -> OpenIncidentOut:
    return OpenIncidentOut(
        id=one.id,
        title=incident_title(words, one, called),
        state=one.state,
        severity=one.severity,
        opened_at=one.opened_at,
        score=one.score,
    )


class SpanOut(BaseModel):
    """Days, and what was said in them."""

    first: date
    last: date
    n: int
    stars: Stars
    mean: float | None
    half_width: float | None


class OverviewOut(BaseModel):
    """An app in a paragraph: `headline` and `changes` as its page says them, and the numbers in them."""

    app_id: int
    headline: str
    changes: str = Field(description="what changed since the last release; empty where there is none to compare")
    first: date
    last: date
    month: SpanOut = Field(description="the last 28 days")
    before: SpanOut = Field(description="the 28 days before those")
    open_incidents: int
    incident: OpenIncidentOut | None = Field(description="the strongest open one")
    this: str | None = Field(description="the newest version: /versions/compare tells it against `that`")
    that: str | None
    born: list[IrritantOut] = Field(description="irritants that came, or came back, with the newest version")
    last_day: date | None = Field(description="the last day with a verbatim")


@router.get("/apps/{app_id}/overview")
def get_overview(
    app_id: RowId,
    session: DB,
    days: Annotated[int, Query(ge=7, le=3660)] = 365,
    until: Annotated[Day | None, Query(description="today if not given")] = None,
    channel: OptionalText = None,
    language: Tongue = "fr",
) -> OverviewOut:
    """How an app stands, and what changed since its last release."""
    app = app_or_404(session, app_id)
    words = Words(language, app.timezone)
    found = reading.overview(session, app, language, days=days, until=until, channel=channel)
    pair = found.pair
    told = since_release(words, app_id, pair, found.born, channel, found.today) if pair and pair.this.n else None
    return OverviewOut(
        app_id=app_id,
        headline=app_headline(
            words, found.incident, found.stars, reading.MONTH, found.today, found.back, found.seen is None, found.called
        ),
        changes=told.striptags() if told else "",
        first=found.period.first,
        last=found.period.last,
        month=_span(found.month, found.n, found.stars),
        before=_span(found.before, found.n_before, found.stars_before),
        open_incidents=found.open_incidents,
        incident=_incident(words, found.incident, {found.incident.id: found.called} if found.called else {})
        if found.incident
        else None,
        this=pair.this.version if pair else None,
        that=pair.that.version if pair else None,
        born=[IrritantOut.model_validate(row) for row in found.born],
        last_day=found.seen.last if found.seen else None,
    )


def _span(period: Period, n: int, stars: Stars) -> SpanOut:
    return SpanOut(
        first=period.first,
        last=period.last,
        n=n,
        stars=stars,
        mean=mean_stars(stars),
        half_width=half_width(stars, reading.MONTH),
    )

"""Sources, their runs, and the ledger of what is complete."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from analysis.mask import mask
from app.api.shapes import Body, Day, Name, RowId, Text
from app.auth import allow
from app.connecting import connect_remotely
from app.db import DB
from app.errors import Problem, not_found
from app.pages.sources import ask_for_replay, ask_for_walk
from app.quarantine import in_general, reasons, waiting
from app.reading import sources as reading
from app.reading.apps import today
from app.reading.checks import checks
from models.apps import App
from models.sources import Source

router = APIRouter(tags=["sources"], dependencies=[allow("viewer", change="editor")])

Minutes = Annotated[int, Field(ge=5, le=60 * 24 * 31)]
Before = Annotated[int | None, Query(ge=1, lt=2**63, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=200)]


class SourceOut(BaseModel):
    """One thing that is read on a rhythm."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    app_id: int
    kind: str
    channel: str
    name: str
    config: dict[str, Any]
    enabled: bool
    rhythm_minutes: int | None
    next_run_at: datetime | None
    high_water: datetime | None = Field(description="everything up to here is stored")
    history_done: bool
    failures: int
    created_at: datetime


class PauseOut(BaseModel):
    """A host that asked us to wait."""

    model_config = ConfigDict(from_attributes=True)
    host: str
    paused_until: datetime
    reason: str


class NewSource(Body):
    """A source; `config` is what its kind needs (see GET /kinds and docs/sources.md)."""

    app_id: Annotated[int, Field(ge=1, lt=2**63)]
    kind: Name
    name: Name
    config: Annotated[dict[Name, str | int | bool | None], Field(max_length=20)]
    rhythm_minutes: Minutes | None = None


class SourceChange(Body):
    """What to change."""

    enabled: bool | None = None
    rhythm_minutes: Minutes | None = None
    name: Name | None = None
    questions: Text | None = Field(None, description="what a survey's questions measure; all of it is read again")


class RunOut(BaseModel):
    """One walk of a source, with its one outcome and the reason in words."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    source_id: int
    trigger: str
    outcome: str
    reason: str
    started_at: datetime
    finished_at: datetime | None
    pages: int
    seen: int
    stored: int
    revised: int
    quarantined: int
    figures: int = Field(description="daily figures of crashes and sessions; `seen` counts verbatims")
    progress: float | None


class SourceState(SourceOut):
    """A source with its last run, and the days of the last 90 that are not completely known."""

    last_run: RunOut | None
    running: bool
    in_trouble: bool = Field(description="its last finished run did not bring everything")
    missing: list[date]
    quarantined: int = Field(description="rows that could not be read")


class SourceStates(BaseModel):
    """By channel and name."""

    items: list[SourceState]
    pauses: list[PauseOut]


class Sources(BaseModel):
    """Sources by app, channel and name."""

    items: list[SourceOut]


class Runs(BaseModel):
    """Newest first."""

    items: list[RunOut]
    next: int | None = Field(description="give it as `before` for the next page")


class CoverageOut(BaseModel):
    """Whether we know all that a source had on a day: complete, partial, unknown or held."""

    model_config = ConfigDict(from_attributes=True)
    source_id: int
    day: date
    state: str
    reason: str
    checked_at: datetime | None = Field(description="null: never looked at")


class CoverageList(BaseModel):
    """By source and day, every day of every source that is read on a rhythm."""

    items: list[CoverageOut]


class KindOut(BaseModel):
    """A kind of source that can be added."""

    kind: str
    channel: str
    minutes: int | None = None
    brings: list[str] = []
    label_fr: str = ""
    label_en: str = ""
    needs: list[str] = Field([], description="settings that it cannot do without")
    may: list[str] = Field([], description="settings that it may be told")
    scheme: str = Field("", description="how its system signs webhooks; empty: it sends none")


class Asked(BaseModel):
    """A walk was asked for; follow it at `runs`."""

    source_id: int
    trigger: Literal["manual", "backfill"]
    runs: str


def source_or_404(session: Session, source_id: int) -> Source:
    """The source, or Problem 404."""
    source = session.get(Source, source_id)
    if source is None:
        raise not_found("source")
    return source


@router.get("/kinds")
def list_kinds(request: Request) -> list[KindOut]:
    """The kinds of source that this server can read."""
    return [KindOut.model_validate(kind) for kind in getattr(request.app.state, "kinds", [])]


@router.get("/sources")
def list_sources(session: DB, app_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None) -> Sources:
    """Every source, or those of one app."""
    return Sources(items=[SourceOut.model_validate(source) for source, _ in reading.listed(session, app_id)])


@router.get("/apps/{app_id}/sources")
def list_source_states(app_id: RowId, session: DB) -> SourceStates:
    """An app's sources with how they do: the last run, the days that are missing, the hosts that asked us to wait."""
    if session.get(App, app_id) is None:
        raise not_found("app")
    return SourceStates(
        items=[
            SourceState(
                **SourceOut.model_validate(state.source).model_dump(),
                last_run=RunOut.model_validate(state.last_run) if state.last_run else None,
                running=state.running is not None,
                in_trouble=state.in_trouble,
                missing=[day.day for day in state.missing],
                quarantined=state.quarantined,
            )
            for state in reading.states(session, app_id)
        ],
        pauses=[PauseOut.model_validate(one) for one in reading.pauses(session)],
    )


@router.post("/sources", status_code=201)
def create_source(body: NewSource, request: Request, response: Response, session: DB) -> SourceOut:
    """Add a source; it is first read when its rhythm comes round, or by POST /run."""
    app = session.get(App, body.app_id)
    if app is None:
        raise Problem(422, "There is no such app.", where="body.app_id")
    source = connect_remotely(
        session, app, request.app.state, body.kind, body.config, name=body.name, minutes=body.rhythm_minutes
    )
    response.headers["Location"] = f"/api/v1/sources/{source.id}"
    return SourceOut.model_validate(source)


@router.get("/sources/{source_id}")
def get_source(source_id: RowId, session: DB) -> SourceOut:
    """One source."""
    return SourceOut.model_validate(source_or_404(session, source_id))


@router.patch("/sources/{source_id}")
def change_source(source_id: RowId, body: SourceChange, session: DB) -> SourceOut:
    """Pause or resume it, change its rhythm or name, or declare anew what a survey's questions measure."""
    source = source_or_404(session, source_id)
    if body.questions is not None:
        if "questions" not in source.config:
            raise Problem(422, "This source asks no questions.", where="body.questions")
        # Without its place the next walk begins at the first response.
        source.config = {k: v for k, v in source.config.items() if k != "cursor"} | {"questions": body.questions}
    if body.enabled is not None:
        source.enabled = body.enabled
    source.rhythm_minutes = body.rhythm_minutes or source.rhythm_minutes
    source.name = body.name or source.name
    session.flush()
    return SourceOut.model_validate(source)


@router.post("/sources/{source_id}/run", status_code=202)
def run_source(source_id: RowId, request: Request, session: DB, background: BackgroundTasks) -> Asked:
    """Have it read now, by any worker."""
    ask_for_walk(request, background, source_or_404(session, source_id), "manual")
    return Asked(source_id=source_id, trigger="manual", runs=f"/api/v1/sources/{source_id}/runs")


@router.post("/sources/{source_id}/backfill", status_code=202)
def backfill_source(source_id: RowId, request: Request, session: DB, background: BackgroundTasks) -> Asked:
    """Have all that it still shows read again; what that brings never alerts."""
    ask_for_walk(request, background, source_or_404(session, source_id), "backfill")
    return Asked(source_id=source_id, trigger="backfill", runs=f"/api/v1/sources/{source_id}/runs")


@router.get("/sources/{source_id}/runs")
def list_runs(source_id: RowId, session: DB, before: Before = None, limit: Limit = 50) -> Runs:
    """Its runs, newest first."""
    found = reading.runs(session, source_or_404(session, source_id), limit + 1, before)
    following = found[limit - 1].id if len(found) > limit else None
    return Runs(items=[RunOut.model_validate(run) for run in found[:limit]], next=following)


def coverage_days(
    app_id: RowId,
    session: DB,
    first: Annotated[Day | None, Query(alias="from")] = None,
    last: Annotated[Day | None, Query(alias="to")] = None,
    source_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> list[reading.SourceDay]:
    """The ledger of the last 90 days, or of other days (a year at most)."""
    app = session.get(App, app_id)
    if app is None:
        raise not_found("app")
    last = last or today(app)
    first = first or last - timedelta(days=reading.LEDGER_DAYS - 1)
    if (last - first).days > 366:
        raise Problem(422, "Ask for a year at most.", where="query.from")
    return reading.coverage(session, app, first, last, source_id)


@router.get("/apps/{app_id}/coverage")
def list_coverage(found: Annotated[list[reading.SourceDay], Depends(coverage_days)]) -> CoverageList:
    """The ledger of the last 90 days, or of other days (a year at most)."""
    return CoverageList(items=[CoverageOut.model_validate(cell) for cell in found])


class UnreadOut(BaseModel):
    """A row that could not be read. Its bytes stay on the server: nobody has masked them."""

    id: int
    run_id: int
    reason: str
    quarantined_at: datetime


class UnreadCount(BaseModel):
    """How many rows wait for one reason."""

    reason: str
    rows: int


class Unread(BaseModel):
    """Rows in quarantine, oldest first, and all that wait by reason."""

    items: list[UnreadOut]
    reasons: list[UnreadCount]
    next: int | None = Field(description="give it as `after` for the next page")


class ReplayAsked(BaseModel):
    """A replay was asked for; what it reads is a run with the trigger replay."""

    source_id: int
    runs: str


@router.get("/sources/{source_id}/quarantine")
def list_quarantine(
    source_id: RowId, session: DB, after: Annotated[int, Query(ge=0, lt=2**63)] = 0, limit: Limit = 50
) -> Unread:
    """The rows that could not be read, with their reasons (values masked)."""
    source = source_or_404(session, source_id)
    rows = waiting(session, source, limit + 1, after)
    counts = reasons(session, [source_id]).get(source_id, [])
    items = [
        UnreadOut(id=row.id, run_id=row.run_id, reason=in_general(mask(row.reason)), quarantined_at=row.quarantined_at)
        for row in rows[:limit]
    ]
    return Unread(
        items=items,
        reasons=[UnreadCount(reason=reason, rows=n) for reason, n in counts],
        next=rows[limit - 1].id if len(rows) > limit else None,
    )


@router.post("/sources/{source_id}/quarantine/replay", status_code=202)
def replay_quarantine(source_id: RowId, request: Request, session: DB, background: BackgroundTasks) -> ReplayAsked:
    """Have the quarantined rows read once more, by any worker; what comes of it never alerts."""
    ask_for_replay(request, background, source_or_404(session, source_id))
    return ReplayAsked(source_id=source_id, runs=f"/api/v1/sources/{source_id}/runs")


class CheckOut(BaseModel):
    """Our counts against the store's own; see the fields of app.reading.checks.Check."""

    model_config = ConfigDict(from_attributes=True)
    kind: Literal["counter", "export"]
    channel: str
    storefront: str
    first: date
    last: date
    theirs: int | None = Field(description="stars that the counter grew by; reviews that only the export knew")
    ours: int = Field(description="our reviews of these days")
    expected: float | None = Field(description="reviews that the usual share of texts makes of the counter's growth")
    difference: float | None
    verdict: Literal["agrees", "too_many", "too_few", "reconciled", "unclear"]


class Checks(BaseModel):
    """By store and storefront."""

    items: list[CheckOut]


@router.get("/apps/{app_id}/coverage/checks")
def list_checks(app_id: RowId, session: DB) -> Checks:
    """Our counts of the last days against the stores' counters and the Play Console's exports."""
    app = session.get(App, app_id)
    if app is None:
        raise not_found("app")
    return Checks(items=[CheckOut.model_validate(check) for _, check in checks(session, [app])])

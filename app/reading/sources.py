"""Sources, their runs, and the ledger of what is completely known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.reading.apps import today
from models.apps import App
from models.sources import Coverage, HostPause, Quarantine, Run, Source

LEDGER_DAYS = 90
TROUBLE = ("failed", "throttled", "empty_unconfirmed", "partial")


@dataclass(frozen=True, slots=True)
class Day:
    """A cell of the ledger. `state` is none where nothing was promised for that day."""

    day: date
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class State:
    """A source with its last runs and its last 90 days."""

    source: Source
    app: App
    runs: list[Run]
    ledger: list[Day]
    quarantined: int

    @property
    def last_run(self) -> Run | None:
        """The newest run."""
        return self.runs[0] if self.runs else None

    @property
    def running(self) -> Run | None:
        """The run that is under way."""
        return next((run for run in self.runs if run.outcome == "running"), None)

    @property
    def missing(self) -> list[Day]:
        """Days that are lost or not read completely; today and what is published later are only awaited."""
        return [cell for cell in self.ledger[:-1] if cell.state in {"partial", "unknown"}]

    @property
    def in_trouble(self) -> bool:
        """Whether its last finished run did not bring everything."""
        ended = next((run for run in self.runs if run.outcome != "running"), None)
        return self.source.enabled and ended is not None and ended.outcome in TROUBLE


def states(session: Session, app_id: int | None = None) -> list[State]:
    """Every source (of an app) with its state, those in trouble first."""
    query = (
        select(Source, App)
        .join(App, App.id == Source.app_id)
        .order_by(App.name, Source.channel, Source.name, Source.id)
    )
    if app_id is not None:
        query = query.where(Source.app_id == app_id)
    pairs = session.execute(query).all()
    ids = [source.id for source, _ in pairs]
    latest = select(Run, func.row_number().over(partition_by=Run.source_id, order_by=Run.id.desc()).label("rank"))
    ranked = latest.where(Run.source_id.in_(ids)).subquery()
    runs: dict[int, list[Run]] = {}
    for run in session.scalars(
        select(Run)
        .join(ranked, (ranked.c.id == Run.id) & (ranked.c.app_id == Run.app_id))
        .where(ranked.c.rank <= 5)
        .order_by(Run.id.desc())
    ):
        runs.setdefault(run.source_id, []).append(run)
    quarantined = dict(
        session.execute(
            select(Quarantine.source_id, func.count())
            .where(Quarantine.source_id.in_(ids), Quarantine.replayed_at.is_(None))
            .group_by(Quarantine.source_id)
        ).all()
    )
    days = {app.id: today(app) for _, app in pairs}
    earliest = min(days.values(), default=date(2000, 1, 1)) - timedelta(days=LEDGER_DAYS)
    cells: dict[tuple[int, date], Coverage] = {
        (cell.source_id, cell.day): cell
        for cell in session.scalars(select(Coverage).where(Coverage.source_id.in_(ids), Coverage.day > earliest))
    }
    found = []
    for source, app in pairs:
        last = days[app.id]
        ledger = []
        for back in range(LEDGER_DAYS - 1, -1, -1):
            day = last - timedelta(days=back)
            cell = cells.get((source.id, day))
            ledger.append(Day(day, cell.state if cell else "none", cell.reason if cell else ""))
        found.append(State(source, app, runs.get(source.id, []), ledger, quarantined.get(source.id, 0)))
    return found


def runs(session: Session, source: Source, limit: int = 50, before: int | None = None) -> Sequence[Run]:
    """Its runs, newest first, before run `before`."""
    query = select(Run).where(Run.app_id == source.app_id, Run.source_id == source.id)
    if before is not None:
        query = query.where(Run.id < before)
    return session.scalars(query.order_by(Run.id.desc()).limit(limit)).all()


def coverage(
    session: Session, app_id: int, first: date, last: date, source_id: int | None = None
) -> Sequence[Coverage]:
    """The ledger's rows of a period, by source and day."""
    query = select(Coverage).where(Coverage.app_id == app_id, Coverage.day.between(first, last))
    if source_id is not None:
        query = query.where(Coverage.source_id == source_id)
    return session.scalars(query.order_by(Coverage.source_id, Coverage.day)).all()


def pauses(session: Session) -> Sequence[HostPause]:
    """Hosts that asked us to wait, still waiting by the database's clock."""
    return session.scalars(select(HostPause).where(HostPause.paused_until > func.now()).order_by(HostPause.host)).all()

"""Sources, their runs, and the ledger of what is completely known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, func, select, text, true
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import LateralFromClause

from app.reading.apps import today
from models.apps import App
from models.sources import Coverage, HostPause, Quarantine, Run, Source

LEDGER_DAYS = 90
BEFORE = "before what the source showed when it was first read"
PAUSED = "the source was paused"
UNREAD = "not read"
HELD_BY_GOOGLE = "read to the end; Google holds some reviews back for about a day"
HOLDS = {"google_play": timedelta(days=1), "google_play_api": timedelta(days=1)}
"""How long after a day a store still publishes reviews of it.

Source: Google, Play Console Help, "View and analyze your app's ratings and reviews": about 24 hours, sometimes longer.
"""
TROUBLE = ("failed", "throttled", "empty_unconfirmed", "partial")


@dataclass(frozen=True, slots=True)
class Day:
    """A cell of the ledger: complete, partial, unknown, held; none for the days around a file, which promises none."""

    day: date
    state: str
    reason: str

    @property
    def promised(self) -> bool:
        """Whether anything was to be known of this day: not before the source was first read, nor while it rests."""
        return self.state != "none" and self.reason not in {BEFORE, PAUSED}


@dataclass(frozen=True, slots=True)
class State:
    """A source with its last runs and its last 90 days."""

    source: Source
    app: App
    runs: list[Run]
    ledger: tuple[Day, ...]
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
    def never_read(self) -> bool:
        """Whether its first walk is still to come or under way, so that nothing can be said of it yet."""
        return self.source.rhythm_minutes is not None and all(run.outcome == "running" for run in self.runs)

    @property
    def missing(self) -> list[Day]:
        """Days that are lost or not read completely; today and what is published later are only awaited.

        What lies before the source was first read was never promised.
        """
        return [cell for cell in self.ledger[:-1] if cell.state in {"partial", "unknown"} and cell.promised]

    @property
    def in_trouble(self) -> bool:
        """Whether its last finished run did not bring everything."""
        ended = next((run for run in self.runs if run.outcome != "running"), None)
        return self.source.enabled and ended is not None and ended.outcome in TROUBLE


def listed(session: Session, app_id: int | None = None) -> list[tuple[Source, App]]:
    """Every source (of an app) with its app, by app, channel and name."""
    query = (
        select(Source, App)
        .join(App, App.id == Source.app_id)
        .order_by(App.name, Source.channel, Source.name, Source.id)
    )
    if app_id is not None:
        query = query.where(Source.app_id == app_id)
    return [(source, app) for source, app in session.execute(query)]


def states(session: Session, app_id: int | None = None) -> list[State]:
    """Every source (of an app) with its state."""
    pairs = listed(session, app_id)
    ids = [source.id for source, _ in pairs]
    runs = newest_runs(session, ids, 5)
    begun, quarantined = _begun(session, ids), _quarantined(session, ids)
    days = {app.id: today(app) for _, app in pairs}
    earliest = min(days.values(), default=date(2000, 1, 1)) - timedelta(days=LEDGER_DAYS)
    written = _written(session, ids, earliest)
    found = []
    for source, app in pairs:
        ledger = _ledger(
            source.kind, source.rhythm_minutes, source.enabled, written.get(source.id, ""), earliest,
            _since(source, app, begun), days[app.id],
        )  # fmt: skip
        found.append(State(source, app, runs.get(source.id, []), ledger, quarantined.get(source.id, 0)))
    return found


# The days of each source as one text, apart by signs that no reason has: as rows, and as arrays too, thousands of days
# took longer to hand over than to read, and nearly always they are those of the last time.
_WRITTEN = text("""SELECT c.source_id,
    string_agg((c.day - CAST(:after AS date)) || E'\\x1f' || c.state || E'\\x1f'
      || translate(c.reason, E'\\x1e\\x1f', ''), E'\\x1e' ORDER BY c.day)
  FROM coverage c JOIN sources s ON s.id = c.source_id AND s.app_id = c.app_id
  WHERE s.id = ANY(CAST(:ids AS bigint[])) AND c.day > :after GROUP BY c.source_id""")


def _written(session: Session, ids: Sequence[int], after: date) -> dict[int, str]:
    """The days that the ledger holds of these sources, in order, with their states and reasons (`_read`)."""
    return dict(session.execute(_WRITTEN, {"ids": list(ids), "after": after}).all())


def _read(written: str, after: date) -> dict[date, tuple[str, str]]:
    """The state and the reason of each day, from what `_written` found after a day."""
    cells = (cell.split("\x1f") for cell in written.split("\x1e") if cell)
    return {after + timedelta(days=int(at)): (state, reason) for at, state, reason in cells}


# A page of thirty sources has thousands of days, which change once a day: the same ones are put together once.
@lru_cache(maxsize=1_000)
def _ledger(
    kind: str, rhythm: int | None, enabled: bool, written: str, after: date, begun: date, today: date
) -> tuple[Day, ...]:
    first = today - timedelta(days=LEDGER_DAYS - 1)
    return tuple(_filled(kind, rhythm, enabled, _read(written, after), begun, first, today, today))


def last_runs(session: Session, app_id: int) -> list[tuple[Source, Run | None]]:
    """The app's sources, each with its newest run."""
    return [(source, last) for source, last in session.execute(_last_runs(), {"app_id": app_id})]


@cache
def _last_runs() -> Select[Source, Run]:
    newest = _newest(1)
    query = select(Source, aliased(Run, newest)).outerjoin(newest, true())
    return query.where(Source.app_id == bindparam("app_id")).order_by(Source.channel, Source.name, Source.id)


def newest_runs(session: Session, ids: Sequence[int], limit: int) -> dict[int, list[Run]]:
    """The newest runs of these sources."""
    found: dict[int, list[Run]] = {}
    for each in session.scalars(_newest_runs(limit), {"ids": list(ids)}):
        found.setdefault(each.source_id, []).append(each)
    return found


@cache
def _newest_runs(limit: int) -> Select[Run]:
    newest = _newest(limit)
    run = aliased(Run, newest)
    query = select(run).select_from(Source).join(newest, true())
    return query.where(Source.id.in_(bindparam("ids", expanding=True))).order_by(run.started_at.desc(), run.id.desc())


def _newest(limit: int) -> LateralFromClause:
    """The newest runs of a source by their place in the index: a source has thousands."""
    return (
        select(Run)
        .where(Run.app_id == Source.app_id, Run.source_id == Source.id)
        .order_by(Run.started_at.desc(), Run.id.desc())
        .limit(limit)
        .correlate(Source)
        .lateral()
    )


class _Cell(NamedTuple):
    """What the ledger holds of a day."""

    state: str
    reason: str
    checked_at: datetime


def _cells(session: Session, ids: Sequence[int], after: date) -> dict[int, dict[date, _Cell]]:
    c = Coverage.__table__.c  # plain columns: thousands of rows, which the mapping would only pass on
    query = (
        select(c.source_id, c.day, c.state, c.reason, c.checked_at)
        .join(Source, (Source.id == c.source_id) & (Source.app_id == c.app_id))
        .where(Source.id.in_(ids), c.day > after)
    )
    found: dict[int, dict[date, _Cell]] = {}
    for source_id, day, state, reason, checked_at in session.execute(query):
        found.setdefault(source_id, {})[day] = _Cell(state, reason, checked_at)
    return found


def _begun(session: Session, ids: Sequence[int]) -> dict[int, date]:
    """The first day that the ledger has of each source."""
    return {ident: day for ident, day in session.execute(_FIRST_DAYS, {"ids": list(ids)}) if day}


_FIRST_DAYS = select(
    Source.id,
    select(func.min(Coverage.day))
    .where(Coverage.app_id == Source.app_id, Coverage.source_id == Source.id)
    .correlate(Source)
    .scalar_subquery(),
).where(Source.id.in_(bindparam("ids", expanding=True)))


def _quarantined(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """How many rows of each source wait to be read once more."""
    return dict(session.execute(_WAITING, {"ids": list(ids)}).all())


_WAITING = (
    select(Quarantine.source_id, func.count())
    .join(Source, (Source.id == Quarantine.source_id) & (Source.app_id == Quarantine.app_id))
    .where(Source.id.in_(bindparam("ids", expanding=True)), Quarantine.replayed_at.is_(None))
    .group_by(Quarantine.source_id)
)


def _since(source: Source, app: App, begun: Mapping[int, date]) -> date:
    """The first day that something was promised for: the first in the ledger, else the day the source was added."""
    return begun.get(source.id) or source.created_at.astimezone(ZoneInfo(app.timezone)).date()


def fill(source: Source, cells: Mapping[date, _Cell], begun: date, first: date, last: date, now: date) -> list[Day]:
    """Every day of a period with its state: what the ledger holds, and for the others why it holds nothing.

    `begun` is the first day that anything was promised for. A day that a store is still publishing is `held`, though
    it was read to the end: no rule waits for it, and no reader should take it for final.
    """
    told = {day: (cell.state, cell.reason) for day, cell in cells.items()}
    return _filled(source.kind, source.rhythm_minutes, source.enabled, told, begun, first, last, now)


def _filled(
    kind: str,
    rhythm: int | None,
    enabled: bool,
    cells: Mapping[date, tuple[str, str]],
    begun: date,
    first: date,
    last: date,
    now: date,
) -> list[Day]:
    found = []
    for back in range((last - first).days, -1, -1):
        day = last - timedelta(days=back)
        cell = cells.get(day)
        if cell is not None:
            state, reason = cell
            held = state == "complete" and day + HOLDS.get(kind, timedelta(0)) > now - timedelta(days=1)
            if held and kind in HOLDS:
                found.append(Day(day, "held", HELD_BY_GOOGLE))
            else:
                found.append(Day(day, state, reason))
        elif rhythm is None:
            found.append(Day(day, "none", ""))
        elif day < begun:
            found.append(Day(day, "unknown", BEFORE))
        else:
            found.append(Day(day, "unknown", UNREAD if enabled else PAUSED))
    return found


def runs(session: Session, source: Source, limit: int = 50, before: int | None = None) -> Sequence[Run]:
    """Its runs, newest first, before run `before`."""
    query = select(Run).where(Run.app_id == source.app_id, Run.source_id == source.id)
    if before is not None:
        query = query.where(Run.id < before)
    return session.scalars(query.order_by(Run.id.desc()).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class SourceDay:
    """A day of a source, and when it was last looked at (None: never)."""

    source_id: int
    day: date
    state: str
    reason: str
    checked_at: datetime | None


def coverage(session: Session, app: App, first: date, last: date, source_id: int | None = None) -> list[SourceDay]:
    """Every source of an app × day of a period, by source and day; days around a file are left out."""
    wanted = select(Source).where(Source.app_id == app.id).order_by(Source.id)
    if source_id is not None:
        wanted = wanted.where(Source.id == source_id)
    sources = session.scalars(wanted).all()
    ids = [source.id for source in sources]
    cells, begun = _cells(session, ids, first - timedelta(days=1)), _begun(session, ids)
    now, found = today(app), []
    for source in sources:
        own = cells.get(source.id, {})
        for day in fill(source, own, _since(source, app, begun), first, min(last, now), now):
            if day.state != "none":
                checked = own[day.day].checked_at if day.day in own else None
                found.append(SourceDay(source.id, day.day, day.state, day.reason, checked))
    return found


def pauses(session: Session) -> Sequence[HostPause]:
    """Hosts that asked us to wait, still waiting by the database's clock."""
    return session.scalars(select(HostPause).where(HostPause.paused_until > func.now()).order_by(HostPause.host)).all()

"""One walk of a source: from the newest page back to what is known, each page stored in its own transaction.

The high-water mark moves only when the walk met it again. A walk that ends early leaves its place, and the ledger says
which days are not complete. Whatever happens, the run ends in exactly one outcome.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.db import transaction
from app.doubt import weigh
from app.ledger import cover, finish, start
from app.seal import Seal
from app.store import store_page
from collectors.base import Collector, Page, SourceError
from models.intake import Stored
from models.sources import Run, Source

log = logging.getLogger(__name__)

LATE_FIGURES = timedelta(days=3)
"""How long after a day a crash tool may still correct its figures."""

Progress = Callable[[Run], None]


class AlreadyWalkingError(Exception):
    """Another process is reading this source now; its run shows how far it is."""


@dataclass
class Walk:
    """How far a walk has come; what the outcome and the ledger are made from."""

    trigger: str
    high_water: datetime | None
    walk_top: datetime | None
    walk_resume: str | None
    newest: datetime | None = None
    oldest: datetime | None = None
    until: datetime | None = None
    """Up to when it can be complete, where the source publishes late."""
    pages: int = 0
    stored: Stored = field(default_factory=Stored)
    ended: str | None = None
    """overlap, or the source's own word: exhausted, source_limit, unconfirmed."""
    fault: SourceError | None = None
    doubt: str = ""
    """Where a list ended that nothing could confirm, and `sure`, since when it was whole all the same."""
    sure: datetime | None = None
    began: datetime = field(default_factory=clock.now)
    joined: bool = False
    """Whether it met an earlier walk that had ended early, and went on from there."""


def walk(
    engine: Engine,
    source_id: int,
    collector: Collector,
    *,
    seal: Seal,
    trigger: str = "schedule",
    on_progress: Progress | None = None,
) -> Run:
    """Read a source and store what it has. Returns the finished run; raises AlreadyWalkingError if one is under way.

    `trigger` is schedule, manual, first, backfill (goes through all pages, whatever is known) or import.
    """
    with _only_one(engine, source_id):
        with transaction(engine) as session:
            source, run = start(session, source_id, trigger, clock.now())
        state = Walk(run.trigger, source.high_water, source.walk_top, source.walk_resume)
        try:
            for page in _pages(collector, state):
                run = _take(engine, source_id, run.id, page, state, seal)
                if on_progress:
                    on_progress(run)
                if state.ended:
                    break
        except SourceError as fault:
            state.fault = fault
            log.warning("source failed", extra={"source": source_id, "fault": fault.kind, "reason": str(fault)})
        except BaseException as error:
            state.fault = SourceError(f"Cocoon stopped the walk: {_in_short(error)}", kind="unreachable")
            _close(engine, source_id, run.id, state)
            raise
        return _close(engine, source_id, run.id, state)


def _in_short(error: BaseException) -> str:
    """The first line of an error: those of the database go on with its statement and our rows."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


@contextmanager
def _only_one(engine: Engine, source_id: int) -> Iterator[None]:
    """A lock that dies with its connection: kill -9 frees it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"key": source_id}
        if not connection.scalar(text("SELECT pg_try_advisory_lock(hashtext('cocoon:walk'), :key)"), key):
            raise AlreadyWalkingError(f"Source {source_id} is being read by another process.")
        try:
            yield
        finally:
            # Where the server went away meanwhile, the lock went with it, and the walk's own end stands.
            with suppress(SQLAlchemyError):
                connection.execute(text("SELECT pg_advisory_unlock(hashtext('cocoon:walk'), :key)"), key)


def _pages(collector: Collector, state: Walk) -> Iterator[Page]:
    """The newest pages; and once they meet an earlier walk that ended early, the pages after that one's place."""
    for page in collector.pages():
        yield page
        if state.joined:
            break
    if not state.joined or state.ended:
        return
    try:
        yield from collector.pages(state.walk_resume)
    except SourceError as fault:
        if fault.kind not in {"format", "refused", "gone"}:
            raise
        # The place is no longer valid (a token expires): read it all again, what is known costs little.
        state.joined, state.walk_top, state.walk_resume = False, None, None
        yield from collector.pages()


def _take(engine: Engine, source_id: int, run_id: int, page: Page, state: Walk, seal: Seal) -> Run:
    """Store one page with its run's counters and the walk's place, in one transaction."""
    with transaction(engine) as session:
        source = session.get_one(Source, source_id)
        stored = store_page(session, source, run_id, page, seal=seal, now=clock.now())
        state.stored += stored
        state.pages += 1
        times = [max(v.written_at, v.edited_at or v.written_at) for v in page.verbatims]
        times += [answer.answered_at for answer in page.answers]
        if times:
            # A date in the future (a clock that is wrong) must not vouch for what is not written yet.
            state.newest = min(clock.now(), max(times + ([state.newest] if state.newest else [])))
            if page.cursor is None or page.reaches is None:  # what changed lately may be written long ago
                state.oldest = min(times + ([state.oldest] if state.oldest else []))
        if page.reaches is not None:
            state.oldest = min(state.oldest or page.reaches, page.reaches)
        state.doubt, state.sure = page.doubt, page.sure
        if page.until is not None:
            state.until = max(state.until or page.until, page.until)
        if page.replaced:
            # Figures have no moment of their own: the page says up to when they are known.
            state.newest = state.newest or min(page.until or clock.now(), clock.now())
        if page.cursor is None:
            state.ended = page.end or _met(state, stored, min(times) if times else None) or _met_figures(state, page)
        else:
            state.ended = page.end
            source.config = source.config | {"cursor": page.cursor}
        if state.joined or state.walk_resume is None:
            source.walk_top, source.walk_resume = state.newest, page.resume
        run = session.get_one(Run, (source.app_id, run_id))
        run.pages = state.pages
        run.seen += len(page.verbatims)
        run.figures += len(page.daily_crashes) + len(page.daily_sessions)
        run.stored += stored.new
        run.revised += stored.revised
        run.quarantined += len(page.quarantined)
        run.progress = page.progress
        run.heartbeat_at = session.scalar(text("SELECT clock_timestamp()")) or run.heartbeat_at
        if page.note and page.note not in run.reason:
            run.reason = f"{run.reason} {page.note}".strip()[:2000]
    return run


def _met(state: Walk, stored: Stored, oldest: datetime | None) -> str | None:
    """Whether this page is known ground: all of it stored before, and older than where an earlier walk had come."""
    if oldest is None or stored.new or stored.revised or state.trigger in {"backfill", "import"}:
        return None
    if state.walk_resume is not None and state.walk_top is not None and not state.joined and oldest <= state.walk_top:
        state.joined = True
        return None
    if state.high_water is not None and oldest <= state.high_water:
        return "overlap"
    return None


def _met_figures(state: Walk, page: Page) -> str | None:
    """Whether a page of daily figures reaches back into days that were read before, and three days further.

    Crash tools correct the last days for a while (late devices, a batch after the live table).
    """
    if not page.replaced or page.reaches is None or state.high_water is None:
        return None
    if state.trigger in {"backfill", "import"} or page.reaches > state.high_water - LATE_FIGURES:
        return None
    return "overlap"


def _close(engine: Engine, source_id: int, run_id: int, state: Walk) -> Run:
    """Write the outcome, the ledger and the next date in one transaction."""
    with transaction(engine) as session:
        source = session.get_one(Source, source_id, with_for_update=True)
        run = session.get_one(Run, (source.app_id, run_id))
        now = clock.now()
        believed = weigh(session, source, state, now)
        finish(session, source, run, state, now)
        run.reason = f"{believed} {run.reason}".strip()[:2000]
        cover(session, source, state, now)
        if run.outcome == "complete":
            source.high_water = max(filter(None, (source.high_water, state.newest)), default=None)
            source.walk_top, source.walk_resume, source.history_done = None, None, True
    return run

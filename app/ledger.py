"""What a walk means: the outcome of its run, and the days of the coverage ledger that it settles."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, DateTime, and_, case, cast, false, func, not_, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from alerts.silence import patience
from collectors.base import EMPTY
from models.apps import App
from models.sources import Coverage, HostPause, Run, Source

if TYPE_CHECKING:
    from app.walk import Walk

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
EVENING_UNSEEN, SILENT_SINCE = "not read since before the end of the day", "silent for longer than its rhythm allows"
PUBLISHED_LATER = "published later by the source"
LOST, NO_FURTHER = "older than the source shows", "the source shows no further back"


def start(session: Session, source_id: int, trigger: str, now: datetime) -> tuple[Source, Run]:
    """Open a run. A run that an earlier process left open died with it, and is closed as failed."""
    source = session.get_one(Source, source_id)
    session.execute(
        update(Run)
        .where(Run.app_id == source.app_id, Run.source_id == source.id, Run.outcome == "running")
        .values(
            outcome="failed",
            finished_at=now,
            reason="Interrupted: the process that was reading ended. What it had read is kept; the next walk goes on.",
        )
    )
    if trigger in {"schedule", "manual"} and not source.history_done:
        trigger = "first"  # whoever asked for it, what it brings is history
    run = Run(app_id=source.app_id, source_id=source.id, trigger=trigger, started_at=now)
    session.add(run)
    session.flush()
    return source, run


def finish(session: Session, source: Source, run: Run, state: "Walk", now: datetime) -> None:
    """Give the run its one outcome, and the source its next date (by the database's clock)."""
    run.outcome, reason = _outcome(source, state)
    run.reason = f"{reason} {run.reason}".strip()[:2000]
    run.finished_at = now
    if run.outcome == "complete":
        run.progress = 1.0
    clock = session.scalar(select(func.clock_timestamp()))
    assert clock is not None, "the database has a clock"
    run.heartbeat_at = clock
    if state.fault is not None and state.fault.kind == "throttled":
        _pause_host(session, state, clock)
    failed = run.outcome in {"failed", "throttled", "empty_unconfirmed"} or state.fault is not None
    failed = failed or state.ended == "unconfirmed"
    source.failures = source.failures + 1 if failed else 0
    if source.rhythm_minutes is not None:
        rhythm = timedelta(minutes=source.rhythm_minutes)
        retry = min(FIRST_RETRY * 2 ** min(source.failures - 1, 12), LONGEST_RETRY) if failed else rhythm
        source.next_run_at = clock + min(retry, rhythm)


def _outcome(source: Source, state: "Walk") -> tuple[str, str]:
    fault = state.fault
    if fault is not None:
        if fault.kind == "throttled":
            return "throttled", str(fault)
        return ("partial" if state.pages else "failed"), str(fault)
    if state.ended == "unconfirmed":
        if state.oldest is not None and state.doubt != EMPTY:
            return "partial", "The source ended in a way that nothing could confirm: older ones may be missing."
        return "empty_unconfirmed", "The source answered with nothing, and nothing could confirm it: unknown, not calm."
    if state.ended == "source_limit" and _rolled_past(state):
        return "complete", "The source shows no further back than this, and the last walk is older: some days are lost."
    stopped = "The source stopped before the walk met what is known."
    return ("partial", stopped) if state.ended is None else ("complete", "")


def _rolled_past(state: "Walk") -> bool:
    """Whether what the source still shows begins after where the last complete walk had come."""
    return state.high_water is not None and state.oldest is not None and state.oldest > state.high_water


def cover(session: Session, source: Source, state: "Walk", now: datetime) -> None:
    """Settle the ledger for the days this walk spoke of. A day that was complete is never made worse by a failure."""
    zone = ZoneInfo(session.get_one(App, source.app_id).timezone)
    today = now.astimezone(zone).date()

    def day(moment: datetime) -> date:
        return min(moment.astimezone(zone).date(), today)

    complete = state.fault is None and state.ended in {"overlap", "exhausted", "source_limit"}
    known = day(state.high_water) if state.high_water else None
    # A list that shows nothing, and is believed, has had nothing since it was last read.
    reach = day(state.oldest) if state.oldest else known or today
    if complete and state.trigger == "import":
        last = day(state.newest) if state.newest else today
        _mark(session, source, reach, last, "complete", "from a file", now)
        return
    if complete:
        first = known if known is not None and state.ended == "overlap" else reach
        if state.ended == "source_limit" and (known is None or _rolled_past(state)):
            # Both end days are half read: the one where the last walk stopped, and the one where this one did.
            begin, reason = (known, LOST) if known is not None else (reach, NO_FURTHER)
            _mark(session, source, begin, reach, "partial", reason, now, spare=_read_to_its_end(zone))
            first = reach + timedelta(days=1)
        elif state.ended == "source_limit" and known is not None and reach < known:
            # Of the last day that the source shows, only an earlier walk can say that it is whole.
            _mark(session, source, reach, reach, "partial", NO_FURTHER, now, spare=true())
            first = reach + timedelta(days=1)
        # What is lost of the day where this walk stopped stays lost, unless it read on to the source's end.
        spare = None
        if state.ended != "exhausted":
            spare = and_(Coverage.day == reach, Coverage.state == "partial", Coverage.reason.in_((LOST, NO_FURTHER)))
        # Of a source that publishes late nothing is known yet after the moment that it names.
        last = day(state.until) if state.until else today
        _mark(session, source, first, last, "complete", "", now, spare=spare)
        if last < today:
            awaited = Coverage.state == "complete"
            _mark(session, source, last + timedelta(days=1), today, "held", PUBLISHED_LATER, now, spare=awaited)
        return
    reason = str(state.fault) if state.fault else "not confirmed"
    begin = known if known is not None else reach
    found = "partial" if state.stored.new else "unknown"
    _mark(session, source, begin, today, found, reason, now, spare=_read_to_its_end(zone))


def settle(session: Session, app: App, now: datetime) -> None:
    """Take back "complete" from days whose end nobody has seen: yesterday's evening, or today after a long silence.

    A day is marked complete while it lasts, up to the last walk. If no walk follows after midnight (a worker that was
    off, a host that asked for a pause), what came in between is missing, and the ledger must not call it calm. Nor may
    today stay complete once the source has been silent for longer than its rhythm allows.
    """
    zone = ZoneInfo(app.timezone)
    today = now.astimezone(zone).date()
    rhythms = session.execute(
        # A counter is complete when it was read at all that day, a file when it was imported.
        select(Source.id, Source.rhythm_minutes).where(
            Source.app_id == app.id, Source.rhythm_minutes.is_not(None), Source.high_water.is_not(None)
        )
    ).all()
    ended = and_(Coverage.day < today, not_(_read_to_its_end(zone)))
    silent = [
        and_(Coverage.source_id == source_id, Coverage.checked_at < now - patience(timedelta(minutes=minutes or 60))[0])
        for source_id, minutes in rhythms
    ]
    session.execute(
        update(Coverage)
        .where(
            Coverage.app_id == app.id,
            Coverage.state == "complete",
            Coverage.source_id.in_([source_id for source_id, _ in rhythms]),
            or_(ended, and_(Coverage.day == today, or_(false(), *silent))),
        )
        .values(
            state="partial",
            reason=case((Coverage.day == today, SILENT_SINCE), else_=EVENING_UNSEEN),
        )
        .execution_options(synchronize_session=False)
    )


def _read_to_its_end(zone: ZoneInfo) -> ColumnElement[bool]:
    """Whether a cell is complete and was read after its own day was over."""
    ended = func.timezone(str(zone), cast(Coverage.day + 1, DateTime))
    return and_(Coverage.state == "complete", Coverage.checked_at >= ended)


def _mark(
    session: Session,
    source: Source,
    first: date,
    last: date,
    state: str,
    reason: str,
    now: datetime,
    *,
    spare: ColumnElement[bool] | None = None,
) -> None:
    """Write the cells of these days, those that `spare` holds of left as they are."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for begin in range(0, len(days), 5000):
        new = insert(Coverage).values(
            [
                {
                    "app_id": source.app_id,
                    "source_id": source.id,
                    "day": day,
                    "state": state,
                    "reason": reason[:500],
                    "checked_at": now,
                }
                for day in days[begin : begin + 5000]
            ]
        )
        session.execute(
            new.on_conflict_do_update(
                index_elements=["app_id", "source_id", "day"],
                set_={
                    "state": new.excluded.state,
                    "reason": new.excluded.reason,
                    "checked_at": new.excluded.checked_at,
                },
                where=None if spare is None else not_(spare),
            )
        )


def _pause_host(session: Session, state: "Walk", clock: datetime) -> None:
    """Keep everybody away from a host that asked us to slow down: as long as it said, else doubling to 15 minutes."""
    assert state.fault is not None, "only a throttled walk pauses its host"
    if not state.fault.host:
        return
    pause = session.get(HostPause, state.fault.host, with_for_update=True)
    strikes = pause.strikes + 1 if pause is not None and clock - pause.paused_until < timedelta(hours=1) else 1
    asked = timedelta(seconds=min(state.fault.retry_after, 86_400)) if state.fault.retry_after else None
    until = clock + (asked or min(FIRST_PAUSE * 2 ** (min(strikes, 10) - 1), LONGEST_PAUSE))
    if pause is None:
        session.add(HostPause(host=state.fault.host, paused_until=until, strikes=strikes, reason=str(state.fault)))
    else:
        pause.paused_until, pause.strikes, pause.reason = max(until, pause.paused_until), strikes, str(state.fault)
    session.flush()

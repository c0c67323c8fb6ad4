"""The way in for crash figures: a day that is told again replaces its numbers, so that reading twice is harmless."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import case, delete, func, null, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.records import CrashIssueRecord, DailyCrashesRecord, DailySessionsRecord, ReplacedDays, SignalRecord
from models.sources import Source
from models.stability import CrashIssue, CrashSignal, DailyCrashes, DailySessions

ALL_ISSUES = 0


def store_stability(
    session: Session,
    source: Source,
    issues: Sequence[CrashIssueRecord] = (),
    crashes: Sequence[DailyCrashesRecord] = (),
    sessions: Sequence[DailySessionsRecord] = (),
    replaced: Sequence[ReplacedDays] = (),
    signals: Sequence[SignalRecord] = (),
) -> int:
    """Store a page of crash figures in the caller's transaction; returns how many daily figures it held.

    Titles must be masked before. Figures of an issue that is not known here are kept under an issue without a title.
    """
    for days in replaced:
        _forget(session, source, days)
    _store_issues(session, source, issues, crashes)
    _store_crashes(session, source, crashes)
    _store_sessions(session, source, sessions)
    _store_signals(session, source, signals)
    return len(crashes) + len(sessions)


def _forget(session: Session, source: Source, days: ReplacedDays) -> None:
    table = DailySessions if days.part == "sessions" else DailyCrashes
    gone = delete(table).where(
        table.app_id == source.app_id, table.source_id == source.id, table.day.between(days.first, days.last)
    )
    if days.part != "sessions":
        gone = gone.where(
            DailyCrashes.issue_id == ALL_ISSUES if days.part == "crashes" else DailyCrashes.issue_id != ALL_ISSUES
        )
        if days.kinds:
            gone = gone.where(DailyCrashes.kind.in_(days.kinds))
    session.execute(gone.execution_options(synchronize_session=False))


def _store_issues(
    session: Session, source: Source, issues: Sequence[CrashIssueRecord], crashes: Sequence[DailyCrashesRecord]
) -> None:
    """What was seen first keeps its first version, what was seen last its last one, whatever the order of answers."""
    known = {each.external_id: each for each in issues}
    for row in crashes:
        if row.issue and row.issue not in known:
            known[row.issue] = CrashIssueRecord(row.issue, row.kind)
    if not known:
        return
    new = insert(CrashIssue)
    told = new.excluded
    earlier = (CrashIssue.first_version == "") | (told.first_seen_at < CrashIssue.first_seen_at)
    later = (CrashIssue.last_version == "") | (told.last_seen_at >= CrashIssue.last_seen_at)
    upsert = new.on_conflict_do_update(
        index_elements=["app_id", "source_id", "external_id"],
        set_={
            "kind": case((told.title == "", CrashIssue.kind), else_=told.kind),
            "title": func.coalesce(func.nullif(told.title, ""), CrashIssue.title),
            "subtitle": func.coalesce(func.nullif(told.subtitle, ""), CrashIssue.subtitle),
            "first_version": case(
                (earlier & (told.first_version != ""), told.first_version), else_=CrashIssue.first_version
            ),
            "last_version": case((later & (told.last_version != ""), told.last_version), else_=CrashIssue.last_version),
            "first_seen_at": func.least(told.first_seen_at, CrashIssue.first_seen_at),
            "last_seen_at": func.greatest(told.last_seen_at, CrashIssue.last_seen_at),
            "state": func.coalesce(func.nullif(told.state, ""), CrashIssue.state),
            "url": func.coalesce(told.url, CrashIssue.url),
        },
    )
    rows = [
        asdict(known[name]) | {"app_id": source.app_id, "source_id": source.id, "channel": source.channel}
        for name in sorted(known)
    ]
    session.execute(upsert, rows)


def _store_crashes(session: Session, source: Source, crashes: Sequence[DailyCrashesRecord]) -> None:
    if not crashes:
        return
    named = {row.issue for row in crashes if row.issue}
    ids: dict[str, int] = {"": ALL_ISSUES}
    if named:
        found = session.execute(
            select(CrashIssue.external_id, CrashIssue.id).where(
                CrashIssue.app_id == source.app_id,
                CrashIssue.source_id == source.id,
                CrashIssue.external_id.in_(named),
            )
        )
        ids |= dict(found.all())
    # One row a key: of two in one answer the last stands, as it would over two answers; added ones add up.
    rows: dict[bool, dict[tuple[Any, ...], dict[str, Any]]] = {True: {}, False: {}}
    for row in crashes:
        key = (row.day, row.version, row.issue, row.kind)
        before = rows[row.added].get(key)
        events = max(row.events, 0) + (before["events"] if before and row.added else 0)
        values = asdict(replace(row, events=events)) | _of(source) | {"issue_id": ids[row.issue]}
        del values["issue"], values["added"]
        rows[row.added][key] = values
    for added, given in rows.items():
        new = insert(DailyCrashes)
        told: dict[str, Any] = {name: new.excluded[name] for name in ("channel", "events", "users", "users_rounded")}
        if added:
            told |= {"events": DailyCrashes.events + new.excluded.events, "users": null()}
        if given:
            session.execute(
                new.on_conflict_do_update(
                    index_elements=["app_id", "source_id", "day", "version", "issue_id", "kind"], set_=told
                ),
                list(given.values()),
            )


def _store_signals(session: Session, source: Source, signals: Sequence[SignalRecord]) -> None:
    rows = {each.external_id: asdict(each) | _of(source) for each in signals}
    if rows:
        session.execute(
            insert(CrashSignal).on_conflict_do_nothing(index_elements=["app_id", "source_id", "external_id"]),
            list(rows.values()),
        )


def _store_sessions(session: Session, source: Source, sessions: Sequence[DailySessionsRecord]) -> None:
    if not sessions:
        return
    rows = {(row.day, row.version): asdict(row) | _of(source) for row in sessions}
    new = insert(DailySessions)
    told = [name for name in asdict(sessions[0]) if name not in {"day", "version"}]
    session.execute(
        new.on_conflict_do_update(
            index_elements=["app_id", "source_id", "day", "version"],
            set_={name: new.excluded[name] for name in (*told, "channel")},
        ),
        list(rows.values()),
    )


def _of(source: Source) -> dict[str, Any]:
    return {"app_id": source.app_id, "source_id": source.id, "channel": source.channel}

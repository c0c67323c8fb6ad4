"""Rows that could not be read: what they are, and reading them once more after a fix."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from analysis.mask import mask
from app import clock
from app.context import Context
from app.jobs import look_before_history
from app.judge import judge
from app.seal import Seal
from app.store import store_page
from collectors.base import Page
from collectors.replay import replay
from collectors.values import RowFault
from models.records import RatingRecord, VerbatimRecord
from models.sources import Quarantine, Run, Source

BATCH = 500
SEALED = b"gAAAA"
"""How everything begins that the seal closes."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a source's quarantined rows: read now, and still unreadable by their reason."""

    read: int
    stored: int
    left: int


def replay_source(context: Context, source_id: int) -> Replayed:
    """Read every quarantined row of a source once more. What can be read is stored as history: it never alerts.

    Each batch is one transaction: rows, counts and the mark that they were replayed. Idempotent.
    """
    with context.transaction() as session:
        source = session.get_one(Source, source_id)
        app_id = source.app_id
    look_before_history(context, app_id)
    read = stored = left = last = 0
    while True:
        with context.transaction() as session:
            batch = _waiting(session, app_id, source_id, last)
            if not batch:
                break
            last = batch[-1].id
            one = _batch(session, context, source_id, batch)
        read, stored, left = read + one.read, stored + one.stored, left + one.left
    with context.transaction() as session:
        judge(session, app_id, clock.now(), base_url=context.settings.base_url, quiet=True)
    return Replayed(read, stored, left)


def _waiting(session: Session, app_id: int, source_id: int, after: int) -> Sequence[Quarantine]:
    return session.scalars(
        select(Quarantine)
        .where(
            Quarantine.app_id == app_id,
            Quarantine.source_id == source_id,
            Quarantine.replayed_at.is_(None),
            Quarantine.id > after,
        )
        .order_by(Quarantine.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()


def _batch(session: Session, context: Context, source_id: int, batch: Sequence[Quarantine]) -> Replayed:
    source = session.get_one(Source, source_id)
    config = context.source_config(source)
    verbatims: list[VerbatimRecord] = []
    ratings: list[RatingRecord] = []
    done: list[int] = []
    for row in batch:
        try:
            found = replay(source.kind, config, _opened(context.seal, row.raw))
        except RowFault as fault:
            row.reason = mask(str(fault))[:500]
            continue
        (verbatims if isinstance(found, VerbatimRecord) else ratings).append(found)  # type: ignore[arg-type]
        done.append(row.id)
    if not done:
        return Replayed(0, 0, len(batch))
    now = clock.now()
    run = Run(app_id=source.app_id, source_id=source.id, trigger="replay", started_at=now, finished_at=now)
    run.outcome, run.pages, run.seen = "complete", 1, len(verbatims)
    session.add(run)
    session.flush()
    kept = store_page(session, source, run.id, Page(tuple(verbatims), tuple(ratings)), seal=context.seal, now=now)
    run.stored, run.revised = kept.new, kept.revised
    session.execute(
        update(Quarantine).where(Quarantine.app_id == source.app_id, Quarantine.id.in_(done)).values(replayed_at=now)
    )
    return Replayed(len(done), kept.new, len(batch) - len(done))


def _opened(seal: Seal, raw: bytes) -> bytes:
    """The bytes of a row; those that an earlier Cocoon kept are not sealed."""
    return seal.open_bytes(raw) if raw.startswith(SEALED) else raw


def reasons(session: Session, source_ids: Sequence[int]) -> dict[int, list[tuple[str, int]]]:
    """The reasons of each source's waiting rows with their counts, the most frequent first. Values are masked."""
    counted = func.count()
    rows = session.execute(
        select(Quarantine.source_id, Quarantine.reason, counted)
        .where(Quarantine.source_id.in_(source_ids), Quarantine.replayed_at.is_(None))
        .group_by(Quarantine.source_id, Quarantine.reason)
        .order_by(Quarantine.source_id, counted.desc(), Quarantine.reason)
    )
    found: dict[int, dict[str, int]] = {}
    for source_id, reason, n in rows:
        by_reason = found.setdefault(source_id, {})
        general = in_general(mask(reason))
        by_reason[general] = by_reason.get(general, 0) + int(n)
    return {source_id: sorted(each.items(), key=lambda pair: (-pair[1], pair[0])) for source_id, each in found.items()}


def waiting(session: Session, source: Source, limit: int, after: int = 0) -> Sequence[Quarantine]:
    """A source's quarantined rows that wait, oldest first, after row `after`."""
    return session.scalars(
        select(Quarantine)
        .where(
            Quarantine.app_id == source.app_id,
            Quarantine.source_id == source.id,
            Quarantine.replayed_at.is_(None),
            Quarantine.id > after,
        )
        .order_by(Quarantine.id)
        .limit(limit)
    ).all()


def in_general(reason: str) -> str:
    """A reason without its row's number and value, so that rows of one fault are counted together."""
    reason = re.sub(r"^(row \d+|[\w.\-]+\.csv(?:\.gz)?): ", "", reason)
    column = re.match(r"column '.*?': ", reason)
    own = column[0] if column else ""
    value = r"('[^']*'|\"[^\"]*\"|\d{4}-\d\d-\d\d(T\S+)?)"
    return own + re.sub(rf"\b(the (?:stars|average|id|[\w ]*date|[\w ]*time)) {value}", r"\1 …", reason[len(own) :])

"""Reading again what was understood by an older model: in the background, a page a transaction, counts kept in step."""

import logging
from collections.abc import Callable, Sequence

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from analysis.understand import Document, understand, version
from app.context import Context
from app.own_reading import sync, unread
from models.feedback import Verbatim
from models.intake import Origin, PreparedVerbatim, store_verbatims
from models.own import Reading

log = logging.getLogger(__name__)

PAGE = 1000


def reread(
    context: Context,
    app_id: int,
    *,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda _: None,
) -> int:
    """Understand again every verbatim of an app that another model read. Returns how many; may be stopped.

    `progress` is told how many were read with each page.
    """
    with context.transaction() as session:
        sync(session, context.settings)
        _begin(session, app_id, version())
    model, done, last = version(), 0, 0
    while not stop():
        with context.transaction() as session:
            # Whoever else reads this app again (a worker, cocoon train) takes the next page, not the same one.
            session.execute(text("SELECT pg_advisory_xact_lock(hashtext('cocoon:reread'), :key)"), {"key": app_id})
            sync(session, context.settings)
            if version() != model:  # another was chosen meanwhile: what was just read is read once more
                model, last = version(), 0
                _begin(session, app_id, model)
            rows = session.scalars(
                select(Verbatim)
                .where(Verbatim.app_id == app_id, Verbatim.id > last, Verbatim.model != model)
                .order_by(Verbatim.id)
                .limit(PAGE)
            ).all()
            if not rows:
                session.execute(update(Reading).where(Reading.app_id == app_id).values(ended_at=func.now()))
                break
            last = rows[-1].id
            done += read_again(session, rows)
            session.execute(update(Reading).where(Reading.app_id == app_id).values(done=Reading.done + len(rows)))
        progress(len(rows))
    if done:
        log.info("read again with the present model", extra={"app": app_id, "verbatims": done, "model": model})
    return done


def _begin(session: Session, app_id: int, model: str) -> None:
    """Note how much there is to read; what an interrupted reading with the same model has done still counts."""
    old, _ = unread(session, app_id)
    row = session.get(Reading, app_id)
    if row is None:
        row = Reading(app_id=app_id, model="")
        session.add(row)
    if row.model == model and not old:
        return
    if row.model != model or row.ended_at is not None:
        row.model, row.done, row.begun_at = model, 0, func.now()
    row.total, row.ended_at = row.done + old, None
    session.flush()


def read_again(session: Session, rows: Sequence[Verbatim]) -> int:
    """Understand these verbatims with the present model; what people corrected stays. Returns how many."""
    said = understand([Document(row.body, row.title, row.stars, row.storefront or None, row.locale) for row in rows])
    by_origin: dict[Origin, list[PreparedVerbatim]] = {}
    for row, one in zip(rows, said, strict=True):
        origin = Origin(row.app_id, row.source_id, row.kind, row.channel)
        by_origin.setdefault(origin, []).append(
            PreparedVerbatim(
                external_id=row.external_id,
                written_at=row.written_at,
                edited_at=row.edited_at,
                day=row.day,
                body=row.body,
                title=row.title,
                stars=row.stars,
                storefront=row.storefront,
                version=row.version,
                language=one.language,
                sentiment=one.sentiment,
                label=one.label,
                confidence=one.confidence,
                intents=one.intents,
                urgent=one.urgent,
                model=one.model,
                topics=tuple((t.topic, t.sentiment, t.evidence) for t in one.topics),
            )
        )
    for origin, prepared in by_origin.items():
        store_verbatims(session, origin, prepared, rows[0].first_seen_at)
    return len(rows)

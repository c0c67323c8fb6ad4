"""Reading again what was understood by an older model: in the background, a page a transaction, counts kept in step."""

import logging
from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.understand import Document, understand, version
from app.context import Context
from app.own_reading import sync
from models.feedback import Verbatim
from models.intake import Origin, PreparedVerbatim, store_verbatims

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
    model, done, last = version(), 0, 0
    while not stop():
        with context.transaction() as session:
            rows = session.scalars(
                select(Verbatim)
                .where(Verbatim.app_id == app_id, Verbatim.id > last, Verbatim.model != model)
                .order_by(Verbatim.id)
                .limit(PAGE)
            ).all()
            if not rows:
                break
            last = rows[-1].id
            done += read_again(session, rows)
        progress(len(rows))
    if done:
        log.info("read again with the present model", extra={"app": app_id, "verbatims": done, "model": model})
    return done


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

"""From a page of a source to the tables: mask, hash, understand, count. The caller's transaction holds it all."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from analysis.mask import mask
from analysis.understand import Document, understand
from app.seal import Seal
from app.voices import recognised, store_answers_of, store_tickets_of, wanted
from collectors.base import Page
from collectors.registry import identity_of
from models.apps import App
from models.intake import Origin, PreparedVerbatim, Stored, store_verbatims
from models.ratings import RatingSnapshot
from models.records import QuarantinedRow, RatingRecord, ReleaseRecord, VerbatimRecord
from models.releases import build_names, learn_builds, merge
from models.sources import Quarantine, Source
from models.stability_intake import store_stability
from models.versions import Named, split

LARGEST_ROW = 100_000
"""Bytes of an unreadable row that are kept; what was longer cannot be replayed."""

MAX_BODY = 20_000
"""Longer texts are cut: no store allows more than 6,000 characters, and a novel is no review."""


def prepare(
    records: Sequence[VerbatimRecord],
    zone: ZoneInfo,
    channel: str,
    seal: Seal,
    persons: Sequence[str | None] | None = None,
) -> list[PreparedVerbatim]:
    """Mask, hash and understand records: what leaves here holds no personal data. `persons` go with the records."""
    titles = [mask(_clean(record.title)) for record in records]
    bodies = [mask(_clean(record.body)) for record in records]
    documents = [
        Document(text=body, title=title, stars=record.stars, storefront=record.storefront, locale=record.locale)
        for record, title, body in zip(records, titles, bodies, strict=True)
    ]
    return [
        PreparedVerbatim(
            external_id=_identity(record, seal),
            written_at=record.written_at,
            edited_at=record.edited_at,
            day=record.written_at.astimezone(zone).date(),
            title=title,
            body=body,
            stars=record.stars,
            storefront=_clean(record.storefront or ""),
            locale=_maybe(record.locale),
            version=_clean(record.version or ""),
            device=_maybe(record.device),
            os=_maybe(record.os),
            author=seal.author(f"{channel}:{record.author}") if record.author else None,
            reply=mask(_clean(record.reply)) if record.reply else None,
            replied_at=record.replied_at,
            thumbs_up=record.thumbs_up,
            url=_maybe(record.url),
            person=person,
            thread=_maybe(record.thread),
            language=said.language,
            sentiment=said.sentiment,
            label=said.label,
            confidence=said.confidence,
            intents=said.intents,
            urgent=said.urgent,
            model=said.model,
            topics=tuple((mention.topic, mention.sentiment, mention.evidence) for mention in said.topics),
        )
        for record, title, body, said, person in zip(
            records, titles, bodies, understand(documents), persons or [None] * len(records), strict=True
        )
    ]


def _identity(record: VerbatimRecord, seal: Seal) -> str:
    return seal.author(f"id:{record.external_id}") if record.personal_id else _clean(record.external_id)


def _clean(words: str) -> str:
    """What Postgres can hold: no NUL, no lone surrogates, and an end."""
    return words.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:MAX_BODY].strip()


def _maybe(words: str | None) -> str | None:
    return None if words is None else _clean(words)


def store_page(session: Session, source: Source, run_id: int, page: Page, *, seal: Seal, now: datetime) -> Stored:
    """Store one page: its verbatims, ratings, releases and unreadable rows."""
    app = session.get_one(App, source.app_id)
    zone = ZoneInfo(app.timezone)
    # A file or an API of store reviews shares the identity of that store's own feed, so that both count once.
    identity = identity_of(source.kind, source.config)
    origin = Origin(source.app_id, source.id, identity, source.channel)
    persons = recognised(session, source.app_id, page, seal)
    store_tickets_of(session, origin, page.tickets, persons.tickets, zone)
    store_answers_of(session, origin, page.answers, persons.answers, zone, seal)
    records, voices = wanted(session, origin, _versioned(session, source, page.verbatims), persons.verbatims)
    stored = store_verbatims(session, origin, prepare(records, zone, source.channel, seal, voices), now)
    for rating in page.ratings:
        _store_rating(session, source, rating)
    for release in page.releases:
        merge(session, source.app_id, source.channel, _cleaned(release), source.kind, zone)
    # An exception's message may quote what a customer had typed.
    issues = [
        replace(issue, title=mask(_clean(issue.title)[:500]), subtitle=mask(_clean(issue.subtitle)[:500]))
        for issue in page.crash_issues
    ]
    signals = [replace(each, title=mask(_clean(each.title)[:500])) for each in page.signals]
    store_stability(session, source, issues, page.daily_crashes, page.daily_sessions, page.replaced, signals)
    _store_quarantine(session, source, run_id, page.quarantined, seal)
    return stored


def _versioned(session: Session, source: Source, records: Sequence[VerbatimRecord]) -> list[VerbatimRecord]:
    """Records with one spelling of each version, and with its name where the source told the build only.

    What tells both teaches us the names of builds.
    """
    split_up = [(record, split(record.version)) if record.version else (record, Named("", "")) for record in records]
    told = {(record.build or named.build): named.name for record, named in split_up if named.name}
    told.pop("", None)
    learn_builds(session, source.app_id, source.channel, {_clean(b)[:200]: _clean(v) for b, v in told.items()})
    unnamed = {record.build for record, named in split_up if record.build and not named.name}
    names = build_names(session, source.app_id, source.channel, unnamed) if unnamed else {}
    return [replace(record, version=named.name or names.get(record.build or "") or None) for record, named in split_up]


def _cleaned(record: ReleaseRecord) -> ReleaseRecord:
    return replace(record, version=_clean(record.version), notes=_clean(record.notes))


def _store_rating(session: Session, source: Source, record: RatingRecord) -> None:
    """Keep a counter only when it moved: an unchanged one says nothing new."""
    storefront = record.storefront or ""
    last = session.scalars(
        select(RatingSnapshot)
        .where(
            RatingSnapshot.app_id == source.app_id,
            RatingSnapshot.channel == source.channel,
            RatingSnapshot.storefront == storefront,
        )
        .order_by(RatingSnapshot.taken_at.desc())
        .limit(1)
    ).first()
    histogram = list(record.histogram) if record.histogram else None
    if last is not None and (last.average, last.count, last.histogram) == (record.average, record.count, histogram):
        return
    session.execute(
        insert(RatingSnapshot)
        .values(
            app_id=source.app_id,
            channel=source.channel,
            storefront=storefront,
            taken_at=record.taken_at,
            average=record.average,
            count=record.count,
            histogram=histogram,
        )
        .on_conflict_do_nothing()
    )


def _store_quarantine(
    session: Session, source: Source, run_id: int, rows: Sequence[QuarantinedRow], seal: Seal
) -> None:
    """Keep unreadable rows, the same bytes once a source, sealed: nobody has masked what stands in them.

    One that was replayed and cannot be read again waits anew.
    """
    kept = {hashlib.sha256(row.raw).hexdigest(): row for row in rows}
    if not kept:
        return
    new = insert(Quarantine).values(
        [
            {
                "app_id": source.app_id,
                "source_id": source.id,
                "run_id": run_id,
                "fingerprint": fingerprint,
                "reason": mask(_clean(row.reason))[:500],
                "raw": seal.close_bytes(row.raw[:LARGEST_ROW]),
            }
            for fingerprint, row in sorted(kept.items())
        ]
    )
    session.execute(
        new.on_conflict_do_update(
            index_elements=["app_id", "source_id", "fingerprint"],
            set_={"replayed_at": None, "reason": new.excluded.reason, "run_id": new.excluded.run_id},
            where=Quarantine.replayed_at.is_not(None),
        )
    )

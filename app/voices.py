"""From a page to its tickets, its survey answers and its persons: raw identities end here, as keyed hashes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.person_keys import hashed_keys
from app.seal import Seal
from collectors.base import Page
from models.intake import Origin
from models.records import AnswerRecord, TicketRecord, VerbatimRecord
from models.voices_intake import (
    PreparedAnswer,
    PreparedTicket,
    deleted_threads,
    recognise,
    store_answers,
    store_tickets,
)

Persons = list[str | None]


@dataclass(frozen=True, slots=True)
class PagePersons:
    """The person behind each record of a page, None where no key tells."""

    verbatims: Persons
    answers: Persons
    tickets: Persons


def recognised(session: Session, app_id: int, page: Page, seal: Seal) -> PagePersons:
    """Find out who speaks, by the keys of all records of a page together."""
    keys = [record.keys for record in page.verbatims]
    keys += [record.keys for record in page.answers] + [record.keys for record in page.tickets]
    persons = recognise(session, app_id, [hashed_keys(seal, each) for each in keys])
    first, second = len(page.verbatims), len(page.verbatims) + len(page.answers)
    return PagePersons(persons[:first], persons[first:second], persons[second:])


def wanted(
    session: Session, origin: Origin, records: Sequence[VerbatimRecord], persons: Persons
) -> tuple[list[VerbatimRecord], Persons]:
    """Leave out what belongs to a ticket that was deleted at its desk."""
    gone = deleted_threads(session, origin, [record.thread for record in records if record.thread])
    kept = [each for each in zip(records, persons, strict=True) if each[0].thread not in gone]
    return [record for record, _ in kept], [person for _, person in kept]


def store_answers_of(
    session: Session, origin: Origin, records: Sequence[AnswerRecord], persons: Persons, zone: ZoneInfo, seal: Seal
) -> int:
    """Store a page's scores. Returns how many rows changed."""
    prepared = [
        PreparedAnswer(
            survey=_short(record.survey),
            question=_short(record.question),
            type=record.type,
            score=record.score,
            low=record.low,
            high=record.high,
            answered_at=record.answered_at,
            day=record.answered_at.astimezone(zone).date(),
            respondent=seal.author(f"respondent:{record.survey}:{record.respondent}"),
            wave=_short(record.wave),
            segment=_short(record.segment),
            version=_short(record.version),
            person=person,
        )
        for record, person in zip(records, persons, strict=True)
    ]
    return store_answers(session, origin.app_id, origin.source_id, prepared)


def store_tickets_of(
    session: Session, origin: Origin, records: Sequence[TicketRecord], persons: Persons, zone: ZoneInfo
) -> int:
    """Store a page's tickets; the words of deleted ones go. Returns how many rows changed."""
    prepared = [
        PreparedTicket(
            replace(
                record,
                external_id=_short(record.external_id),
                via=_short(record.via),
                status=_short(record.status),
                version=_short(record.version),
                keys=(),
            ),
            day=record.created_at.astimezone(zone).date() if record.created_at else None,
            person=person,
        )
        for record, person in zip(records, persons, strict=True)
    ]
    return store_tickets(session, origin, prepared)


def _short(words: str) -> str:
    """What Postgres can hold as a key."""
    return words.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:200].strip()

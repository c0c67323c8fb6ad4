"""The one way in for survey answers, tickets and the keys of persons, in the caller's transaction. All idempotent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.feedback import Verbatim
from models.intake import Origin
from models.intake_sql import WITHDRAW
from models.records import TicketRecord
from models.voices import PersonKey, SurveyAnswer, Ticket
from models.voices_counts import count_alone, count_answers, count_tickets

# By arrays: a page may hold more keys than a statement has places.
_DAYS_OF = text("""SELECT DISTINCT day FROM survey_answers JOIN unnest(CAST(:a AS text[]), CAST(:b AS text[]),
  CAST(:c AS text[]), CAST(:d AS text[])) AS k(survey, wave, question, respondent)
  USING (survey, wave, question, respondent) WHERE app_id = :app_id""")
PEOPLE_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('cocoon:people', :app_id))"


@dataclass(frozen=True, slots=True)
class PreparedAnswer:
    """An answer that is ready for its table: respondent and person hashed, its day known."""

    survey: str
    question: str
    type: str
    score: float
    low: int
    high: int
    answered_at: datetime
    day: date
    respondent: str
    wave: str = ""
    segment: str = ""
    version: str = ""
    person: str | None = None


@dataclass(frozen=True, slots=True)
class PreparedTicket:
    """A ticket that is ready for its table: no raw keys, its person by their hash, its day in the app's zone.

    `day` is None where the record does not say when the ticket was opened.
    """

    ticket: TicketRecord
    day: date | None
    person: str | None = None


def store_answers(session: Session, app_id: int, source_id: int, rows: Iterable[PreparedAnswer]) -> int:
    """Store scores, the latest answer of each respondent, wave and question. Returns how many rows it changed."""
    latest: dict[tuple[str, str, str, str], PreparedAnswer] = {}
    for row in rows:
        key = (row.survey, row.wave, row.question, row.respondent)
        if key not in latest or row.answered_at >= latest[key].answered_at:
            latest[key] = row
    if not latest:
        return 0
    count_alone(session, app_id)
    keys = dict(zip("abcd", map(list, zip(*latest, strict=True)), strict=True))
    was = session.scalars(_DAYS_OF, {"app_id": app_id, **keys}).all()
    new = insert(SurveyAnswer)
    told = ("type", "score", "low", "high", "segment", "version", "answered_at", "day")
    differs = [getattr(new.excluded, name).is_distinct_from(getattr(SurveyAnswer, name)) for name in told]
    statement = new.on_conflict_do_update(
        index_elements=["app_id", "survey", "wave", "question", "respondent"],
        set_={name: getattr(new.excluded, name) for name in told}
        | {"person": func.coalesce(new.excluded.person, SurveyAnswer.person)},
        where=(new.excluded.answered_at >= SurveyAnswer.answered_at)
        & or_(*differs, new.excluded.person.is_distinct_from(SurveyAnswer.person)),
    ).returning(SurveyAnswer.day)
    # Sorted, so that two pages that hold the same respondents wait for each other and never deadlock.
    values = [
        {"app_id": app_id, "source_id": source_id} | {name: getattr(row, name) for name in PreparedAnswer.__slots__}
        for _, row in sorted(latest.items())
    ]
    days = session.scalars(statement, values).all()
    if days:
        count_answers(session, app_id, [*was, *days])
    return len(days)


def store_tickets(session: Session, origin: Origin, rows: Iterable[PreparedTicket]) -> int:
    """Store tickets, never an older state over a newer one; the words of deleted ones go. Returns rows changed."""
    ordered = sorted(rows, key=lambda row: (row.ticket.external_id, row.ticket.updated_at))
    if ordered:
        count_alone(session, origin.app_id)
    days = [day for row in ordered for day in _store_ticket(session, origin, row)]
    count_tickets(session, origin.app_id, days)
    gone = sorted({row.ticket.external_id for row in ordered if row.ticket.deleted})
    if gone:
        withdraw(session, origin, gone)
    return len(days)


def _store_ticket(session: Session, origin: Origin, row: PreparedTicket) -> Sequence[date]:
    """Store one; the day of the ticket where this changed it."""
    ticket = row.ticket
    told: dict[str, object] = {
        "via": ticket.via,
        "status": ticket.status,
        "first_answer_at": ticket.first_answer_at,
        "resolved_at": ticket.resolved_at,
        "satisfied": ticket.satisfied,
        "rating": ticket.rating,
        "version": ticket.version,
        "deleted_at": ticket.updated_at if ticket.deleted else None,
    }
    if ticket.partial:
        told = {name: value for name, value in told.items() if value not in (None, "")}
    if row.person is not None:
        told["person"] = row.person
    known = (
        Ticket.app_id == origin.app_id,
        Ticket.kind == origin.kind,
        Ticket.external_id == ticket.external_id,
        Ticket.updated_at <= ticket.updated_at,
        # Nothing but the desk's full record brings a deleted ticket back.
        *([Ticket.deleted_at.is_(None)] if ticket.partial else []),
    )
    differs = [getattr(Ticket, name).is_distinct_from(value) for name, value in told.items()]
    moved = session.scalars(
        update(Ticket)
        .where(*known, or_(*differs, Ticket.updated_at < ticket.updated_at))
        .values(**told, updated_at=ticket.updated_at)
        .returning(Ticket.day)
        .execution_options(synchronize_session=False)
    ).all()
    if moved or ticket.created_at is None or row.day is None:
        return moved
    fresh = insert(Ticket).values(
        app_id=origin.app_id,
        source_id=origin.source_id,
        kind=origin.kind,
        channel=origin.channel,
        external_id=ticket.external_id,
        created_at=ticket.created_at,
        day=row.day,
        updated_at=ticket.updated_at,
        **told,
    )
    return session.scalars(fresh.on_conflict_do_nothing().returning(Ticket.day)).all()


def deleted_threads(session: Session, origin: Origin, threads: Iterable[str]) -> set[str]:
    """Which of these tickets were deleted: a message of theirs that comes late stays out."""
    asked = sorted(set(threads))
    if not asked:
        return set()
    found = select(Ticket.external_id).where(
        Ticket.app_id == origin.app_id,
        Ticket.kind == origin.kind,
        Ticket.external_id.in_(asked),
        Ticket.deleted_at.is_not(None),
    )
    return set(session.scalars(found))


def withdraw(session: Session, origin: Origin, threads: Sequence[str]) -> int:
    """Delete the words of these tickets with all that was made of them, and take them out of the counts."""
    keys = {"app_id": origin.app_id, "kind": origin.kind, "channel": origin.channel, "threads": list(threads)}
    gone = 0
    for name, step in WITHDRAW:
        result = session.execute(text(step), keys)
        if name == "delete":
            gone = int(result.scalar_one())
    return gone


def recognise(session: Session, app_id: int, rows: Sequence[tuple[str, ...]]) -> list[str | None]:
    """The person behind each row's hashed keys; None for a row without one.

    Two keys in one row belong to one person; where that joins two who were taken for different people, their rows
    are told. A person's name is the smallest key hash that it was first known by.
    """
    keys = sorted({key for row in rows for key in row})
    if not keys:
        return [None] * len(rows)
    session.execute(text(PEOPLE_ONE_AT_A_TIME), {"app_id": app_id})
    found = select(PersonKey.key, PersonKey.person).where(PersonKey.app_id == app_id, PersonKey.key.in_(keys))
    known = {row.key: row.person for row in session.execute(found)}
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    old = set(known.values())
    for row in rows:
        for key in row:
            for other in (row[0], known.get(key, key)):
                # A person who is known keeps the name; of two, the smaller one stays.
                one, two = sorted((root(key), root(other)), key=lambda each: (each not in old, each))
                parent[two] = one
    for person in sorted(old):
        if root(person) != person:
            _join(session, app_id, person, root(person))
    fresh = [{"app_id": app_id, "key": key, "person": root(key)} for key in keys if key not in known]
    if fresh:
        session.execute(insert(PersonKey).on_conflict_do_nothing(), fresh)
    return [root(row[0]) if row else None for row in rows]


def _join(session: Session, app_id: int, old: str, person: str) -> None:
    for table in (PersonKey, Verbatim, SurveyAnswer, Ticket):
        session.execute(
            update(table)
            .where(table.app_id == app_id, table.person == old)
            .values(person=person)
            .execution_options(synchronize_session=False)
        )

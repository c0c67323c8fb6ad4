"""The one way in for verbatims: a page of rows, its revisions and its daily counts, in the caller's transaction.

Rows are copied into a temporary table and merged with set operations (the fastest way measured, see docs/decisions.md).
The counts are moved by the difference the page makes, so that they never need to be rebuilt.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.intake_sql import COLUMNS, LEARN_WORDS, STAGE, STEPS, TOPIC_COLUMNS

_WORD = re.compile(r"[^\W\d_]{5,}")


@dataclass(frozen=True, slots=True)
class PreparedVerbatim:
    """A verbatim that is ready for its table: masked, its author hashed, its day known, understood.

    `topics` holds (topic, sentiment there, the words that say so).
    """

    external_id: str
    written_at: datetime
    day: date
    body: str
    title: str = ""
    stars: int | None = None
    edited_at: datetime | None = None
    storefront: str = ""
    locale: str | None = None
    version: str = ""
    device: str | None = None
    os: str | None = None
    author: str | None = None
    reply: str | None = None
    replied_at: datetime | None = None
    thumbs_up: int | None = None
    url: str | None = None
    person: str | None = None
    thread: str | None = None
    language: str = "und"
    sentiment: float = 0.0
    label: str = "neutral"
    confidence: float = 0.0
    intents: tuple[str, ...] = ()
    urgent: bool = False
    model: str = ""
    topics: tuple[tuple[str, float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """What a page changed. `stale` rows were older than what we have (a store's cache) and were left out."""

    new: int = 0
    revised: int = 0
    touched: int = 0
    unchanged: int = 0
    stale: int = 0

    def __add__(self, other: "Stored") -> "Stored":
        return Stored(
            self.new + other.new,
            self.revised + other.revised,
            self.touched + other.touched,
            self.unchanged + other.unchanged,
            self.stale + other.stale,
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows come from: the keys that all rows of a page share."""

    app_id: int
    source_id: int
    kind: str
    channel: str


def store_verbatims(session: Session, origin: Origin, rows: Iterable[PreparedVerbatim], now: datetime) -> Stored:
    """Store rows once each: new ones, edits as revisions, and nothing for what we already have.

    Repeats inside `rows` keep the latest state. `now` becomes `first_seen_at`. Idempotent.
    """
    latest: dict[str, PreparedVerbatim] = {}
    for row in rows:
        known = latest.get(row.external_id)
        if known is None or _changed_at(row) > _changed_at(known):
            latest[row.external_id] = row
    if not latest:
        return Stored()
    _stage(session, list(latest.values()))
    keys = {
        "app_id": origin.app_id,
        "source_id": origin.source_id,
        "kind": origin.kind,
        "channel": origin.channel,
        "now": now,
    }
    for step in STEPS:
        session.execute(text(step), keys)
    fates = {row[0]: row[1] for row in session.execute(text("SELECT fate, count(*) FROM incoming GROUP BY fate"))}
    if fates.get("new") or fates.get("revised"):
        session.execute(text(LEARN_WORDS), {"words": sorted(words_of(latest.values()))})
    return Stored(**{fate: fates.get(fate, 0) for fate in ("new", "revised", "touched", "unchanged", "stale")})


def words_of(rows: Iterable[PreparedVerbatim]) -> set[str]:
    """The words of five to thirty letters, in lower case: what a mistyped search may have meant."""
    together = "\n".join(f"{row.title} {row.body}" for row in rows)
    return {word for word in _WORD.findall(together.lower()) if len(word) < 31}


def _changed_at(row: PreparedVerbatim) -> datetime:
    return max(row.written_at, row.edited_at or row.written_at)


def _stage(session: Session, rows: Sequence[PreparedVerbatim]) -> None:
    """Copy the rows into the temporary tables of this connection."""
    for statement in STAGE:
        session.execute(text(statement))
    raw = session.connection().connection.driver_connection
    assert raw is not None, "a session that is in use has a connection"
    with raw.cursor() as cursor:
        with cursor.copy(_copy("incoming", COLUMNS)) as copy:
            copy.set_types(list(COLUMNS.values()))
            for number, row in enumerate(rows):
                copy.write_row((number, *(_value(row, name) for name in list(COLUMNS)[1:])))
        with cursor.copy(_copy("incoming_topics", TOPIC_COLUMNS)) as copy:
            copy.set_types(list(TOPIC_COLUMNS.values()))
            for number, row in enumerate(rows):
                for topic, sentiment, evidence in row.topics:
                    copy.write_row((number, topic, sentiment, evidence))


def _value(row: PreparedVerbatim, name: str) -> object:
    value = getattr(row, name)
    return list(value) if name == "intents" else value


def _copy(table: str, columns: Iterable[str]) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)

"""The write path at size: new verbatims with topics, revisions and counts, beside plain COPY of the same rows."""

import random
import time
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from analysis.taxonomy import taxonomy
from benchmarks.ten_million import END, WORDS
from models.intake import Origin, PreparedVerbatim, store_verbatims

PAGE, PAGES = 2000, 10
COPIED = (
    "app_id, source_id, kind, channel, external_id, storefront, stars, title, body, written_at, first_seen_at, day,"
    " version, version_origin, author, language, sentiment, label, model"
)
COPIED_TYPES = (
    "int8 int8 text text text text int2 text text timestamptz timestamptz date text text text text float4 text text"
)


def write_path(engine: Engine) -> None:
    """Print rows a second of both, in turns; nothing is kept."""
    speeds: dict[str, list[float]] = {"COPY of the rows and their topics": [], "store path, counts and all": []}
    for turn in range(3):
        rows = _rows(turn)
        for name, way in zip(speeds, (_copy, _store), strict=True):
            with engine.connect() as connection, connection.begin() as outer:
                began = time.perf_counter()
                way(connection, rows)
                speeds[name].append(len(rows) / (time.perf_counter() - began))
                outer.rollback()
    middle = {name: sorted(given)[1] for name, given in speeds.items()}
    peer = middle["COPY of the rows and their topics"]
    for name, speed in middle.items():
        print(f"{name:<36}{speed:>10,.0f} rows/s {speed / peer:>8.2f} of COPY")


def _rows(turn: int) -> list[PreparedVerbatim]:
    """New verbatims of the last days, as a walk brings them."""
    chance, words, topics = random.Random(turn), WORDS.split(), list(taxonomy().topics)
    made = []
    for number in range(PAGE * PAGES):
        at = END - timedelta(minutes=number // 10)
        stars = chance.choice((1, 2, 3, 4, 5))
        spoken = chance.sample(topics, chance.randrange(4))
        made.append(
            PreparedVerbatim(
                external_id=f"new {turn} {number}", written_at=at, day=at.date(), stars=stars,
                title=chance.choice(words), body=" ".join(chance.choices(words, k=chance.randrange(3, 30))),
                storefront=chance.choice(("fr", "be", "ch")), version=chance.choice(("7.39", "7.38", "")),
                author=f"{number:032x}", language="fr", sentiment=-0.5, label="negative" if stars < 3 else "positive",
                model="bench", topics=tuple((topic, -0.5, "mots") for topic in spoken),
            )
        )  # fmt: skip
    return made


def _store(connection: Connection, rows: Sequence[PreparedVerbatim]) -> None:
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        for at in range(0, len(rows), PAGE):
            store_verbatims(session, Origin(3, 3, "app_store", "app_store"), rows[at : at + PAGE], END)
            session.flush()


def _copy(connection: Connection, rows: Sequence[PreparedVerbatim]) -> None:
    raw = connection.connection.driver_connection
    assert raw is not None
    first = 10**12
    for page in range(0, len(rows), PAGE):
        some = list(enumerate(rows[page : page + PAGE], first + page))
        with raw.cursor().copy(f"COPY verbatims (id, {COPIED}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", *COPIED_TYPES.split()])
            for number, r in some:
                copy.write_row(
                    (number, 3, 3, "app_store", "app_store", r.external_id, r.storefront, r.stars, r.title, r.body,
                     r.written_at, END, r.day, r.version, "reported", r.author, r.language, r.sentiment, r.label,
                     r.model)
                )  # fmt: skip
        names = "app_id, verbatim_id, topic, day, sentiment, evidence"
        with raw.cursor().copy(f"COPY verbatim_topics ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "int8", "text", "date", "float4", "text"])
            for number, r in some:
                for topic, sentiment, words in r.topics:
                    copy.write_row((3, number, topic, r.day, sentiment, words))
    connection.execute(text("SELECT 1"))

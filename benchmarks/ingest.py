"""Rows a second of the whole store path beside raw COPY of the same rows, on the same server, in one run.

    python -m benchmarks.ingest [--rows 100000]

raw COPY            the finished rows into a table like `verbatims`, with its three keys and the text index
COPY, no text index the same without the full-text index: what the index costs
store path          records with their analysis done → staging, merge, revisions, topics, rollups, releases
whole path          records → mask, hash, understand → store path
again, unchanged    the same records once more: what a walk over known ground costs
Read the ratios, not the figures: machines are noisy.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text

from app import embedded
from app.db import make_engine, transaction
from app.migrate import migrate
from app.seal import Seal
from app.store import prepare
from models.apps import App
from models.intake import Origin, PreparedVerbatim, Stored, store_verbatims
from models.records import VerbatimRecord

PAGE = 2000
START = datetime(2025, 1, 1, tzinfo=UTC)
PIECES = (
    "Impossible de se connecter depuis la mise à jour", "Application très pratique", "le virement instantané échoue",
    "je recommande", "plante au démarrage", "trop lent", "service client injoignable", "simple et rapide", "nul",
    "the app crashes when I open it", "great app", "cannot deposit a cheque", "merci à l'équipe", "à revoir",
)  # fmt: skip


def records(count: int) -> Iterator[VerbatimRecord]:
    """Made-up reviews: 24 months, 40 versions, two storefronts, one to five pieces of text."""
    chance = random.Random(11)
    for number in range(count):
        version = f"{6 + number * 40 // count // 10}.{number * 40 // count % 10}"
        yield VerbatimRecord(
            external_id=f"r{number}",
            written_at=START + timedelta(seconds=number * 63_000_000 / count),
            title=chance.choice(PIECES),
            body=". ".join(chance.choices(PIECES, k=chance.randint(1, 5))),
            stars=chance.randint(1, 5),
            storefront=chance.choice(("fr", "be")),
            version=version,
            author=f"author {chance.randint(0, count)}",
        )


def pages(rows: "list[Any]") -> "Iterator[list[Any]]":
    """Pages as the jobs store them."""
    return (rows[at : at + PAGE] for at in range(0, len(rows), PAGE))


def timed(name: str, rows: int, began: float, peer: float | None = None) -> float:
    """Print one line; `peer` is raw COPY's rows a second."""
    speed = rows / (time.perf_counter() - began)
    print(f"{name:<22}{speed:>12,.0f} rows/s" + (f"{speed / peer:>10.2f} of raw COPY" if peer else ""), flush=True)
    return speed


def raw_copy(engine: Engine, rows: list[PreparedVerbatim], *, text_index: bool) -> None:
    """COPY the finished rows into a table like `verbatims`."""
    with transaction(engine) as session:
        session.execute(text("DROP TABLE IF EXISTS copied"))
        session.execute(text("CREATE TABLE copied (LIKE verbatims INCLUDING ALL)"))
        if not text_index:
            session.execute(text("DROP INDEX copied_search_idx"))
    names = (
        "app_id, source_id, kind, channel, external_id, storefront, stars, title, body, written_at, first_seen_at, "
        "day, version, author, language, sentiment, label, model"
    )
    types = "int8 int8 text text text text int2 text text timestamptz timestamptz date text text text float4 text text"
    for page in pages(rows):
        with transaction(engine) as session:
            raw = session.connection().connection.driver_connection
            assert raw is not None
            with raw.cursor().copy(f"COPY copied ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(types.split())
                for r in page:
                    copy.write_row(
                        (1, 1, "k", "app_store", r.external_id, r.storefront, r.stars, r.title, r.body, r.written_at,
                         r.written_at, r.day, r.version, r.author, r.language, r.sentiment, r.label, r.model)
                    )  # fmt: skip


def store(engine: Engine, name: str, batches: Iterator[list[PreparedVerbatim]]) -> Stored:
    """Store prepared pages under an app of this name, each in its own transaction."""
    with transaction(engine) as session:
        app = App(name=name)
        session.add(app)
        session.flush()
    total = Stored()
    for page in batches:
        with transaction(engine) as session:
            total += store_verbatims(session, Origin(app.id, 1, "bench", "app_store"), page, START)
    return total


def main() -> None:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=100_000)
    count = options.parse_args().rows
    seal, zone = Seal(b"bench"), ZoneInfo("Europe/Paris")
    given = list(records(count))
    prepare(given[:PAGE], zone, "app_store", seal)  # load the models
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        server = embedded.join(Path(folder))
        try:
            engine = make_engine(server.url)
            migrate(engine)
            began = time.perf_counter()
            prepared = [row for page in pages(given) for row in prepare(page, zone, "app_store", seal)]
            timed("understanding alone", count, began)
            began = time.perf_counter()
            raw_copy(engine, prepared, text_index=False)
            timed("COPY, no text index", count, began)
            began = time.perf_counter()
            raw_copy(engine, prepared, text_index=True)
            peer = timed("raw COPY", count, began)
            began = time.perf_counter()
            assert store(engine, "store", pages(prepared)).new == count
            timed("store path", count, began, peer)
            began = time.perf_counter()
            whole = (prepare(page, zone, "app_store", seal) for page in pages(given))
            assert store(engine, "whole", whole).new == count
            timed("whole path", count, began, peer)
            began = time.perf_counter()
            with transaction(engine) as session:
                app_id = session.scalar(text("SELECT id FROM apps WHERE name = 'store'")) or 0
            again = Stored()
            for page in pages(prepared):
                with transaction(engine) as session:
                    again += store_verbatims(session, Origin(app_id, 1, "bench", "app_store"), page, START)
            assert again.unchanged == count, again
            timed("again, unchanged", count, began, peer)
            engine.dispose()
        finally:
            server.stop()


if __name__ == "__main__":
    main()

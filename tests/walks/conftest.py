"""A source that the tests script page by page, on a database of the test's own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app import clock
from app.context import Context, open_context
from app.db import transaction
from app.queue import Queue
from app.seal import Seal
from app.settings import Settings
from app.walk import walk
from collectors.base import Page, Probe, SourceError
from models.apps import App
from models.records import VerbatimRecord
from models.sources import Run, Source

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def record(number: int, **changes: object) -> VerbatimRecord:
    """The review of this number: higher is newer, one an hour, the hundredth at NOW."""
    fields = {"stars": 1 + number % 5, "body": f"avis numéro {number}", "author": f"author {number}"} | changes
    return VerbatimRecord(external_id=f"r{number}", written_at=NOW - timedelta(hours=100 - number), **fields)  # type: ignore[arg-type]


@dataclass
class Scripted:
    """Pages as given; a SourceError in their place is raised there. `resumed` remembers how it was asked."""

    script: Sequence[Page | SourceError]
    after: Sequence[Page | SourceError] = ()
    kind: str = "app_store_feed"
    resumed: list[str | None] = field(default_factory=list)

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        self.resumed.append(resume)
        for step in self.script if resume is None else self.after:
            if isinstance(step, SourceError):
                raise step
            yield step

    def probe(self) -> list[Probe]:
        return []


def page(numbers: Sequence[int], **fields: object) -> Page:
    return Page(verbatims=tuple(record(n) for n in numbers), **fields)  # type: ignore[arg-type]


@pytest.fixture
def source_id(own_engine: Engine) -> int:
    with transaction(own_engine) as session:
        app = App(name="Banque")
        session.add(app)
        session.flush()
        source = Source(
            app_id=app.id,
            kind="app_store_feed",
            channel="app_store",
            name="App Store FR",
            config={},
            rhythm_minutes=30,
        )
        session.add(source)
        session.flush()
        return source.id


@pytest.fixture
def at() -> Iterator[Callable[[datetime], None]]:
    """Set the story's clock."""

    def move(moment: datetime) -> None:
        clock.replace(lambda: moment)

    move(NOW)
    yield move
    clock.replace(None)


@pytest.fixture
def read(own_engine: Engine, source_id: int, at: Callable[[datetime], None]) -> Callable[..., Run]:
    """Walk a script."""

    def run(*script: Page | SourceError, after: Sequence[Page | SourceError] = (), trigger: str = "schedule") -> Run:
        return walk(own_engine, source_id, Scripted(script, after), seal=Seal(b"tests"), trigger=trigger)

    return run


@pytest.fixture
def context(database_url: str, tmp_path: Path) -> Iterator[Context]:
    """What an entry point has, on a database of the test's own."""
    settings = Settings(data=tmp_path, database_url=database_url, secret_key="tests", host_interval=0.0)
    with open_context(settings, migrated=False) as opened:
        yield opened


@pytest.fixture
def queue(context: Context) -> Iterator[Queue]:
    opened = Queue(context.conninfo)
    yield opened
    opened.close()

"""An app with one source of each channel, and a way to hand it pages as a walk would."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.context import Context, open_context
from app.main import create_app
from app.seal import Seal
from app.settings import Settings
from app.store import store_page
from collectors.base import Page
from collectors.registry import KINDS
from models.apps import App
from models.intake import Stored
from models.sources import Source

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SEAL = Seal(b"tests of voices")


@pytest.fixture
def bank(db: Session) -> App:
    app = App(name="Banque des voix")
    db.add(app)
    db.flush()
    return app


@pytest.fixture
def give(db: Session, bank: App) -> Callable[..., Stored]:
    """Store a page as if the source of this channel had brought it."""

    def store(channel: str, page: Page, now: datetime = NOW) -> Stored:
        source = db.query(Source).filter_by(app_id=bank.id, channel=channel).one_or_none()
        if source is None:
            source = Source(app_id=bank.id, kind=channel, channel=channel, name=channel, config={}, rhythm_minutes=60)
            db.add(source)
            db.flush()
        return store_page(db, source, 0, page, seal=SEAL, now=now)

    return store


@pytest.fixture
def context(database_url: str, tmp_path: Path) -> Iterator[Context]:
    """What an entry point has, on a database of the test's own."""
    settings = Settings(data=tmp_path, database_url=database_url, secret_key="tests", host_interval=0.0)
    with open_context(settings, migrated=False) as opened:
        yield opened


@pytest.fixture
def asked() -> list[tuple[Any, ...]]:
    """The jobs that the web application asked for."""
    return []


@pytest.fixture
def web(context: Context, asked: list[tuple[Any, ...]]) -> Iterator[TestClient]:
    """The web application as other machines reach it, so that everything but a signed call needs a key."""
    app = create_app(context.engine, replace(context.settings, host="0.0.0.0"), context.seal)
    app.state.defer = lambda *args, **kwargs: asked.append(args)
    with TestClient(app, base_url="http://cocoon.example") as client:
        yield client


def add_source(context: Context, kind: str, config: dict[str, Any]) -> int:
    with context.transaction() as session:
        app = session.query(App).filter_by(name="Banque").one_or_none() or App(name="Banque")
        session.add(app)
        session.flush()
        source = Source(
            app_id=app.id, kind=kind, channel=KINDS[kind].channel, name=kind, config=config, rhythm_minutes=60
        )
        session.add(source)
        session.flush()
        return source.id


def everything(engine: Engine) -> str:
    """All that the database holds, as text: also what stands in bytes."""
    with engine.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        dump = [str(connection.scalar(text(f'SELECT string_agg(x::text, chr(10)) FROM "{name}" x'))) for name in tables]
    words = "\n".join(dump)
    raw = [bytes.fromhex(found).decode("utf-8", "replace") for found in re.findall(r"\\\\x((?:[0-9a-f]{2})+)", words)]
    return "\n".join([words, *raw])

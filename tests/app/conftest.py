"""The web application on the test's own transaction, with what the entry point would put on its state."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app import clock
from app.main import create_app
from app.seal import Seal
from app.settings import Settings
from tests.app.seed import Portfolio, seed

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TODAY = date(2026, 11, 22)
KINDS = [
    {"kind": "app_store_feed", "channel": "app_store", "minutes": 30, "brings": ["reviews"]},
    {"kind": "google_play", "channel": "google_play", "minutes": 30, "brings": ["reviews"]},
]


@pytest.fixture(autouse=True)
def still_clock() -> Iterator[None]:
    clock.replace(lambda: NOW)
    yield
    clock.replace(None)


@pytest.fixture
def deferred() -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What was asked of the job queue."""
    return []


@pytest.fixture
def application(bind: Connection, settings: Settings, deferred: list[Any]) -> FastAPI:
    app = create_app(bind, settings, Seal(b"tests"))
    app.state.defer = lambda *args, **kwargs: deferred.append((args, kwargs))
    app.state.kinds = KINDS
    app.state.find_app = lambda link: {
        "store": "app_store", "app_id": "1533000042", "name": "Banque du Lien", "storefront": "fr", "lang": None,
    }  # fmt: skip
    return app


@pytest.fixture
def web(application: FastAPI) -> Iterator[TestClient]:
    with TestClient(application, base_url="http://127.0.0.1:8765", follow_redirects=False) as client:
        yield client


@pytest.fixture
def portfolio(db: Session) -> Portfolio:
    """A small made-up portfolio, inside the test's transaction."""
    made = seed(db, today=TODAY, days=120, daily=6)
    db.flush()
    return made


@pytest.fixture
def open_web(bind: Connection, settings: Settings) -> Iterator[TestClient]:
    """The same application, reachable from other machines: it asks for keys."""
    app = create_app(bind, replace(settings, host="0.0.0.0"), Seal(b"tests"))
    with TestClient(app, base_url="http://cocoon.example", follow_redirects=False) as client:
        yield client

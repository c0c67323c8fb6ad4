"""A real browser on a real server, for one module: its driver keeps an event loop in this thread.

Without an installed Chromium these tests skip, or fail under --require-browser."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy import Engine, create_engine

from app.db import transaction
from app.main import create_app
from app.seal import Seal
from app.service import kinds
from app.settings import Settings
from tests.app.seed import Portfolio, seed
from tests.app.voices_seed import add_voices
from tests.conftest import copied_database

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
expect.set_options(timeout=30_000)  # a busy machine draws a page in more than the usual 5 s
SCREENS = Path(__file__).parents[2] / "output" / "screens"


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = f"no Chromium on PATH (looked for {', '.join(NAMES)})"
        if request.config.getoption("--require-browser"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        launched.close()


@contextmanager
def serving(engine: Engine, data: Path, *, sign_in: bool) -> Iterator[str]:
    """A server on a free port of this machine, as its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()  # a page asked for before the server's thread is up waits instead of being refused
    port = listener.getsockname()[1]
    settings = Settings(data=data, port=port, secret_key="tests", sign_in=sign_in)
    app = create_app(engine, settings, Seal(b"tests"))
    app.state.defer = lambda *_, **__: None
    app.state.kinds = kinds()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
    listener.close()


@contextmanager
def _seeded(server_url: str, data: Path) -> Iterator[tuple[str, Portfolio]]:
    with copied_database(server_url) as url:
        engine = create_engine(url, connect_args={"options": "-c timezone=UTC"})
        with transaction(engine) as session:
            made = seed(session, today=datetime.now(UTC).date(), days=500, daily=14)
            add_voices(session, made.apps[0], datetime.now(UTC).date())
        with serving(engine, data, sign_in=False) as base:
            yield base, made
        engine.dispose()


@pytest.fixture(scope="module")
def site(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Portfolio]]:
    """The address of a server with a made-up portfolio, and the portfolio. For tests that only read."""
    with _seeded(server_url, tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def own_site(server_url: str, tmp_path: Path) -> Iterator[tuple[str, Portfolio]]:
    """The same for one test alone, which may decide: tests run in any order."""
    with _seeded(server_url, tmp_path) as made:
        yield made

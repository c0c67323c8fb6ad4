"""Shared fixtures: one Postgres a run, one migrated database a worker, one rolled-back transaction a test."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from analysis import embeddings, heads, taxonomy
from app import embedded
from app.db import transaction
from app.migrate import migrate
from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
TEMPLATE = "cocoon_template"

hypothesis.settings.register_profile("cocoon", deadline=None)  # a busy machine is no fault; pytest-timeout ends a hang
hypothesis.settings.load_profile("cocoon")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-url", help="a Postgres server to test on, instead of an embedded one")
    parser.addoption("--require-browser", action="store_true", help="fail where the browser tests would be skipped")


class OneServer:
    """Starts the server once for all xdist workers, with the migrated template database."""

    def __init__(self, given: str | None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cocoon-", dir="/tmp"))
        self.server = None if given else embedded.join(self.folder, fsync=False)
        self.url = given or self.server.url  # type: ignore[union-attr]
        with admin(self.url) as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {TEMPLATE}"))
        engine = create_engine(named(self.url, TEMPLATE))
        migrate(engine)
        engine.dispose()

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.help:
        return
    config.stash[SERVER] = OneServer(config.getoption("--database-url"))


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVER in config.stash:
        config.stash[SERVER].stop()


class HandOver:
    """Tells each xdist worker where the server is."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        node.workerinput["cocoon_server"] = node.config.stash[SERVER].url  # type: ignore[attr-defined]


SERVER = pytest.StashKey[OneServer]()
pytest_plugins: list[str] = []


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    if not manager.has_plugin("cocoon-hand-over"):
        manager.register(HandOver(), "cocoon-hand-over")


def named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def admin(url: str) -> Iterator[Connection]:
    engine = create_engine(named(url, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    given = getattr(request.config, "workerinput", {}).get("cocoon_server")
    return given or request.config.stash[SERVER].url


@contextmanager
def copied_database(server_url: str) -> Iterator[str]:
    name = f"test_{uuid4().hex[:12]}"
    with admin(server_url) as connection:
        # one copy of a template at a time: a concurrent one would be refused
        connection.execute(text("SELECT pg_advisory_lock(7)"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
        connection.execute(text("SELECT pg_advisory_unlock(7)"))
    try:
        yield named(server_url, name)
    finally:
        with admin(server_url) as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def engine(server_url: str) -> Iterator[Engine]:
    """The worker's migrated database."""
    with copied_database(server_url) as url:
        made = create_engine(url, connect_args={"options": "-c timezone=UTC"})
        yield made
        made.dispose()


@pytest.fixture
def bind(engine: Engine) -> Iterator[Connection]:
    """A connection whose outer transaction is rolled back: what the code under test commits is a savepoint."""
    with engine.connect() as connection, connection.begin() as outer:
        yield connection
        outer.rollback()


@pytest.fixture
def db(bind: Connection) -> Iterator[Session]:
    """A session inside that transaction."""
    with transaction(bind) as session:
        yield session


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """A migrated database of this test's own, for tests with several processes or real commits."""
    with copied_database(server_url) as url:
        yield url


@pytest.fixture
def own_engine(database_url: str) -> Iterator[Engine]:
    """An engine on this test's own database."""
    made = create_engine(database_url, connect_args={"options": "-c timezone=UTC"})
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def read_as_shipped() -> Iterator[None]:
    """What a test had its process read with (own topics, own model, no encoder) is not the next test's."""
    yield
    if taxonomy.layers() != ("", ""):
        taxonomy.use("")
    heads.use(None)
    embeddings.use(True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that touch nothing outside the test's folder."""
    return Settings(data=tmp_path, secret_key="a key for tests only", host_interval=0.0, sign_in=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared samples and data beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the shared samples (../shared) are not beside this checkout")
    return SHARED

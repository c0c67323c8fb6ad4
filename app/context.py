"""What every entry point needs once: the settings, the database, the seal. Made at start, closed at the end."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app import clock, embedded
from app.db import make_engine, transaction
from app.migrate import migrate
from app.seal import Seal, load_seal
from app.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collectors.http import Http
    from models.sources import Source

log = logging.getLogger(__name__)


@dataclass
class Context:
    """One process's hold on the data. `server` is ours (`owned`), another process's, or None (DATABASE_URL)."""

    settings: Settings
    url: str
    engine: Engine
    seal: Seal
    server: embedded.Server | None
    http: "Http"

    def transaction(self) -> AbstractContextManager[Session]:
        """A session that commits at the end of the block."""
        return transaction(self.engine)

    def source_config(self, source: "Source", *, newest: bool = False) -> dict[str, Any]:
        """What a source's collector is built from: its own settings over the installation's store addresses.

        Credentials that it names are opened; with `newest`, those that are still to be proved.
        """
        from app.credentials import named, resolved

        addresses = {"app_store_url": self.settings.app_store_url, "google_play_url": self.settings.google_play_url}
        if not named(source.config):
            return addresses | source.config
        with self.transaction() as session:
            return addresses | resolved(session, self.seal, source.config, newest=newest)

    @property
    def conninfo(self) -> str:
        """The address in libpq's spelling, for the job queue."""
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def open_context(settings: Settings, *, migrated: bool = True, wait_for_guests: float = 600.0) -> Iterator[Context]:
    """Join or start the database, bring it to the schema, and let it go cleanly at the end.

    Raises SettingsError, EmbeddedError or MigrationError, each with one sentence for a person.
    """
    from app.own_reading import sync
    from collectors.http import Http
    from collectors.pace import Pace

    server = None if settings.database_url else embedded.join(embedded.place(settings.data))
    try:
        url = settings.database_url or (server.url if server else "")
        engine = make_engine(url, pool_size=settings.workers + 8)
        _must_answer(engine, settings)
        if migrated:
            migrate(engine)
        with transaction(engine) as session:
            sync(session, settings)
        http = Http(user_agent=settings.user_agent, pace=Pace(settings.host_interval), now=clock.now)
        try:
            yield Context(settings, url, engine, load_seal(settings), server, http)
        finally:
            engine.dispose()
    finally:
        if server is not None:
            server.stop(wait_for_guests)


def _must_answer(engine: Engine, settings: Settings) -> None:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        if settings.database_url is None:
            raise
        shown = engine.url.render_as_string(hide_password=True)
        cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise SettingsError(f"DATABASE_URL does not work ({shown}): {cause}") from error

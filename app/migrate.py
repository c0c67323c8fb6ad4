"""Bring the database to the schema of this version. Several processes may start at once: one migrates, others wait."""

from pathlib import Path

import alembic.command
import alembic.config
import alembic.migration
import alembic.script
from sqlalchemy import Engine

ROOT = Path(__file__).resolve().parent.parent


class MigrationError(Exception):
    """The schema cannot be used; the message says what to do."""


def config() -> alembic.config.Config:
    """Alembic's configuration, from the checkout or from inside the installed package."""
    folder = ROOT / "alembic"
    if not (folder / "env.py").exists():
        folder = Path(__file__).resolve().parent / "_migrations"
    made = alembic.config.Config()
    made.set_main_option("script_location", str(folder).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def migrate(engine: Engine, *, revision: str = "head") -> None:
    """Upgrade to `revision`. Raises MigrationError for a server that is too old or a schema newer than this code."""
    settings = config()
    with engine.connect() as connection:
        version = connection.dialect.server_version_info or (0,)
        if version < (15,):
            raise MigrationError(
                f"This Postgres is version {'.'.join(map(str, version))}; Cocoon needs 15 or later (DATABASE_URL)."
            )
        known = {script.revision for script in alembic.script.ScriptDirectory.from_config(settings).walk_revisions()}
        current = alembic.migration.MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise MigrationError(
                "The database was made by a newer Cocoon than this one: update Cocoon, or use another database."
            )
        connection.rollback()
        settings.attributes["connection"] = connection
        alembic.command.upgrade(settings, revision)


def at_head(engine: Engine) -> bool:
    """Whether the schema is the one this code expects."""
    head = alembic.script.ScriptDirectory.from_config(config()).get_current_head()
    with engine.connect() as connection:
        return alembic.migration.MigrationContext.configure(connection).get_current_revision() == head

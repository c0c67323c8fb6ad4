"""Run migrations on the connection that app.migrate hands over: one at a time, each in its own transaction.

Time-outs keep a migration from freezing a busy server; the advisory lock keeps two starts from racing.
"""

from typing import Any

from alembic import context
from sqlalchemy import Connection, text

import models
from models.base import Base

assert models.feedback, "the tables are loaded"


def include(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave the tables of the job queue to the library that owns them."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def run(connection: Connection) -> None:
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SET statement_timeout = '10min'"))
    connection.execute(text("SELECT pg_advisory_lock(hashtext('cocoon:migrate'))"))
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include,
            transaction_per_migration=True,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(hashtext('cocoon:migrate'))"))
        connection.commit()


run(context.config.attributes["connection"])

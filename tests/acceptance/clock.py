"""A virtual clock for the service and its database: a test moves it by minutes, and asks between when things came.

The story's clock (app.clock) is replaced. The database's clock is a function of ours that is found before Postgres's
own, because the database's search_path names its schema first; the defaults of the outbox use it too.
"""

import threading
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine, text

from app import clock


class Between(NamedTuple):
    """Seconds of virtual time since the clock began, both included."""

    first: float
    last: float

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, float) and self.first <= moment <= self.last


class VirtualClock:
    """`engine` is for the database that is moved; connections opened before this keep the real clock."""

    def __init__(self, engine: Engine, story: datetime) -> None:
        self.engine, self.story = engine, story
        self.begun = time.monotonic()
        self.moves: list[tuple[float, float]] = [(self.begun, 0.0)]
        self.lock = threading.Lock()
        with engine.begin() as connection:
            name = connection.scalar(text("SELECT current_database()"))
            connection.execute(text("CREATE SCHEMA virtual"))
            connection.execute(text("CREATE TABLE virtual.clock (shift interval NOT NULL)"))
            connection.execute(text("INSERT INTO virtual.clock VALUES ('0')"))
            connection.execute(
                text(
                    "CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
                    "'SELECT pg_catalog.clock_timestamp() + shift FROM virtual.clock'"
                )
            )
            for column in ("due_at", "created_at"):
                connection.execute(text(f"ALTER TABLE deliveries ALTER {column} SET DEFAULT virtual.clock_timestamp()"))
            connection.execute(text(f'ALTER DATABASE "{name}" SET search_path = virtual, pg_catalog, public'))
        engine.dispose()
        clock.replace(self.now)

    def now(self) -> datetime:
        """The story's moment."""
        return self.story + timedelta(seconds=self.seconds())

    def seconds(self, at: float | None = None) -> float:
        """Virtual seconds since the beginning, now or at a moment of time.monotonic()."""
        at = time.monotonic() if at is None else at
        with self.lock:
            shift = [shift for moved, shift in self.moves if moved <= at][-1]
        return at - self.begun + shift

    def advance(self, by: timedelta) -> None:
        """Move both clocks forward."""
        with self.lock:
            shift = self.moves[-1][1] + by.total_seconds()
            self.moves.append((time.monotonic(), shift))
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE virtual.clock SET shift = make_interval(secs => :s)"), {"s": shift})

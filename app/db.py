"""Sessions. Only this module commits: a request, a page of a source or a step of a job is one transaction."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.orm import Session

Bind = Engine | Connection
Transaction = Callable[[], AbstractContextManager[Session]]
"""What a loop that needs several transactions is handed (the dispatcher, a walk)."""


def make_engine(url: str, *, pool_size: int = 10) -> Engine:
    """An engine for one process: connections are checked before use, so that a restarted server is noticed."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={
            # Helpers for one statement take 5 ms to start, and no answer of ours is to read so much that they pay.
            "options": "-c timezone=UTC -c application_name=cocoon -c max_parallel_workers_per_gather=0",
            "connect_timeout": 10,
            # A plan prepared while a table was empty is kept when it has grown: 500 rows a second instead of 20,000.
            "prepare_threshold": None,
        },
    )


@contextmanager
def transaction(bind: Bind) -> Iterator[Session]:
    """A session that commits when the block ends well and rolls back when it does not.

    Bound to a connection that is already in a transaction (as tests do), it commits a savepoint only.
    """
    with Session(bind, expire_on_commit=False, join_transaction_mode="create_savepoint") as session, session.begin():
        yield session


def _request_session(request: Request) -> Iterator[Session]:
    with transaction(request.app.state.bind) as session:
        yield session


# scope="function": commit before the reply leaves; with the default scope a failed commit answers 200.
DB = Annotated[Session, Depends(_request_session, scope="function")]

"""A correction and the reading again of everything take their locks in one order: neither ever ends the other."""

import threading
from collections.abc import Callable

from sqlalchemy import Engine, select, text

from app.corrections import correct
from app.db import transaction
from models.feedback import Verbatim
from models.intake_sql import ONE_AT_A_TIME
from models.sources import Run
from tests.walks.conftest import page

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_a_correction_waits_for_the_intake_before_it_locks_a_row(own_engine: Engine, read: Callable[..., Run]) -> None:
    read(page(range(100, 90, -1), end="exhausted"))
    with transaction(own_engine) as session:
        app_id, ident, kind = session.execute(select(Verbatim.app_id, Verbatim.id, Verbatim.kind).limit(1)).one()
    done: list[str] = []

    def person() -> None:
        with transaction(own_engine) as session:
            done.append(correct(session, app_id, ident, actor="anne", label="negative").label)

    with transaction(own_engine) as session:
        session.execute(text(ONE_AT_A_TIME), {"app_id": app_id, "kind": kind})
        thread = threading.Thread(target=person)
        thread.start()
        while thread.is_alive():
            with own_engine.connect() as other:
                if other.scalar(text(WAITING)):
                    break
        free = select(Verbatim.id).where(Verbatim.app_id == app_id, Verbatim.id == ident).with_for_update(nowait=True)
        assert session.scalar(free) == ident, "the row is not held by somebody who waits for us"
    thread.join(20)
    assert done == ["negative"]

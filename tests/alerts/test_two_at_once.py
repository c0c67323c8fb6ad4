"""Two looks at one app at the same moment, in two connections, open one incident and write one message."""

import threading
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Engine, select

from alerts.incidents import reconcile
from alerts.rules import look
from app.db import transaction
from models.apps import App
from models.incidents import Delivery, Incident
from tests.alerts import bank
from tests.alerts.conftest import BROKEN, FIRST, fill


def test_one_episode_opens_once(own_engine: Engine) -> None:
    day = FIRST + timedelta(days=BROKEN + 4)
    with transaction(own_engine) as session:
        app = bank.make_app(session)
        fill(session, app)
        bank.make_destination(session)
    looked = threading.Barrier(3)
    faults: list[BaseException] = []

    def one() -> None:
        try:
            with transaction(own_engine) as session:
                mine = session.get_one(App, app.id)
                found = look(session, mine, day)
                looked.wait(30)  # all have seen no incident before any of them opens one
                reconcile(session, mine, found, now=datetime.combine(day, time(21), UTC))
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with transaction(own_engine) as session:
        incidents = list(session.scalars(select(Incident)))
        told = [d.incident_id for d in session.scalars(select(Delivery))]
    assert len(incidents) == 1
    assert told == [incidents[0].id]

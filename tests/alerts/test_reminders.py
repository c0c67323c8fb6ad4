"""Reminders until somebody looks after an incident: once an interval, to those who were told, and off by default."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.channels.base import Message
from alerts.decisions import acknowledge, reopen, resolve, silence
from alerts.incidents import reconcile
from alerts.reminders import interval, remind
from app.judge import judge
from models.apps import App
from models.incidents import Delivery, Destination, Incident
from tests.alerts import bank
from tests.alerts.test_leading import FALL

START = datetime(2026, 11, 19, 21, tzinfo=UTC)


@pytest.fixture
def app(db: Session) -> App:
    return bank.make_app(db)


def opened(db: Session, app: App, **config: object) -> tuple[Incident, Destination]:
    destination = bank.make_destination(db, name="squad", **config)
    bank.make_destination(db, name="other")
    (change, *_) = reconcile(db, app, [FALL], now=START, base_url="https://cocoon.example")
    return change.incident, destination


def reminders(db: Session) -> list[Delivery]:
    """In no order: within one transaction no time tells it."""
    return list(db.scalars(select(Delivery).where(Delivery.kind == "incident.reminder")))


def after(db: Session, app: App, hours: float) -> int:
    return remind(db, app, now=START + timedelta(hours=hours), base_url="https://cocoon.example")


def test_one_reminder_an_interval_to_who_asked_for_them(db: Session, app: App) -> None:
    incident, destination = opened(db, app, remind_hours=4)
    assert [after(db, app, hours) for hours in (0, 1, 3.9, 4, 4.5, 7.9, 8, 8, 26, 27.9, 28)] == [
        0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1,
    ]  # fmt: skip
    made = reminders(db)
    assert {d.destination_id for d in made} == {destination.id}
    assert len({d.event_id for d in made}) == 4
    assert all(d.incident_id == incident.id for d in made)
    first = "Toujours ouvert depuis 4 heures, et personne ne l’a pris en charge. Depuis "
    (told,) = (one for row in made if (one := Message.from_json(row.message)).lead.startswith(first))
    opening = db.scalars(select(Delivery.message["title"].astext).where(Delivery.kind == "incident.opened"))
    assert set(opening) == {told.title}
    assert told.link == f"https://cocoon.example/incidents/{incident.id}"


def test_they_are_off_by_default(db: Session, app: App) -> None:
    opened(db, app)
    assert after(db, app, 100) == 0
    assert reminders(db) == []


@pytest.mark.parametrize("how", ["acknowledged", "silenced", "resolved"])
def test_they_end_when_somebody_looks_after_it(db: Session, app: App, how: str) -> None:
    incident, _ = opened(db, app, remind_hours=1)
    assert after(db, app, 1) == 1
    now = START + timedelta(hours=1.5)
    if how == "acknowledged":
        acknowledge(db, app.id, incident.id, actor="Ada", now=now)
    elif how == "silenced":
        silence(db, app.id, incident.id, until=now + timedelta(days=2), actor="Ada", now=now)
    else:
        resolve(db, app, incident.id, actor="Ada", now=now)
    assert after(db, app, 2) == 0


def test_a_reopening_begins_anew(db: Session, app: App) -> None:
    incident, _ = opened(db, app, remind_hours=2)
    assert after(db, app, 2) == 1
    resolve(db, app, incident.id, actor="Ada", now=START + timedelta(hours=3))
    reopen(db, app, incident.id, actor="Lin", now=START + timedelta(hours=10))
    assert after(db, app, 11.9) == 0
    assert after(db, app, 12) == 1


def test_who_was_not_told_of_the_opening_is_not_reminded(db: Session, app: App) -> None:
    opened(db, app, remind_hours=1)
    bank.make_destination(db, name="came later", remind_hours=1)
    assert after(db, app, 1) == 1


def test_history_is_never_reminded_of(db: Session, app: App) -> None:
    bank.make_destination(db, remind_hours=1)
    reconcile(db, app, [FALL], now=START, quiet=True)
    assert after(db, app, 5) == 0


@pytest.mark.parametrize("given", [0, -1, 169, "4", None, 2.5])
def test_an_interval_that_makes_no_sense_is_none(given: object) -> None:
    assert interval(Destination(config={"remind_hours": given}, id=1)) == 0


def test_the_words_are_english_too(db: Session) -> None:
    app = bank.make_app(db, "Bank", "en")
    opened(db, app, remind_hours=24)
    assert after(db, app, 72) == 1
    told = Message.from_json(reminders(db)[0].message)
    assert told.lead.startswith("Still open after 3 days, and nobody has acknowledged it. Since ")
    assert UUID(str(told.incident_id))


def test_every_look_writes_the_reminders_that_are_due(db: Session, app: App) -> None:
    opened(db, app, remind_hours=4)
    for hours in (3, 5, 6):
        judge(db, app.id, START + timedelta(hours=hours), base_url="https://cocoon.example")
    assert len(reminders(db)) == 1

"""An incident whose stream has vanished says so on its timeline, and is closed for want of data, never for calm."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from alerts.channels.base import Message
from alerts.incidents import reconcile
from alerts.rules import look
from models.apps import App
from models.feedback import Verbatim
from models.incidents import Delivery, Incident, IncidentEvent
from models.rollups import DailyStars, DailyTopics
from models.sources import Coverage, Source
from tests.alerts import bank
from tests.alerts.conftest import BROKEN

Day = Callable[[int], date]


def evenings(db: Session, app: App, days: range, day: Day) -> None:
    for number in days:
        now = datetime.combine(day(number), time(21), UTC)
        reconcile(db, app, look(db, app, day(number)), now=now, base_url="https://cocoon.example")


def nothing_after(db: Session, last: date) -> None:
    for table in (DailyStars, DailyTopics, Verbatim):
        db.execute(delete(table).where(table.day > last))


def story(db: Session) -> list[tuple[str, dict[str, object]]]:
    events = db.scalars(select(IncidentEvent).order_by(IncidentEvent.id))
    return [(e.kind, e.detail) for e in events if e.kind in {"unseen", "resolved"}]


@pytest.mark.parametrize("how", ["paused", "removed"])
def test_a_vanished_stream_is_noted_and_closed_honestly(db: Session, broken_app: App, day: Day, how: str) -> None:
    bank.make_destination(db)
    evenings(db, broken_app, range(BROKEN, BROKEN + 6), day)
    (incident,) = db.scalars(select(Incident))
    gone = BROKEN + 5
    if how == "paused":
        db.execute(update(Source).values(enabled=False))
    else:
        db.execute(delete(Coverage))
        db.execute(delete(Source))
    nothing_after(db, day(gone))
    evenings(db, broken_app, range(gone + 1, gone + 3), day)
    assert story(db) == []  # two days say nothing yet
    evenings(db, broken_app, range(gone + 3, gone + 14), day)
    assert [(kind, told["why"], told["since"]) for kind, told in story(db)] == [
        ("unseen", "no_data", str(day(gone + 1)))
    ]
    assert incident.state == "open"
    evenings(db, broken_app, range(gone + 14, gone + 20), day)
    assert incident.state == "resolved"
    assert [(kind, told["why"]) for kind, told in story(db)] == [("unseen", "no_data"), ("resolved", "no_data")]
    end = Message.from_json(db.scalars(select(Delivery.message).where(Delivery.kind == "incident.resolved")).one())
    assert "clos faute de données" in end.title
    assert "Aucun avis lu depuis 14 jours" in end.lead
    assert "Rien d’anormal" not in end.lead


def test_days_that_are_not_complete_are_noted_and_keep_it_open(db: Session, broken_app: App, day: Day) -> None:
    evenings(db, broken_app, range(BROKEN, BROKEN + 6), day)
    (incident,) = db.scalars(select(Incident))
    db.execute(update(Coverage).where(Coverage.day > day(BROKEN + 5)).values(state="partial"))
    evenings(db, broken_app, range(BROKEN + 6, BROKEN + 50), day)
    assert incident.state == "open"
    assert [(kind, told["why"], told["days"]) for kind, told in story(db)] == [("unseen", "not_judged", 3)]
    db.execute(update(Coverage).values(state="complete"))
    evenings(db, broken_app, range(BROKEN + 50, BROKEN + 51), day)
    assert incident.state == "resolved"
    assert "why" not in story(db)[-1][1]  # it was judged again, and had been calm all along


def test_silence_that_a_source_vouches_for_is_calm(db: Session, broken_app: App, day: Day) -> None:
    """The store was read every day and had nothing: that is known, so the incident ends by its calm days."""
    evenings(db, broken_app, range(BROKEN, BROKEN + 6), day)
    nothing_after(db, day(BROKEN + 5))
    evenings(db, broken_app, range(BROKEN + 6, BROKEN + 45), day)
    assert "unseen" not in [kind for kind, _ in story(db)]


def test_too_few_reviews_to_judge_are_said_and_close_it_late(db: Session, day: Day) -> None:
    """The stores are read every day, and nearly nobody writes any more: neither calm nor bad, and not for ever open."""
    app = bank.make_app(db)
    said = [bank.Said(day(n), 1 if n >= 110 else 5, "x") for n in range(116) for _ in range(8)]
    said += [bank.Said(day(n), 3, "x") for n in range(120, 190, 10)]
    bank.store(db, app, said)
    bank.make_source(db, app, "google_play", day(0), day(200))
    bank.make_destination(db)
    evenings(db, app, range(113, 200), day)
    (incident,) = db.scalars(select(Incident))
    assert incident.rule == "rating_drop"
    assert incident.state == "resolved"
    told = [(kind, detail["why"], detail["days"]) for kind, detail in story(db)]
    assert told == [("unseen", "too_few", 14), ("resolved", "too_few", 28)]
    end = Message.from_json(db.scalars(select(Delivery.message).where(Delivery.kind == "incident.resolved")).one())
    assert end.lead.startswith("Trop peu d’avis pour juger depuis 28 jours")

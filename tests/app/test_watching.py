"""The telling watches itself: a late sender and a missing canary are incidents, told by another way."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alerts.channels.base import Message, Receipt
from alerts.outbox import claim, delivered, enqueue
from alerts.own import watch_looks, watch_senders
from app.canary import fly
from app.judge import judge
from models.incidents import Delivery, Destination, InboxMessage, Incident
from tests.app.conftest import NOW
from tests.app.seed import Portfolio

API = "/api/v1"


@pytest.fixture
def places(db: Session, portfolio: Portfolio) -> tuple[Destination, Destination]:
    db.execute(update(Delivery).values(state="sent", sent_at=Delivery.created_at))
    db.execute(update(Destination).values(enabled=False))
    made = (
        Destination(kind="webhook", name="late one", config={}),
        Destination(kind="inbox", name="other one", config={}),
    )
    db.add_all(made)
    db.flush()
    return made


def queue(db: Session, place: Destination, app_id: int, minutes: int) -> Delivery:
    message = Message(kind="incident.opened", title="t", lead="l", app="a", language="fr")
    number = enqueue(
        db, app_id=app_id, destination_id=place.id, kind="incident.opened", event_id=uuid4(), message=message
    )
    row = db.scalars(select(Delivery).where(Delivery.id == number)).one()
    row.due_at = row.created_at = db.scalar(select(func.clock_timestamp())) - timedelta(minutes=minutes)  # type: ignore[operator]
    db.flush()
    return row


def told(db: Session, place: Destination) -> list[tuple[str, str]]:
    rows = db.scalars(
        select(Delivery).where(Delivery.destination_id == place.id).order_by(Delivery.created_at, Delivery.kind)
    )
    return [(row.kind, row.message["title"]) for row in rows]


def test_a_late_sender_is_an_incident_told_by_another_way_once_and_its_end_too(
    db: Session, portfolio: Portfolio, places: tuple[Destination, Destination]
) -> None:
    late, other = places
    app = portfolio.apps[0]
    waiting = queue(db, late, app.id, 9)
    assert watch_senders(db, now=NOW) == []
    waiting.due_at -= timedelta(minutes=3)
    db.flush()
    (incident,) = watch_senders(db, now=NOW)
    assert (incident.rule, incident.state, incident.app_id) == ("late_delivery", "open", app.id)
    assert [kind for kind, _ in told(db, other)] == ["incident.opened"]
    assert "late one" in told(db, other)[0][1]
    assert len(told(db, late)) == 1  # what waits there; nothing about itself
    assert watch_senders(db, now=NOW) == []
    judge(db, app.id, NOW, base_url="")  # a look at the customers' words neither closes it nor joins it
    assert incident.state == "open"
    waiting.state = "sent"
    db.flush()
    watch_senders(db, now=NOW)
    assert incident.state == "resolved"
    assert [kind for kind, _ in told(db, other)] == ["incident.opened", "incident.resolved"]


def test_an_app_that_nobody_looks_at_is_told_once_and_its_next_look_too(
    web: TestClient, db: Session, portfolio: Portfolio, places: tuple[Destination, Destination]
) -> None:
    _, other = places
    watched, left = portfolio.apps[:2]
    clock = db.scalar(select(func.clock_timestamp()))
    assert clock is not None
    began = clock - timedelta(hours=5)
    for app in portfolio.apps:
        app.created_at = began - timedelta(days=400)
        judge(db, app.id, NOW, base_url="")
    db.execute(update(Delivery).values(state="sent", sent_at=Delivery.created_at))
    left.judged_at = clock - timedelta(hours=1, minutes=55)
    db.flush()
    assert watch_looks(db, now=NOW, since=began) == []
    left.judged_at = clock - timedelta(hours=3, minutes=5)
    db.flush()
    assert watch_looks(db, now=NOW, since=clock - timedelta(hours=1)) == []  # the machine was off until an hour ago
    (incident,) = watch_looks(db, now=NOW, since=began)
    assert (incident.rule, incident.state, incident.app_id) == ("late_look", "open", left.id)
    assert watch_looks(db, now=NOW, since=began) == []
    ((kind, title),) = [one for one in told(db, other) if left.name in one[1]]
    assert (kind, title) == ("incident.opened", f"{left.name} n’est plus surveillée depuis 3 h")
    assert web.get(f"/incidents/{incident.id}", headers={"Accept-Language": "fr"}).status_code == 200
    judge(db, left.id, NOW, base_url="")
    watch_looks(db, now=NOW, since=began)
    assert incident.state == "resolved"
    assert [title for _, title in told(db, other)][-1] == f"{left.name} est de nouveau surveillée"
    assert watched.id not in {one.app_id for one in db.scalars(select(Incident).where(Incident.rule == "late_look"))}


def test_an_app_that_was_never_looked_at_is_told_too(
    db: Session, portfolio: Portfolio, places: tuple[Destination, Destination]
) -> None:
    began = NOW - timedelta(days=1)
    for app in portfolio.apps:
        app.created_at = began
    db.flush()
    assert {one.app_id for one in watch_looks(db, now=NOW, since=began)} == {app.id for app in portfolio.apps}


def test_a_destination_whose_routes_name_other_rules_is_told_rather_than_nobody(
    web: TestClient, db: Session, portfolio: Portfolio, places: tuple[Destination, Destination]
) -> None:
    late, other = places
    web.post(f"{API}/routes", json={"destination_id": other.id, "rules": ["urgent"]})
    queue(db, late, portfolio.apps[0].id, 20)
    watch_senders(db, now=NOW)
    assert len(told(db, other)) == 1


def send_all(db: Session) -> None:
    for one in claim(db, "w", 20):
        if one.target.kind == "inbox":
            db.add(InboxMessage(delivery_id=one.id, kind="slack", headers={}, body={}))
        delivered(db, one, Receipt(200, "ok"))


def test_the_canary_goes_the_whole_way_once_a_day(db: Session, portfolio: Portfolio, places: Any) -> None:
    before = NOW.replace(hour=4)
    fly(db, before)
    assert db.scalars(select(Delivery).where(Delivery.kind == "canary")).all() == []
    for _ in range(3):
        fly(db, NOW)
    (row,) = db.scalars(select(Delivery).where(Delivery.kind == "canary")).all()
    place = db.get_one(Destination, row.destination_id)
    assert (place.kind, place.name) == ("inbox", "Cocoon (canary)")
    assert "canari" in row.message["title"].lower()
    incident = db.scalars(select(Incident).where(Incident.rule == "canary")).one()
    assert incident.score >= 4  # judged by the real detector
    send_all(db)
    fly(db, NOW + timedelta(days=1))
    assert len(db.scalars(select(Delivery).where(Delivery.kind == "canary")).all()) == 2
    assert db.scalars(select(Incident).where(Incident.rule == "canary_missing")).all() == []


def test_a_missing_canary_is_an_incident_until_it_arrives(
    web: TestClient, db: Session, portfolio: Portfolio, places: tuple[Destination, Destination]
) -> None:
    late, other = places
    late.config = {"canary": True}
    db.flush()
    fly(db, NOW)
    (row,) = db.scalars(select(Delivery).where(Delivery.kind == "canary")).all()
    assert row.destination_id == late.id
    row.created_at -= timedelta(minutes=31)
    db.flush()
    for _ in range(2):
        fly(db, NOW)
    missing = db.scalars(select(Incident).where(Incident.rule == "canary_missing")).one()
    assert [kind for kind, _ in told(db, other)] == ["incident.opened"]
    page = web.get("/deliveries", headers={"Accept-Language": "fr"})
    assert "late one" in page.text
    row.state, row.sent_at = "sent", row.created_at + timedelta(minutes=40)
    db.flush()
    fly(db, NOW)
    assert missing.state == "resolved"
    assert web.get(f"/incidents/{missing.id}", headers={"Accept-Language": "fr"}).status_code == 200


def test_the_made_up_drop_is_found_every_day() -> None:
    from app.canary import found_on

    quiet = [day for n in range(400) if not found_on(day := date(2026, 1, 1) + timedelta(days=n))]
    assert quiet == []


def test_how_quick_we_are_by_page_api_and_metrics(
    web: TestClient, db: Session, portfolio: Portfolio, places: tuple[Destination, Destination]
) -> None:
    late, other = places
    begun = datetime.now(UTC) - timedelta(hours=1)
    for n in range(1, 21):
        row = queue(db, other, portfolio.apps[0].id, 0)
        row.created_at, row.state, row.sent_at = begun, "sent", begun + timedelta(seconds=n)
    held = queue(db, other, portfolio.apps[0].id, 0)
    held.created_at, held.state, held.sent_at, held.held = begun, "sent", begun + timedelta(hours=9), True
    db.execute(update(Delivery).where(Delivery.destination_id.not_in([late.id, other.id])).values(held=True))
    db.flush()
    told_by = web.get(f"{API}/deliveries/promptness").json()
    everything = told_by["latencies"][0]
    assert (everything["n"], everything["p50"], everything["p95"]) == (20, 10.5, pytest.approx(19.05))
    assert told_by["latencies"][1]["name"] == "other one"
    page = web.get("/deliveries", headers={"Accept-Language": "en"}).text.replace("\u202f", " ")
    assert "Half of the alerts arrive within 10 s, nineteen in twenty within 19 s." in page
    metrics = web.get("/metrics").text
    assert 'cocoon_delivery_latency_seconds{destination="other one",quantile="0.95"} 19.05' in metrics
    assert "cocoon_oldest_due_seconds" in metrics


def test_dead_letters_of_a_range_are_sent_again_from_the_page(
    web: TestClient, db: Session, portfolio: Portfolio, places: tuple[Destination, Destination]
) -> None:
    late, _ = places
    row = queue(db, late, portfolio.apps[0].id, 0)
    row.state, row.created_at = "dead", datetime(2026, 11, 20, 22, 30, tzinfo=UTC)  # 23:30 in Paris
    db.flush()
    assert "/deliveries/replay" in web.get("/deliveries").text
    for first, last, state in (("2026-11-21", "2026-11-22", "dead"), ("2026-11-20", "2026-11-20", "queued")):
        assert web.post("/deliveries/replay", data={"from": first, "to": last}).status_code == 303
        db.refresh(row)
        assert row.state == state
    wrong = web.post("/deliveries/replay", data={"from": "2026-11-21", "to": "2026-11-20"})
    assert wrong.status_code == 422

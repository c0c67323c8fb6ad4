"""Routes: which rules of which apps go where, at once or in the letter, at night or not."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alerts.channels.base import Message
from alerts.outbox import claim, enqueue
from alerts.routes import ways
from models.apps import App
from models.incidents import Delivery, Destination, Incident, Route
from tests.app.seed import Portfolio

API = "/api/v1"


@pytest.fixture
def place(db: Session, portfolio: Portfolio) -> Destination:
    made = Destination(kind="inbox", name="#mobile", config={"levels": ["alert"]})
    db.add(made)
    db.flush()
    return made


def incident(app: App, rule: str = "rating_drop", severity: str = "alert", *support: str) -> Incident:
    evidence = {"support": [{"rule": one, "subject": "app"} for one in support]}
    return Incident(app_id=app.id, rule=rule, subject="app", severity=severity, evidence=evidence)


def told(db: Session, place: Destination, one: Incident) -> tuple[bool, bool]:
    found = ways(db, [place], one)
    return bool(found), any(way.wakes for way in found)


def test_without_routes_the_levels_decide(db: Session, place: Destination, portfolio: Portfolio) -> None:
    app = portfolio.apps[0]
    assert told(db, place, incident(app)) == (True, False)
    assert told(db, place, incident(app, severity="watch")) == (False, False)


def test_with_routes_they_alone_decide(web: TestClient, db: Session, place: Destination, portfolio: Portfolio) -> None:
    first, second = portfolio.apps[:2]
    for body in (
        {"rules": ["urgent"], "floor": "watch", "wakes": True},
        {"rules": ["rating_drop", "bad_release"], "app_id": first.id},
    ):
        made = web.post(f"{API}/routes", json={"destination_id": place.id, **body})
        assert made.status_code == 201, made.text
    assert told(db, place, incident(first)) == (True, False)
    assert told(db, place, incident(second)) == (False, False)
    assert told(db, place, incident(first, severity="watch")) == (False, False)
    assert told(db, place, incident(second, "urgent", "watch")) == (True, True)  # the urgent lane has its own way
    assert told(db, place, incident(second, "new_irritant")) == (False, False)
    assert told(db, place, incident(second, "new_irritant", "alert", "urgent")) == (True, True)  # what supports it too


def test_a_route_into_the_letter_is_not_told_at_once_and_makes_sure_of_a_letter(
    web: TestClient, db: Session, place: Destination, portfolio: Portfolio
) -> None:
    web.post(f"{API}/routes", json={"destination_id": place.id, "manner": "digest", "wakes": True})
    assert told(db, place, incident(portfolio.apps[0])) == (False, False)
    db.refresh(place)
    assert place.config["digest"] == ["daily"]
    assert db.scalars(select(Route.wakes)).one() is False


@pytest.mark.parametrize(
    ("body", "where"),
    [({"rules": ["no_rule"]}, "body.rules"), ({"app_id": 999_999}, "body.app_id"), ({"floor": "low"}, "body.floor")],
)
def test_what_cannot_be_is_said(web: TestClient, place: Destination, body: dict[str, Any], where: str) -> None:
    answer = web.post(f"{API}/routes", json={"destination_id": place.id, **body})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == where


def test_a_removed_route_gives_the_levels_back(
    web: TestClient, db: Session, place: Destination, portfolio: Portfolio
) -> None:
    made = web.post(f"{API}/routes", json={"destination_id": place.id, "rules": ["urgent"]}).json()
    assert told(db, place, incident(portfolio.apps[0])) == (False, False)
    assert [one["id"] for one in web.get(f"{API}/routes?destination_id={place.id}").json()["items"]] == [made["id"]]
    assert web.delete(f"{API}/routes/{made['id']}").status_code == 204
    assert web.delete(f"{API}/routes/{made['id']}").status_code == 404
    assert told(db, place, incident(portfolio.apps[0])) == (True, False)


def test_what_wakes_is_sent_in_quiet_hours_and_the_rest_waits(db: Session, place: Destination) -> None:
    now = db.scalar(select(func.clock_timestamp())) or datetime.now(UTC)
    span = f"{(now - timedelta(hours=1)):%H:%M}-{(now + timedelta(hours=1)):%H:%M}"
    place.config = {"quiet": span, "zone": "UTC"}
    from uuid import uuid4

    message = Message(kind="incident.opened", title="t", lead="l", app="a", language="fr")
    for wakes in (True, False):
        enqueue(
            db,
            app_id=1,
            destination_id=place.id,
            kind="incident.opened",
            event_id=uuid4(),
            message=message,
            wakes=wakes,
        )
    db.execute(update(Delivery).where(Delivery.destination_id != place.id).values(state="sent"))
    claimed = claim(db, "w", 9)
    rows = {row.id: row for row in db.scalars(select(Delivery).where(Delivery.destination_id == place.id))}
    assert [rows[one.id].wakes for one in claimed] == [True]
    assert sorted((row.wakes, row.held) for row in rows.values()) == [(False, True), (True, False)]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_edits_what_exists(web: TestClient, db: Session, place: Destination, language: str) -> None:
    headers = {"Accept-Language": language}
    form = {"watch": "true", "remind_hours": "24", "quiet": "22:00-07:00", "digest": ["daily", "weekly"]}
    assert web.post(f"/destinations/{place.id}/settings", data=form, headers=headers).status_code == 303
    db.refresh(place)
    assert place.config == {
        "levels": ["alert", "watch"], "remind_hours": 24, "quiet": "22:00-07:00", "zone": "Europe/Paris",
        "digest": ["daily", "weekly"], "digest_at": "08:00",
    }  # fmt: skip
    page = web.get("/destinations", headers=headers).text
    assert 'value="22:00-07:00"' in page
    wrong = web.post(f"/destinations/{place.id}/settings", data={"quiet": "at night"}, headers=headers)
    assert wrong.status_code == 422
    assert web.post(f"/destinations/{place.id}/settings", data={}, headers=headers).status_code == 303
    db.refresh(place)
    assert place.config == {"levels": ["alert"]}
    route = {"rules": ["urgent", "burst"], "wakes": "true"}
    assert web.post(f"/destinations/{place.id}/routes", data=route, headers=headers).status_code == 303
    page = web.get("/destinations", headers=headers).text
    (remove,) = re.findall(rf"/destinations/{place.id}/routes/\d+/delete", page)
    assert web.post(remove, headers=headers).status_code == 303
    assert db.scalars(select(Route)).all() == []

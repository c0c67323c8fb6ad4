"""Teams, e-mail and apprise as destinations, their reminders and quiet hours, and the banner of a late sender."""

import sys
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alerts.channels.base import DeliveryError
from alerts.channels.mail import Mail
from alerts.channels.registry import KINDS, opener
from alerts.channels.teams import TeamsWorkflow
from alerts.messages import test_message as trial_message
from alerts.outbox import Target, enqueue
from app import clock
from app.destinations import Kind
from app.seal import Seal
from models.incidents import Delivery, Destination
from tests.app.seed import Portfolio

API = "/api/v1"
FRENCH, ENGLISH = {"Accept-Language": "fr"}, {"Accept-Language": "en"}
TEAMS = "https://prod-1.westeurope.logic.azure.com/workflows/1/triggers/manual/paths/invoke?sig=very-secret"
MAIL: dict[str, Any] = {
    "kind": "mail",
    "name": "Équipe",
    "secret": "s3cret-word",
    "mail": {"host": "smtp.banque.example", "user": "ada", "sender": "cocoon@banque.example", "to": ["a@b.example"]},
}


def opened(db: Session, name: str) -> Any:
    made = db.scalars(select(Destination).where(Destination.name == name)).one()
    target = Target(made.id, made.app_id, made.kind, made.name, dict(made.config), made.sealed)
    return opener(Seal(b"tests").open, lambda: None)(target)  # type: ignore[arg-type,return-value]


def test_every_kind_that_can_be_asked_for_can_be_opened() -> None:
    assert set(Kind.__args__) == set(KINDS)  # type: ignore[attr-defined]


def test_teams_and_apprise_addresses_are_kept_sealed(web: TestClient, db: Session) -> None:
    for kind, url in (("teams", TEAMS), ("apprise", "discord://id/very-secret")):
        made = web.post(f"{API}/destinations", json={"kind": kind, "name": kind, "url": url})
        assert made.status_code == 201
        assert "very-secret" not in made.text + web.get(f"{API}/destinations").text + web.get("/destinations").text
    assert isinstance(opened(db, "teams"), TeamsWorkflow)
    bad = web.post(f"{API}/destinations", json={"kind": "teams", "name": "t", "url": "http://x.example/hook"})
    assert bad.status_code == 422
    assert web.post(f"{API}/destinations", json={"kind": "apprise", "name": "t", "url": "discord"}).status_code == 422


def test_a_mail_server_keeps_its_password_sealed(web: TestClient, db: Session) -> None:
    made = web.post(f"{API}/destinations", json=MAIL)
    assert made.status_code == 201
    assert made.json()["config"] == {
        "levels": ["alert"], "host": "smtp.banque.example", "port": 587, "tls": "starttls", "user": "ada",
        "from": "cocoon@banque.example", "to": ["a@b.example"],
    }  # fmt: skip
    stored = db.scalars(select(Destination).where(Destination.name == "Équipe")).one()
    assert "s3cret" not in made.text + str(stored.config) + str(stored.sealed)
    assert isinstance(opened(db, "Équipe"), Mail)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"to": ["a@b.example\r\nBcc: x@y.example"]}, "is not an e-mail address"),
        ({"host": "smtp example"}, "The mail server is a name"),
        ({"sender": "nobody"}, "is not an e-mail address"),
    ],
)
def test_wrong_mail_settings_are_said(web: TestClient, changed: dict[str, Any], words: str) -> None:
    answer = web.post(f"{API}/destinations", json={**MAIL, "mail": {**MAIL["mail"], **changed}})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_mail_without_settings_is_refused(web: TestClient) -> None:
    assert web.post(f"{API}/destinations", json={"kind": "mail", "name": "m"}).status_code == 422


def test_reminders_and_quiet_hours_are_set_changed_and_switched_off(web: TestClient, db: Session) -> None:
    asked = {"kind": "inbox", "name": "i", "remind_hours": 24, "quiet": "22:00-07:00"}
    url = web.post(f"{API}/destinations", json=asked).headers["location"]
    night = {"quiet": "22:00-07:00", "zone": "Europe/Paris"}
    assert web.get(url).json()["config"] == {"levels": ["alert"], "remind_hours": 24, **night}
    page = web.get("/destinations", headers=FRENCH).text
    assert "rappel toutes les 24 heures · rien entre 22:00-07:00 (Europe/Paris)" in page
    changed = web.patch(url, json={"zone": "America/Toronto", "remind_hours": 0}).json()["config"]
    assert changed == {"levels": ["alert"], "quiet": "22:00-07:00", "zone": "America/Toronto"}
    assert web.patch(url, json={"name": "j"}).json()["config"] == changed
    assert web.patch(url, json={"quiet": "at night"}).status_code == 422
    assert web.patch(url, json={"zone": "Nowhere/Town"}).status_code == 422
    assert web.patch(url, json={"remind_hours": 400}).status_code == 422
    assert web.patch(url, json={"quiet": ""}).json()["config"] == {"levels": ["alert"]}


def test_what_quiet_hours_held_goes_when_they_are_switched_off(web: TestClient, db: Session) -> None:
    made = web.post(f"{API}/destinations", json={"kind": "inbox", "name": "i", "quiet": "22:00-07:00"})
    delivery = put(db, made.json()["id"], minutes=-300)
    web.patch(made.headers["location"], json={"quiet": ""})
    db.expire_all()
    due, now = db.execute(select(Delivery.due_at, func.clock_timestamp()).where(Delivery.id == delivery)).one()
    assert due <= now


def test_the_form_makes_each_of_them_and_says_what_is_wrong(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    form = {"kind": "mail", "name": "Équipe", "host": "smtp.banque.example", "port": "465", "tls": "ssl"}
    form |= {"sender": "cocoon@banque.example", "to": "a@b.example, c@d.example", "password": "s3cret-word"}
    wrong = web.post("/destinations", data={**form, "to": "personne"})
    assert wrong.status_code == 422
    assert 'id="wrong-body-mail"' in wrong.text
    assert 'value="smtp.banque.example"' in wrong.text
    assert "s3cret-word" not in wrong.text
    for field, value in (("remind_hours", "often"), ("quiet", "nachts")):
        assert f'id="wrong-body-{field}"' in web.post("/destinations", data={**form, field: value}).text
    assert web.post("/destinations", data={**form, "remind_hours": "12", "quiet": "20:00-08:00"}).status_code == 303
    made = db.scalars(select(Destination).where(Destination.name == "Équipe")).one()
    assert (made.config["port"], made.config["to"]) == (465, ["a@b.example", "c@d.example"])
    assert (made.config["remind_hours"], made.config["quiet"]) == (12, "20:00-08:00")
    assert web.post("/destinations", data={"kind": "teams", "name": "T", "url": TEAMS}).status_code == 303
    for headers, words in ((FRENCH, "Serveur de messagerie"), (ENGLISH, "Mail server")):
        assert words in web.get("/destinations", headers=headers).text


def put(db: Session, destination_id: int, *, minutes: float) -> Any:
    """A delivery that has been due for so many minutes."""
    number = enqueue(
        db,
        app_id=0,
        destination_id=destination_id,
        kind="incident.opened",
        event_id=uuid4(),
        message=trial_message("fr", at=clock.now()),
    )
    late = func.clock_timestamp() - timedelta(minutes=minutes)
    db.execute(update(Delivery).where(Delivery.id == number).values(due_at=late))
    db.flush()
    return number


def test_every_page_shows_a_banner_while_the_sender_is_late(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    made = Destination(kind="inbox", name="late one", config={})
    db.add(made)
    db.flush()
    pages = ["/", "/incidents", "/sources", "/destinations", "/inbox", f"/apps/{portfolio.apps[0].id}"]
    put(db, made.id, minutes=9)
    assert "Les alertes ont du retard" not in "".join(web.get(page, headers=FRENCH).text for page in pages)
    put(db, made.id, minutes=25.5)
    for page in pages:
        assert "la plus ancienne attend depuis 25 minutes." in web.get(page, headers=FRENCH).text, page
    assert "the oldest has been waiting for 25 minutes." in web.get("/", headers=ENGLISH).text
    assert "late" not in web.get("/login", headers=ENGLISH).text
    made.enabled = False  # nothing is due for one that is switched off
    db.flush()
    assert "du retard" not in web.get("/", headers=FRENCH).text


def test_apprise_without_its_library_says_so(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    target = Target(1, None, "apprise", "x", {}, Seal(b"tests").close("discord://a/b"))
    channel = opener(Seal(b"tests").open, lambda: None)(target)  # type: ignore[arg-type,return-value]
    with pytest.raises(DeliveryError, match="not installed"):
        channel.send(trial_message("fr", at=clock.now()), uuid4(), clock.now())

"""Alerts call an irritant by the name that its page has, at the time of sending, and link to that page."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from alerts import irritant_names
from alerts.channels.base import Message
from alerts.channels.mail import html_of, text_of
from alerts.channels.registry import opener
from alerts.channels.slack import render
from alerts.channels.teams import render as render_card
from alerts.dispatch import dispatch_once
from alerts.incidents import reconcile
from alerts.irritant_names import as_known_now
from alerts.rules import look
from app.db import transaction
from models.apps import App
from models.incidents import Delivery, InboxMessage, Incident
from models.insight import Irritant
from tests.alerts import bank
from tests.alerts.conftest import BROKEN

Day = Callable[[int], date]
OURS = "Connexion impossible après la mise à jour 7.2"


@pytest.fixture
def opened(db: Session, broken_app: App, day: Day) -> Incident:
    """The sign-in breaks; nobody has kept its irritant yet."""
    bank.make_destination(db)
    for number in (BROKEN, BROKEN + 1):
        at = datetime.combine(day(number), time(21), UTC)
        reconcile(db, broken_app, look(db, broken_app, day(number)), now=at, base_url="https://cocoon.example")
    return db.scalars(select(Incident)).one()


def irritant(db: Session, of: Incident, **changes: Any) -> Irritant:
    began = of.opened_day - timedelta(days=1)
    fields = {"key": "topic:sign_in", "keys": ["topic:sign_in"], "state": "emerging", "state_since": began}
    fields |= {"began_day": began, "noticed_day": began, "apart": [], "given_name": "", "merged_by": "", "summary": ""}
    fields |= {"name_fr": "Connexion en boucle", "name_en": "Sign-in loops"}
    row = Irritant(app_id=of.app_id, **fields | changes)
    db.add(row)
    db.flush()
    return row


def written(db: Session) -> dict[str, Any]:
    return db.scalars(select(Delivery.message).where(Delivery.kind == "incident.opened")).one()


def sent(db: Session, bind: Connection) -> str:
    dispatch_once(lambda: transaction(bind), opener(lambda s: s, lambda: transaction(bind)), "w")
    db.expire_all()
    first = select(Delivery.id).where(Delivery.kind == "incident.opened")
    return json.dumps(db.scalars(select(InboxMessage.body).where(InboxMessage.delivery_id.in_(first))).one())


def test_before_there_is_an_irritant_its_name_is_made_by_the_same_rule(
    db: Session, bind: Connection, opened: Incident
) -> None:
    assert opened.rule == "new_irritant"
    assert f"« {OURS} »" in written(db)["title"].replace("\u00a0", " ")
    body = sent(db, bind)
    assert f"https://cocoon.example/apps/{opened.app_id}/irritants|" in body


def test_a_name_given_meanwhile_is_told_and_the_link_goes_to_the_irritant(
    db: Session, bind: Connection, opened: Incident
) -> None:
    row = irritant(db, opened, given_name="La biométrie tourne en rond")
    body = json.loads(sent(db, bind))
    title = body["blocks"][0]["text"]["text"].replace("\u00a0", " ")
    assert "« La biométrie tourne en rond »" in title
    assert OURS not in title
    assert f"<https://cocoon.example/apps/{opened.app_id}/irritants/{row.id}|La biométrie tourne en rond>" in str(body)


def test_the_one_that_speaks_for_it_is_named(db: Session, bind: Connection, opened: Incident) -> None:
    root = irritant(db, opened, key="topic:biometrics", keys=["topic:biometrics"], name_fr="Biométrie en boucle")
    irritant(db, opened, merged_into=root.id, merged_by="ada")
    assert "Biométrie en boucle" in sent(db, bind).encode().decode("unicode_escape")


def test_an_older_irritant_of_the_topic_is_another_one(db: Session, opened: Incident) -> None:
    long_ago = opened.opened_day - timedelta(days=90)
    irritant(db, opened, began_day=long_ago, ended_day=long_ago + timedelta(days=20), given_name="Celle du printemps")
    irritant(db, opened, standing=True, given_name="Depuis toujours")
    told = as_known_now(db, opened.app_id, written(db))
    assert OURS in told["title"]
    assert told["data"]["irritant"]["id"] is None


def test_a_fault_in_naming_keeps_no_alert_back(
    db: Session, bind: Connection, opened: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no names today")

    monkeypatch.setattr(irritant_names, "irritant_of", broken)
    assert as_known_now(db, opened.app_id, written(db)) == written(db)
    assert OURS.split(maxsplit=1)[0] in sent(db, bind)


def test_every_channel_shows_the_name_and_the_way_to_it(db: Session, opened: Incident) -> None:
    row = irritant(db, opened, given_name="La biométrie tourne en rond")
    message = Message.from_json(dict(as_known_now(db, opened.app_id, written(db))))
    page = f"https://cocoon.example/apps/{opened.app_id}/irritants/{row.id}"
    for shown in (str(render(message)), text_of(message), html_of(message), str(render_card(message))):
        assert "La biométrie tourne en rond" in shown
        assert page in shown
    assert message.data["irritant"]["link"] == page

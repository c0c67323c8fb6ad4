"""The first five minutes: what to do next is said on every page that has nothing to show yet."""

from datetime import UTC, date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.canary import CANARY_INBOX
from app.i18n import Words
from app.pages.headlines import sources_headline
from app.reading.sources import Day, State
from models.apps import App
from models.incidents import Destination
from models.sources import Run, Source
from tests.app.seed import Portfolio

FRENCH = {"Accept-Language": "fr"}


def test_a_new_installation_says_its_steps(web: TestClient) -> None:
    page = web.get("/", headers=FRENCH).text
    for link in ("/setup", "/destinations", "/settings/people"):
        assert f'<h2><a href="{link}">' in page
    assert "is-done" not in page
    form = {"kind": "inbox", "name": "Essai"}
    assert web.post("/destinations", data=form).status_code == 303
    assert web.get("/", headers=FRENCH).text.count("is-done") == 1


def test_an_app_that_is_in_no_store_begins_with_a_name(web: TestClient, db: Session) -> None:
    answer = web.post("/setup", data={"link": "", "name": "Pilote"})
    app = db.scalars(select(App).where(App.name == "Pilote")).one()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/apps/{app.id}/sources/new")
    for path in ("", "/irritants", "/versions", "/journey", "/channels", "/reviews", "/incidents", "/sources"):
        page = web.get(f"/apps/{app.id}{path}", headers=FRENCH)
        assert page.status_code == 200, path
        assert 'class="empty"' in page.text, f"{path} says what to do next"
    assert (
        f'/apps/{app.id}/sources/new">Brancher une source</a>'
        in web.get(f"/apps/{app.id}/sources", headers=FRENCH).text
    )
    assert web.post("/setup", data={"link": "", "name": ""}).status_code == 422


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, 303, ""),
        ({"name": "Mésange Pro"}, 409, "Il y a déjà une application nommée"),
        ({"name": " "}, 422, "Une application a un nom"),
        ({"timezone": "Mars/Phobos"}, 422, "Ce n’est pas un fuseau"),
    ],
)
def test_an_apps_settings(
    web: TestClient, db: Session, portfolio: Portfolio, change: dict[str, str], status: int, words: str
) -> None:
    app = portfolio.apps[0]
    assert 'value="Banque Mésange"' in web.get(f"/settings/apps/{app.id}").text
    form = {"name": "Ma banque", "timezone": "Indian/Reunion", "language": "en"} | change
    answer = web.post(f"/settings/apps/{app.id}", data=form, headers=FRENCH)
    assert answer.status_code == status
    assert words in answer.text
    db.refresh(app)
    assert (app.name, app.timezone, app.language) == (
        ("Ma banque", "Indian/Reunion", "en") if status == 303 else ("Banque Mésange", "Europe/Paris", "fr")
    )


def test_nothing_is_called_complete_or_without_stars_while_it_is_read_for_the_first_time(
    web: TestClient, db: Session
) -> None:
    app = App(name="Pilote")
    db.add(app)
    db.flush()
    app_id = app.id
    source = Source(
        app_id=app_id, kind="google_play", channel="google_play", name="Google Play fr", config={}, rhythm_minutes=60
    )
    db.add(source)
    db.flush()
    address = f"/apps/{app_id}/sources"
    assert "<h1>Rien n’est encore lu de Google Play fr.</h1>" in web.get(address, headers=FRENCH).text
    assert "<h1>Rien n’est encore lu.</h1>" in web.get(f"/apps/{app_id}", headers=FRENCH).text
    run = Run(app_id=app_id, source_id=source.id, trigger="first", outcome="running", started_at=datetime.now(UTC))
    db.add(run)
    db.flush()
    assert "<h1>Première lecture en cours\u00a0: Google Play fr.</h1>" in web.get(address, headers=FRENCH).text
    run.outcome = "complete"
    db.flush()
    assert "<h1>Tout est complet.</h1>" in web.get(address, headers=FRENCH).text


def test_the_canarys_own_inbox_is_no_place_where_people_are_told(web: TestClient, db: Session) -> None:
    db.add(Destination(kind="inbox", name=CANARY_INBOX, config={"canary": True, "levels": []}))
    db.flush()
    page = web.get("/destinations", headers=FRENCH).text
    assert "<h1>Les alertes ne partent encore nulle part.</h1>" in page
    assert "Ajoutez Slack" in page
    db.add(Destination(kind="inbox", name="Équipe", config={}))
    db.flush()
    page = web.get("/destinations", headers=FRENCH).text
    assert "<h1>Les alertes partent vers un seul endroit.</h1>" in page
    assert page.index("<h2>Équipe</h2>") < page.index("<h2>Le canari du jour</h2>")


def test_a_source_that_fails_now_is_told_beside_an_older_gap() -> None:
    app = App(id=1, name="Pilote")
    source = Source(id=1, app_id=1, kind="google_play", name="Google Play fr", enabled=True, rhythm_minutes=60)
    day = date(2026, 11, 22)
    ledger = tuple(Day(day - timedelta(days=n), "unknown" if n == 3 else "complete", "") for n in range(9, -1, -1))
    words = Words("en")
    for outcome, told in (("complete", ""), ("failed", " The last reading of one source did not bring everything.")):
        run = Run(outcome=outcome, trigger="schedule", started_at=datetime.now(UTC))
        state = State(source, app, [run], ledger, 0)
        assert sources_headline(words, [state], day) == f"Everything is complete, except Google Play fr (19 Nov).{told}"

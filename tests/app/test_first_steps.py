"""The first five minutes: what to do next is said on every page that has nothing to show yet."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.apps import App
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

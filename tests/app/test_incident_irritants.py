"""Incidents call their irritant as its page does, everywhere, also after people gave it a name, and link to it."""

from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import letter
from models.incidents import Incident
from models.insight import Irritant
from tests.app.conftest import TODAY
from tests.app.seed import Portfolio

FRENCH = {"Accept-Language": "fr"}
GIVEN = "Le code par SMS n’arrive jamais"


def plain(text: str) -> str:
    return unescape(text).replace("\u202f", " ").replace("\xa0", " ")


@pytest.fixture
def emerging(db: Session, portfolio: Portfolio) -> Incident:
    """The incident of the portfolio is about a rising irritant; its evidence keeps the name of that day."""
    incident = portfolio.incident
    incident.rule, incident.subject = "new_irritant", "topic:sign_in"
    incident.effect = {"before": 0.04, "after": 0.31, "difference": 0.27, "n_before": 320, "n_after": 88}
    kept = {"topic": "sign_in", "fr": "Connexion en boucle", "en": "Sign-in loops"}
    incident.evidence = {**incident.evidence, "irritant": kept, "support": []}
    db.flush()
    return incident


def irritant(db: Session, incident: Incident) -> Irritant:
    query = select(Irritant).where(
        Irritant.app_id == incident.app_id, Irritant.key == "topic:sign_in", Irritant.standing.is_(False)
    )
    return db.scalars(query).one()


def told_everywhere(web: TestClient, db: Session, portfolio: Portfolio, incident: Incident) -> dict[str, str]:
    """All the places that name it, in French."""
    api, path = "/api/v1", f"/incidents/{incident.id}"
    pages = {
        "its page": path,
        "incidents": "/incidents",
        "app": f"/apps/{incident.app_id}",
        "apps": "/",
        "api": f"{api}{path}",
        "api list": f"{api}/incidents",
        "csv": f"{api}/incidents.csv",
        "timeline": f"{api}{path}/timeline.md",
        "overview": f"{api}/apps/{incident.app_id}/overview?language=fr",
        "portfolio": f"{api}/portfolio?language=fr",
    }
    found = {name: plain(web.get(address, headers=FRENCH).text) for name, address in pages.items()}
    app = portfolio.apps[0]
    zone, base = app.timezone, "https://cocoon.example"
    message = letter.letter(db, [app], "daily", TODAY, language="fr", zone=zone, base_url=base)
    return found | {"letter": plain(str(message))}


def test_every_place_says_the_name_that_people_gave(
    web: TestClient, db: Session, portfolio: Portfolio, emerging: Incident
) -> None:
    row = irritant(db, emerging)
    row.given_name = GIVEN
    db.flush()
    told = told_everywhere(web, db, portfolio, emerging)
    assert [name for name, text in told.items() if GIVEN not in text] == []
    page = f"/apps/{emerging.app_id}/irritants/{row.id}"
    assert f'href="{page}"' in told["its page"]
    assert f'href="{page}">L’irritant</a>' in told["app"]
    answer = web.get(f"/api/v1/incidents/{emerging.id}").json()
    assert answer["irritant"] == {"id": row.id, "topic": "sign_in", "name_fr": GIVEN, "name_en": GIVEN, "path": page}
    (line,) = [one for one in web.get("/api/v1/incidents").json()["items"] if one["id"] == str(emerging.id)]
    assert line["irritant"] == answer["irritant"]


def test_falling_stars_name_the_irritant_that_goes_with_them(
    web: TestClient, db: Session, portfolio: Portfolio
) -> None:
    row = irritant(db, portfolio.incident)
    told = plain(web.get(f"/apps/{portfolio.apps[0].id}", headers=FRENCH).text)
    assert f"surtout « {row.name_fr} »" in told


def test_before_it_has_a_page_the_name_of_the_alert_is_said(
    web: TestClient, db: Session, portfolio: Portfolio, emerging: Incident
) -> None:
    db.delete(irritant(db, emerging))
    db.flush()
    told = told_everywhere(web, db, portfolio, emerging)
    assert [name for name, text in told.items() if "Connexion en boucle" not in text] == []
    assert f'href="/apps/{emerging.app_id}/irritants">Connexion en boucle</a>' in told["its page"]


def test_the_one_that_speaks_for_it_is_named(
    web: TestClient, db: Session, portfolio: Portfolio, emerging: Incident
) -> None:
    row = irritant(db, emerging)
    root = db.scalars(select(Irritant).where(Irritant.app_id == row.app_id, Irritant.id != row.id)).first()
    assert root is not None
    root.given_name, row.merged_into = "Tout est bloqué", root.id
    db.flush()
    told = web.get(f"/api/v1/incidents/{emerging.id}").json()
    assert (told["irritant"]["id"], told["irritant"]["name_fr"]) == (root.id, "Tout est bloqué")
    assert "Tout est bloqué" in told["title"]


def test_an_irritant_of_another_time_is_not_named(
    web: TestClient, db: Session, portfolio: Portfolio, emerging: Incident
) -> None:
    row = irritant(db, emerging)
    row.given_name, row.ended_day = GIVEN, emerging.opened_day.replace(year=emerging.opened_day.year - 1)
    row.began_day = row.ended_day
    db.flush()
    told = web.get(f"/api/v1/incidents/{emerging.id}").json()
    assert (told["irritant"]["id"], told["irritant"]["name_en"]) == (None, "Sign-in loops")

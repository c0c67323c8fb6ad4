"""The settings of rules: by page and by API, tried on the past before they are saved."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.incidents import Incident
from models.people import Audit
from models.rules import NoiseBudget, RuleChoice
from models.sources import Source
from models.stability import DailySessions
from tests.app.conftest import TODAY
from tests.app.seed import Portfolio

FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_shows_every_rule_and_the_budget(web: TestClient, portfolio: Portfolio, language: str) -> None:
    page = web.get("/settings/rules", headers={"Accept-Language": language}).text
    assert page.count('class="source"') == 8
    assert ("fausses alertes" if language == "fr" else "false alarms") in page.lower()
    assert "style=" not in page


def test_trying_shows_openings_and_saves_nothing(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    app = portfolio.apps[0]
    before = db.scalar(select(func.count()).select_from(Incident))
    page = web.post(f"/settings/rules/{app.id}/rating_drop", data={"enabled": "true", "action": "try"}, headers=FRENCH)
    assert page.status_code == 200
    assert "Sur les 12 derniers mois" in page.text
    assert db.scalar(select(func.count()).select_from(RuleChoice)) == 0
    assert db.scalar(select(func.count()).select_from(Incident)) == before
    tried = web.post(f"/api/v1/apps/{app.id}/rules/rating_drop/try", json={})
    openings = tried.json()["openings"]
    assert {one["rule"] for one in openings} <= {"rating_drop"}
    assert openings, "the seeded fall is found again"
    none = web.post(f"/api/v1/apps/{app.id}/rules/rating_drop/try", json={"min_reviews": 100_000})
    assert none.json()["openings"] == []


def test_saving_from_the_page_keeps_settings_and_says_who(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    app = portfolio.apps[0]
    form = {"enabled": "true", "keywords": "faux SMS\nvirement, carte", "minimum": "2", "action": "save"}
    answer = web.post(f"/settings/rules/{app.id}/keyword", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/settings/rules?app_id={app.id}&done=saved")
    row = db.get_one(RuleChoice, (app.id, "keyword"))
    assert row.settings == {"minimum": 2, "keywords": ["faux SMS", "virement", "carte"]}
    assert db.scalars(select(Audit.action)).all() == ["rule.changed"]
    off = web.post(f"/settings/rules/{app.id}/burst", data={"action": "save"})
    assert off.status_code == 303
    rules = {one["rule"]: one for one in web.get(f"/api/v1/apps/{app.id}/rules").json()["items"]}
    assert rules["burst"]["enabled"] is False
    assert rules["unanswered"]["enabled"] is False, "off at first"
    assert rules["keyword"]["precision"]["n"] == 0


def test_what_is_wrong_is_said_beside_the_field(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0]
    page = web.post(f"/settings/rules/{app.id}/unanswered", data={"days": "soon", "action": "save"})
    assert page.status_code == 422
    assert "from 1 to 90" in page.text
    assert web.post("/settings/rules/budget", data={"per_month": "lots"}).status_code == 422
    assert web.post("/settings/rules/budget", data={"per_month": "1000"}).status_code == 422
    assert web.put(f"/api/v1/apps/{app.id}/rules/nonsense", json={}).status_code == 422
    assert web.put(f"/api/v1/apps/{app.id}/rules/burst", json={"settings": {"days": 3}}).status_code == 422


def test_the_budget_moves_the_thresholds_and_can_be_taken_back(
    web: TestClient, db: Session, portfolio: Portfolio
) -> None:
    usual = web.get("/api/v1/rules/budget").json()
    assert usual["per_month"] is None
    strict = web.get("/api/v1/rules/budget", params={"per_month": 0.1}).json()
    assert all(strict["thresholds"][key] >= usual["thresholds"][key] - 1e-9 for key in usual["thresholds"])
    assert web.put("/api/v1/rules/budget", json={"per_month": 2}).json()["per_month"] == 2
    assert "Au plus 2,0 fausses alertes" in web.get("/settings/rules", headers=FRENCH).text
    form = {"per_month": "0,5", "app_id": str(portfolio.apps[0].id), "action": "try"}
    assert "Sur les 12 derniers mois" in web.post("/settings/rules/budget", data=form, headers=FRENCH).text
    assert web.post("/settings/rules/budget", data={"per_month": ""}).status_code == 303
    assert db.get(NoiseBudget, "") is None


def test_crashes_that_cannot_be_judged_are_said(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    app = portfolio.apps[0]
    source = Source(app_id=app.id, kind="crashlytics", channel="google_play", name="Crashlytics", config={})
    db.add(source)
    db.flush()
    withheld = {"withheld": True, "sessions": None, "crashed_sessions": None}
    for back in range(1, 6):
        day = TODAY - timedelta(days=back)
        db.add(
            DailySessions(app_id=app.id, source_id=source.id, day=day, version="", channel="google_play", **withheld)
        )
    db.flush()
    page = web.get("/settings/rules", params={"app_id": app.id}, headers=FRENCH).text
    assert "les plantages ne sont pas jugés, car ses sessions" in page

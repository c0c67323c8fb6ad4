"""The model in use, over the API and on its page."""

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from analysis import heads
from analysis.understand import version
from models.own import Reading, Training
from tests.app.seed import Portfolio

FIGURES = {
    "heads": [
        {
            "head": "sentiment", "kept": True, "lacking": 0,
            "before": {"n": 1406, "accuracy": 0.934, "loss": 0.204},
            "after": {"n": 1406, "accuracy": 0.941, "loss": 0.173},
        },
        {"head": "problem", "kept": False, "lacking": 12, "before": None, "after": None},
    ],
    "topics": {"corrected": 4, "before": None, "after": None, "phrases": 0, "lacking": 16, "kept": False},
}  # fmt: skip
ORIGIN = {"Origin": "http://127.0.0.1:8765"}


def test_the_shipped_model_until_something_was_learnt(web: TestClient, portfolio: Portfolio) -> None:
    told = web.get("/api/v1/model").json()
    assert (told["own"], told["version"], told["lessons"]) == (False, heads.shipped().version, [])
    assert "shipped model" in web.get("/settings/model").text


def test_what_was_learnt_and_how_far_the_reading_has_come(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    db.add(Training(actor="anne", version="x+1", verbatims=7000, corrections=41, figures=FIGURES, model=b""))
    first, second = portfolio.apps[:2]
    db.add(Reading(app_id=first.id, model=version(), done=430, total=1000))
    db.add(Reading(app_id=second.id, model="older", done=5, total=5))
    db.flush()
    told = web.get("/api/v1/model").json()
    assert (told["own"], told["version"]) == (True, "x+1")
    assert told["lessons"][0]["heads"][0]["accuracy_after"] == 0.941
    shares = {one["app_id"]: (one["share"], one["waiting"]) for one in told["readings"]}
    assert shares[first.id] == (0.43, False)
    assert shares[second.id] == (0.0, True)
    page = web.get("/settings/model", headers={"Accept-Language": "fr"}).text
    for words in ("votre propre modèle", "94,1", "43 %", "7 000 textes", "Problème (12)", "en attente"):
        assert words in page.replace("\u202f", " ").replace("\xa0", " "), words


def test_asking_for_a_training(web: TestClient, portfolio: Portfolio, deferred: list[Any]) -> None:
    assert web.post("/api/v1/model/train").status_code == 202
    assert web.post("/settings/model/train", headers=ORIGIN).headers["location"] == "/settings/model?done=training"
    assert [call[0] for call in deferred] == [("train", "model")] * 2


def test_going_back_reads_everything_again(
    web: TestClient, db: Session, portfolio: Portfolio, deferred: list[Any]
) -> None:
    assert web.delete("/api/v1/model").json()["own"] is False
    assert deferred == [], "it was the shipped one already"
    db.add(Training(actor="anne", version="x+1", figures=FIGURES, model=b""))
    db.flush()
    assert web.post("/settings/model/shipped", headers=ORIGIN).status_code == 303
    assert web.get("/api/v1/model").json()["own"] is False
    assert {call[0] for call in deferred} == {("reread", f"reread:{app.id}") for app in portfolio.apps}

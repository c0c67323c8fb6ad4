"""What people say a verbatim means: at once, in the counts, and for good."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.reread import read_again
from models.feedback import Verbatim, VerbatimTopic
from models.intake import Origin, store_verbatims
from models.people import Audit
from models.rollups import DailyStars, DailyTopics
from tests.app.conftest import NOW
from tests.models.test_intake import review


@pytest.fixture
def verbatim(db: Session) -> Verbatim:
    from models.apps import App

    app = App(name="Banque")
    db.add(app)
    db.flush()
    store_verbatims(db, Origin(app.id, 1, "app_store_feed", "app_store"), [review()], NOW)
    return db.scalars(select(Verbatim).where(Verbatim.app_id == app.id)).one()


def url(verbatim: Verbatim, page: bool = False) -> str:
    return ("" if page else "/api/v1") + f"/apps/{verbatim.app_id}/reviews/{verbatim.id}"


def negatives(db: Session, app_id: int) -> tuple[int, dict[str, int]]:
    stars = db.scalar(select(func.sum(DailyStars.negative)).where(DailyStars.app_id == app_id)) or 0
    rows = db.execute(
        select(DailyTopics.topic, func.sum(DailyTopics.negative))
        .where(DailyTopics.app_id == app_id)
        .group_by(DailyTopics.topic)
    )
    return int(stars), {topic: int(n) for topic, n in rows if n}


SAID = {"label": "positive", "intents": ["praise"], "topics": [{"topic": "crash", "feeling": "negative"}]}


def test_a_correction_counts_at_once(web: TestClient, db: Session, verbatim: Verbatim) -> None:
    assert negatives(db, verbatim.app_id) == (1, {"sign_in": 1})
    said = web.put(url(verbatim) + "/correction", json=SAID).json()
    assert (said["label"], said["intents"], said["confidence"]) == ("positive", ["praise"], 1)
    assert [topic["topic"] for topic in said["topics"]] == ["crash"]
    assert negatives(db, verbatim.app_id) == (0, {"crash": 1})
    assert db.scalars(select(Audit.action)).all()[-1] == "verbatim.corrected"
    assert web.get(url(verbatim) + "/correction").json()["corrected_by"] == "local"


def test_no_reading_overwrites_it(web: TestClient, db: Session, verbatim: Verbatim) -> None:
    web.put(url(verbatim) + "/correction", json=SAID)
    db.execute(update(Verbatim).values(model="of last year"))
    read_again(db, [verbatim])
    db.expire_all()
    assert verbatim.label == "positive"
    assert negatives(db, verbatim.app_id) == (0, {"crash": 1})
    with_reply = review(reply="Bonjour", label="negative")
    origin = Origin(verbatim.app_id, 1, "app_store_feed", "app_store")
    assert store_verbatims(db, origin, [with_reply], NOW).touched == 1
    db.expire_all()
    assert (verbatim.label, verbatim.reply) == ("positive", "Bonjour")


def test_new_words_are_read_anew(web: TestClient, db: Session, verbatim: Verbatim) -> None:
    web.put(url(verbatim) + "/correction", json=SAID)
    edited = review(written_at=NOW, body="Toujours impossible de se connecter", label="negative")
    store_verbatims(db, Origin(verbatim.app_id, 1, "app_store_feed", "app_store"), [edited], NOW)
    db.expire_all()
    assert verbatim.label == "negative"
    assert negatives(db, verbatim.app_id)[0] == 1


def test_parts_that_are_left_out_stay_with_the_models(web: TestClient, db: Session, verbatim: Verbatim) -> None:
    web.put(url(verbatim) + "/correction", json={"label": "mixed"})
    db.expire_all()
    assert verbatim.label == "mixed"
    assert negatives(db, verbatim.app_id) == (0, {"sign_in": 1})
    web.put(url(verbatim) + "/correction", json={"topics": []})
    assert negatives(db, verbatim.app_id) == (1, {})


def test_it_can_be_undone(web: TestClient, db: Session, verbatim: Verbatim) -> None:
    web.put(url(verbatim) + "/correction", json=SAID)
    web.delete(url(verbatim) + "/correction")
    assert negatives(db, verbatim.app_id) == (1, {"sign_in": 1})
    assert web.get(url(verbatim) + "/correction").status_code == 404


def test_mistakes_are_told(web: TestClient, verbatim: Verbatim) -> None:
    answer = web.put(url(verbatim) + "/correction", json={"topics": [{"topic": "unicorns"}]})
    assert answer.status_code == 422
    assert "unicorns" in answer.json()["detail"]
    assert web.put(f"/api/v1/apps/{verbatim.app_id}/reviews/999/correction", json=SAID).status_code == 404


def test_the_form(web: TestClient, db: Session, verbatim: Verbatim) -> None:
    html = web.get(url(verbatim, page=True)).text
    assert 'name="bad" value="sign_in"' in html
    origin = {"Origin": "http://127.0.0.1:8765"}
    form = {"label": "neutral", "intents": ["question"], "bad": ["card"], "good": ["display"]}
    answer = web.post(url(verbatim, page=True) + "/correction", data=form, headers=origin)
    assert answer.status_code == 303
    assert "local" in web.get(answer.headers["location"]).text
    topics = dict(db.execute(select(VerbatimTopic.topic, VerbatimTopic.sentiment)).all())
    assert topics["card"] < 0 < topics["display"]
    assert web.post(url(verbatim, page=True) + "/correction/undo", headers=origin).status_code == 303
    assert db.execute(text("SELECT count(*) FROM corrections")).scalar() == 0
    assert web.get(f"/apps/{verbatim.app_id}/reviews/999").status_code == 404

"""The page of two versions, and its JSON twin: the verdict, what is compared, and what it says when it cannot know."""

import re
from datetime import timedelta
from html import unescape

from fastapi.testclient import TestClient
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from models.apps import App
from models.feedback import Verbatim
from models.releases import Release
from models.rollups import DailyStars
from tests.app.conftest import TODAY
from tests.app.seed import Portfolio, seed

FRENCH = {"Accept-Language": "fr"}


def h1(html: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", html)
    assert found
    return unescape(found[1])


def test_a_bad_release_is_said_in_a_sentence_with_its_interval(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    page = web.get(f"/apps/{app}/versions", headers=FRENCH).text
    assert re.fullmatch(r"La 7\.3 est moins bien notée que la 7\.2 \(−\d,\d ± 0,\d\)\.", h1(page))
    assert re.fullmatch(
        r"7\.3 is rated worse than 7\.2 \(−\d\.\d ± 0\.\d\)\.", h1(web.get(f"/apps/{app}/versions").text)
    )
    told = web.get(f"/api/v1/apps/{app}/versions/compare").json()
    assert (told["this"]["version"], told["that"]["version"], told["verdict"]) == ("7.3", "7.2", "worse")
    assert told["stars"]["difference"] + told["stars"]["half_width"] < 0
    assert told["this"]["mean"] - told["that"]["mean"] < 0
    assert {topic["topic"] for topic in told["topics"] if topic["moved"] == "rose"} & {"sign_in", "crash"}
    assert all(topic["low"] <= topic["ratio"] <= topic["high"] for topic in told["topics"])
    days = told["adoption"]
    assert days[0]["this"] == 0
    assert days[-1]["this"] > days[-1]["that"]
    assert days[-1]["day"] == f"{TODAY}"


def test_any_two_versions_and_one_channel(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    told = web.get(f"/api/v1/apps/{app}/versions/compare?this=7.1&that=7.3&channel=google_play").json()
    assert (told["this"]["version"], told["that"]["version"], told["verdict"]) == ("7.1", "7.3", "better")
    behind = web.get(
        f"/api/v1/apps/{app}/reviews?version=7.1&channel=google_play"
        f"&from={told['this']['first']}&to={told['this']['last']}"
    ).json()
    assert behind["count"] == told["this"]["n"] > 0
    assert web.get(f"/api/v1/apps/{app}/versions/compare?this=9.9").status_code == 404
    page = web.get(f"/apps/{app}/versions?this=9.9&that=7.1", headers=FRENCH)
    assert page.status_code == 200
    assert h1(page.text) == "Il faut deux versions pour comparer."


def test_a_fresh_release_is_too_early(web: TestClient, db: Session) -> None:
    made = seed(db, today=TODAY, days=120, daily=6)
    app = made.apps[1].id  # a third of the volume
    fresh = TODAY - timedelta(days=1)
    db.execute(update(Release).where(Release.app_id == app, Release.version == "7.3").values(day=fresh))
    db.execute(
        update(DailyStars)
        .where(DailyStars.app_id == app, DailyStars.version == "7.3", DailyStars.day < fresh)
        .values(version="7.1")
    )
    db.flush()
    told = web.get(f"/api/v1/apps/{app}/versions/compare").json()
    assert told["verdict"] == "too_early"
    assert told["stars"] is None or told["stars"]["more_days"]
    assert h1(web.get(f"/apps/{app}/versions", headers=FRENCH).text).startswith("Trop tôt")


def test_apps_without_two_versions_say_so(web: TestClient, portfolio: Portfolio, db: Session) -> None:
    empty = portfolio.apps[2].id
    assert h1(web.get(f"/apps/{empty}/versions", headers=FRENCH).text) == "Il faut deux versions pour comparer."
    assert web.get(f"/api/v1/apps/{empty}/versions/compare").status_code == 404
    alone = App(name="Seule")
    db.add(alone)
    db.flush()
    db.execute(delete(Verbatim).where(Verbatim.app_id == alone.id))
    assert web.get(f"/apps/{alone.id}/versions").status_code == 200
    assert web.get("/apps/424242/versions").status_code == 404

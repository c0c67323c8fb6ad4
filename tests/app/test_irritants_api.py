"""Irritants over HTTP: the list, one of them, and what people decide."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete
from sqlalchemy.orm import Session

from app import clock
from app.irritants import refresh
from models.insight import Irritant
from tests.app.conftest import TODAY
from tests.app.seed import Portfolio


@pytest.fixture
def irritants(db: Session, portfolio: Portfolio) -> list[Irritant]:
    """Two rows straight into the table: what finds them is tested elsewhere."""
    app_id = portfolio.apps[0].id
    db.execute(delete(Irritant))  # those of the seed
    made = []
    for topic in ("sign_in", "crash"):
        row = Irritant(
            app_id=app_id, key=f"topic:{topic}", keys=[f"topic:{topic}"], state="ongoing", state_since=TODAY,
            began_day=TODAY - timedelta(days=60), noticed_day=TODAY - timedelta(days=59), name_fr=f"{topic} fr",
            name_en=f"{topic} en", given_name="", merged_by="", summary="",
        )  # fmt: skip
        db.add(row)
        made.append(row)
    db.flush()
    from app.irritant_counts import count

    count(db, app_id, TODAY, clock.now())
    return made


def test_list_one_and_its_verbatims(web: TestClient, irritants: list[Irritant]) -> None:
    base = f"/api/v1/apps/{irritants[0].app_id}"
    items = web.get(f"{base}/irritants").json()["items"]
    assert {item["name"] for item in items} == {"sign_in fr", "crash fr"}
    first = items[0]
    assert first["n"] > 0
    assert web.get(f"{base}/reviews?irritant={first['id']}&limit=1").json()["count"] == first["n"]
    detail = web.get(f"{base}/irritants/{first['id']}?language=en").json()
    assert detail["row"]["name"].endswith(" en")
    assert sum(n for _, n, _ in detail["days"]) == first["n"]
    page = web.get(f"/apps/{irritants[0].app_id}/reviews?irritant={first['id']}")
    assert first["name"][:-3] in page.text


def test_names_and_merges_are_kept_and_said(web: TestClient, db: Session, irritants: list[Irritant]) -> None:
    one, other = irritants
    base = f"/api/v1/apps/{one.app_id}/irritants"
    assert web.put(f"{base}/{one.id}/name", json={"name": " Panne du lundi "}).status_code == 204
    assert web.post(f"{base}/{other.id}/merge", json={"into": one.id}).status_code == 204
    (item,) = web.get(base).json()["items"]
    assert (item["name"], item["given"]) == ("Panne du lundi", True)
    answer = web.post(f"{base}/{one.id}/merge", json={"into": other.id})
    assert answer.status_code == 409
    assert "circles" in answer.json()["detail"]
    assert web.post(f"{base}/{other.id}/unmerge").status_code == 204
    assert len(web.get(base).json()["items"]) == 2
    kinds = [line["kind"] for line in web.get(f"{base}/{other.id}").json()["life"]]
    assert kinds == ["merged", "unmerged"]
    assert web.put(f"{base}/999999/name", json={"name": "x"}).status_code == 404


def test_a_refresh_keeps_what_people_decided(web: TestClient, db: Session, irritants: list[Irritant]) -> None:
    one, other = irritants
    web.post(f"/api/v1/apps/{one.app_id}/irritants/{other.id}/merge", json={"into": one.id})
    refresh(db, one.app_id, clock.now(), today=TODAY)
    db.refresh(other)
    assert (other.merged_into, other.merged_by) == (one.id, "local")


def test_stars_against_words(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    from sqlalchemy import update

    from models.feedback import Verbatim

    app_id = portfolio.apps[0].id
    db.execute(update(Verbatim).where(Verbatim.app_id == app_id).values(sentiment=0.1))
    ident = db.query(Verbatim.id).where(Verbatim.app_id == app_id, Verbatim.stars == 5).limit(1).scalar()
    db.execute(update(Verbatim).where(Verbatim.app_id == app_id, Verbatim.id == ident).values(sentiment=-0.9))
    found = web.get(f"/api/v1/apps/{app_id}/reviews?disagrees=true").json()
    assert [item["id"] for item in found["items"]] == [ident]
    everything = web.get(f"/api/v1/apps/{app_id}/reviews").json()["count"]
    agrees = web.get(f"/api/v1/apps/{app_id}/reviews?disagrees=false").json()
    assert agrees["count_capped"] or agrees["count"] == everything - 1

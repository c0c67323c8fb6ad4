"""Irritants over HTTP: the list, one of them, and what people decide."""

from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app import clock
from app.irritants import refresh
from models.insight import Irritant
from models.releases import Release
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


def test_a_fix_that_people_note_is_kept_and_measured(web: TestClient, db: Session, irritants: list[Irritant]) -> None:
    one = irritants[0]
    base = f"/api/v1/apps/{one.app_id}/irritants/{one.id}"
    releases = {row.version: row.day for row in db.scalars(select(Release).where(Release.app_id == one.app_id))}
    version, day = max(((v, d) for v, d in releases.items() if d < TODAY - timedelta(days=7)), key=lambda pair: pair[1])
    before = web.get(base).json()
    assert (before["fix"], before["given_fix"]) == (None, "")
    answer = web.put(f"{base}/fix", json={"version": "99.9"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "No release 99.9 of this app is known.")
    assert web.put(f"{base}/fix", json={"version": version}).status_code == 204
    found = web.get(base).json()
    assert (found["given_fix"], found["row"]["fixed_version"]) == (version, version)
    assert [(line["day"], line["actor"]) for line in found["life"] if line["kind"] == "fix_shipped"] == [
        (str(day), "local")
    ]
    fix = found["fix"]
    days = [(date.fromisoformat(at), n, of) for at, n, of in found["days"]]
    for side in ("before", "after"):
        first, last = (date.fromisoformat(fix[side][edge]) for edge in ("first", "last"))
        said = sum(n for at, n, _ in days if first <= at <= last)
        assert fix["change"][side] == pytest.approx(said / sum(of for at, _, of in days if first <= at <= last))
    assert fix["change"]["low"] < fix["change"]["ratio"] < fix["change"]["high"]
    page = web.get(f"/apps/{one.app_id}/irritants/{one.id}", headers={"Accept-Language": "fr"}).text
    assert f"Correctif {version}" in page
    refresh(db, one.app_id, clock.now(), today=TODAY)
    db.refresh(one)
    assert (one.given_fix, one.fixed_version) == (version, version), "what people note is kept"
    form = web.post(f"/apps/{one.app_id}/irritants/{one.id}/fix", data={"version": ""})
    assert form.status_code == 303
    after = web.get(base).json()
    assert (after["fix"], after["given_fix"], after["row"]["fixed_version"]) == (None, "", "")


def test_a_fix_is_measured_on_the_two_versions_where_both_are_known(
    web: TestClient, db: Session, irritants: list[Irritant]
) -> None:
    one = irritants[0]
    base = f"/api/v1/apps/{one.app_id}/irritants/{one.id}"
    parts = {part["value"]: part for part in web.get(base).json()["versions"] if part["value"]}
    releases = {row.version: row.day for row in db.scalars(select(Release).where(Release.app_id == one.app_id))}
    old, new = sorted((v for v in parts if v in releases), key=lambda v: releases[v])[-2:]
    one.began_version = old
    db.flush()
    assert web.put(f"{base}/fix", json={"version": new}).status_code == 204
    fix = web.get(base).json()["fix"]
    assert (fix["that"], fix["version"]) == (old, new)
    assert fix["change"]["before"] == pytest.approx(parts[old]["n"] / parts[old]["of"])
    assert fix["change"]["after"] == pytest.approx(parts[new]["n"] / parts[new]["of"])


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

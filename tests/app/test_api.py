"""The JSON API: what it says, what it refuses, and how."""

import csv
import io
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.feedback import Verbatim
from models.incidents import Delivery, Destination
from models.people import Audit
from models.sources import Source
from tests.app.conftest import NOW
from tests.app.seed import Portfolio

API = "/api/v1"


def listed(web: TestClient, url: str) -> list[dict[str, Any]]:
    """All rows of a list, page by page."""
    found: list[dict[str, Any]] = []
    after = ""
    name = "after" if "/reviews" in url else "before"
    while True:
        page = web.get(f"{url}{'&' if '?' in url else '?'}limit=37{after}").json()
        found += page["items"]
        if page["next"] is None:
            return found
        after = f"&{name}={page['next']}"


def test_reviews_are_paged_newest_first_without_a_gap_or_a_double(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    rows = listed(web, f"{API}/apps/{app}/reviews")
    count = web.get(f"{API}/apps/{app}/reviews?limit=1").json()
    assert len(rows) == len({row["id"] for row in rows}) == count["count"] > 300
    assert not count["count_capped"]
    times = [(row["written_at"], row["id"]) for row in rows]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("stars=1&stars=5", lambda row: row["stars"] in {1, 5}),
        ("version=7.3", lambda row: row["version"] == "7.3"),
        ("version=unknown", lambda row: row["version"] == ""),
        ("channel=app_store", lambda row: row["channel"] == "app_store"),
        ("storefront=fr", lambda row: row["storefront"] == "fr"),
        ("storefront=unknown", lambda row: row["storefront"] == ""),
        ("language=en", lambda row: row["language"] == "en"),
        ("label=negative", lambda row: row["label"] == "negative"),
        ("intent=problem", lambda row: "problem" in row["intents"]),
        ("urgent=true", lambda row: row["urgent"]),
        ("rated=false", lambda row: row["stars"] is None),
        ("revised=true", lambda row: row["revision"] > 0),
        ("from=2026-11-01&to=2026-11-07", lambda row: "2026-11-01" <= row["day"] <= "2026-11-07"),
        ("topic=sign_in", lambda row: any(topic["topic"] == "sign_in" for topic in row["topics"])),
        (
            "topic=sign_in&topic_negative=true",
            lambda row: any(topic["topic"] == "sign_in" and topic["sentiment"] < 0 for topic in row["topics"]),
        ),
        ("q=VIREMENT", lambda row: "virement" in row["body"].lower()),
        ("q=%22toute+seule%22", lambda row: "toute seule" in row["body"]),
        ("q=empreinte+-loyer", lambda row: False),
        ("stars=1&channel=google_play&topic=crash&from=2026-10-01", lambda row: row["stars"] == 1),
    ],
)
def test_filters_let_through_exactly_what_they_say(
    web: TestClient, portfolio: Portfolio, query: str, holds: Any
) -> None:
    app = portfolio.apps[0].id
    everything = {row["id"]: row for row in listed(web, f"{API}/apps/{app}/reviews")}
    found = listed(web, f"{API}/apps/{app}/reviews?{query}")
    assert all(holds(row) for row in found)
    if "&topic=crash" not in query:
        assert {row["id"] for row in found} == {key for key, row in everything.items() if holds(row)}
    assert web.get(f"{API}/apps/{app}/reviews?{query}").json()["count"] == len(found)
    lines = web.get(f"{API}/apps/{app}/reviews.csv?{query}").text.lstrip("\ufeff")
    assert [int(row["id"]) for row in csv.DictReader(io.StringIO(lines))] == [row["id"] for row in found]


def test_search_forgives_accents(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    with_accents = web.get(f"{API}/apps/{app}/reviews?q=réinstallé").json()["count"]
    assert with_accents == web.get(f"{API}/apps/{app}/reviews?q=reinstalle").json()["count"] > 0


def test_a_search_is_counted_up_to_a_thousand(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    app = portfolio.apps[0]
    model = db.query(Verbatim).filter_by(app_id=app.id).first()
    assert model is not None
    fields = {c.key: getattr(model, c.key) for c in Verbatim.__mapper__.column_attrs if c.key not in {"id", "search"}}
    rows = [fields | {"external_id": f"x{n}", "body": "zanzibar"} for n in range(1001)]
    db.execute(Verbatim.__table__.insert(), rows)
    page = web.get(f"{API}/apps/{app.id}/reviews?q=zanzibar").json()
    assert (page["count"], page["count_capped"]) == (1000, True)
    assert "More than 1,000 reviews" in web.get(f"/apps/{app.id}/reviews?q=zanzibar").text


def test_one_review_tells_what_it_said_before(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    edited = web.get(f"{API}/apps/{app}/reviews?revised=true&stars=5").json()["items"][0]
    detail = web.get(f"{API}/apps/{app}/reviews/{edited['id']}").json()
    assert [revision["stars"] for revision in detail["revisions"]] == [1]
    assert "1 → 5 ★" in web.get(f"/apps/{app}/reviews?revised=true&stars=5").text
    assert web.get(f"{API}/apps/{app}/reviews/{2**62}").status_code == 404


def test_csv_cannot_carry_a_formula(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    verbatim = db.query(Verbatim).filter_by(app_id=portfolio.apps[0].id).first()
    assert verbatim is not None
    verbatim.body, verbatim.title = '=HYPERLINK("https://evil.example")', "+33 6"
    db.flush()
    text = web.get(f"{API}/apps/{verbatim.app_id}/reviews.csv?q=HYPERLINK").text.lstrip("\ufeff")
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["body"].startswith("'=")
    assert row["title"].startswith("'+")


def test_errors_are_problems_that_say_where_and_what(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    for url, status, where in (
        (f"{API}/apps/424242", 404, None),
        (f"{API}/nowhere", 404, None),
        (f"{API}/apps/0", 422, "path.app_id"),
        (f"{API}/apps/{2**63}", 422, "path.app_id"),
        (f"{API}/apps/{app}/reviews?stars=6", 422, "query.stars.0"),
        (f"{API}/apps/{app}/reviews?from=2026-11-08&to=2026-11-01", 422, "query.from"),
        (f"{API}/apps/{app}/reviews?from=0001-01-01", 422, "query.from"),
        (f"{API}/apps/{app}/reviews?q=a%00b", 422, "query.q"),
        (f"{API}/apps/{app}/reviews?after=AAAA", 422, "query.after"),
        (f"{API}/apps/{app}/trends/stars?bucket=month", 422, "query.bucket"),
        (f"{API}/incidents/not-a-uuid", 422, "path.incident_id"),
        (f"{API}/incidents/{uuid4()}", 404, None),
    ):
        answer = web.get(url)
        assert answer.status_code == status, url
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert set(body) == {"type", "title", "status", "detail", "errors"}
        assert body["detail"]
        if where:
            assert [error["where"] for error in body["errors"]] == [where]
    assert web.delete(f"{API}/apps").status_code == 405


def test_apps_are_made_and_changed(web: TestClient, deferred: list[Any]) -> None:
    made = web.post(f"{API}/apps", json={"name": " Ma  banque ", "language": "en"})
    assert made.status_code == 201
    assert made.json()["app"]["name"] == "Ma banque"
    url = made.headers["location"]
    assert web.post(f"{API}/apps", json={"name": "Ma banque"}).status_code == 409
    assert web.patch(url, json={"timezone": "Pacific/Auckland"}).json()["timezone"] == "Pacific/Auckland"
    assert web.patch(url, json={"timezone": "Europe/Atlantis"}).status_code == 422
    assert web.patch(url, json={"nmae": "x"}).status_code == 422
    assert web.get(url).json()["language"] == "en"
    linked = web.post(f"{API}/apps", json={"link": "https://apps.apple.com/x/id1", "storefronts": ["fr"]})
    assert linked.status_code == 201
    assert [row["kind"] for row in linked.json()["sources"]] == ["app_store_feed", "app_store_lookup"]
    assert linked.json()["app"]["listings"][0]["external_id"] == "1533000042"
    assert len(deferred) == 2


def test_sources_are_made_read_and_paused(web: TestClient, portfolio: Portfolio, deferred: list[Any]) -> None:
    config = {"app_id": "1", "storefront": "be"}
    body = {"app_id": portfolio.apps[0].id, "kind": "app_store_feed", "name": "App Store BE", "config": config}
    made = web.post(f"{API}/sources", json=body)
    assert (made.status_code, made.json()["channel"], made.json()["rhythm_minutes"]) == (201, "app_store", 60)
    assert web.post(f"{API}/sources", json=body | {"config": {"app_id": "1"}}).status_code == 422
    url = made.headers["location"]
    assert web.post(f"{API}/sources", json=body | {"kind": "tarot"}).status_code == 422
    assert web.post(f"{API}/sources", json=body | {"app_id": 424242}).status_code == 422
    assert web.patch(url, json={"enabled": False, "rhythm_minutes": 60}).json()["rhythm_minutes"] == 60
    assert web.post(f"{url}/run").json()["runs"] == f"{url}/runs"
    assert web.post(f"{url}/backfill").status_code == 202
    assert [kwargs["trigger"] for _, kwargs in deferred] == ["manual", "backfill"]
    runs = web.get(f"{API}/sources/{portfolio.sources[1].id}/runs").json()["items"]
    assert [run["outcome"] for run in runs] == ["throttled", "complete"]
    ledger = web.get(f"{API}/apps/{portfolio.apps[0].id}/coverage").json()["items"]
    assert {cell["state"] for cell in ledger} == {"complete", "partial", "unknown", "held"}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "file", "config": {"path": "/etc/passwd"}},
        {"config": {"app_id": "1", "storefront": "fr", "app_store_url": "http://169.254.169.254"}},
        {"config": {"app_id": "1", "storefront": "fr", "path": "/etc/passwd"}},
    ],
)
def test_a_source_over_the_network_neither_reads_our_files_nor_calls_our_neighbours(
    application: FastAPI, web: TestClient, portfolio: Portfolio, change: dict[str, Any], db: Session
) -> None:
    application.state.kinds = [*application.state.kinds, {"kind": "file", "channel": "file", "minutes": 0}]
    before = db.scalar(select(func.count()).select_from(Source))
    body = {"app_id": portfolio.apps[0].id, "kind": "app_store_feed", "name": "x", "config": {"app_id": "1"}}
    assert web.post(f"{API}/sources", json=body | change).status_code == 422
    assert db.scalar(select(func.count()).select_from(Source)) == before


def test_walks_need_a_queue(web: TestClient, portfolio: Portfolio) -> None:
    del web.app.state.defer  # type: ignore[attr-defined]
    assert web.post(f"{API}/sources/{portfolio.sources[0].id}/run").status_code == 503


def test_incidents_are_decided_on_and_remembered(web: TestClient, portfolio: Portfolio, db: Session) -> None:
    incident = portfolio.incident
    assert incident is not None
    url = f"{API}/incidents/{incident.id}"
    assert [row["id"] for row in web.get(f"{API}/incidents?state=open").json()["items"]] == [str(incident.id)]
    assert web.post(f"{url}/acknowledge", json={"note": "Je regarde."}).json()["state"] == "acknowledged"
    assert web.post(f"{url}/silence", json={"days": 2}).json()["silenced_until"].startswith("2026-11-24T09:30")
    assert web.post(f"{url}/resolve").json()["state"] == "resolved"
    clash = web.post(f"{url}/acknowledge")
    assert clash.status_code == 409
    assert "reopen" in clash.json()["detail"]
    assert web.post(f"{url}/reopen").json()["state"] == "open"
    story = web.get(url).json()
    kinds = [event["kind"] for event in story["timeline"] if event["at"].startswith(f"{NOW:%Y-%m-%d}")]
    assert kinds == ["acknowledged", "note", "silenced", "resolved", "reopened"]
    told = {(delivery["kind"], delivery["state"]) for delivery in story["deliveries"]}
    assert told >= {("incident.opened", "sent"), ("incident.resolved", "queued")}
    assert db.query(Audit).filter(Audit.action.like("incident.%")).count() == 4
    assert web.get(f"{API}/incidents?state=resolved").json()["items"] == []


def test_destinations_keep_their_secrets(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    address = "https://hooks.slack.com/services/T/B/very-secret"
    made = web.post(f"{API}/destinations", json={"kind": "slack", "name": "#m", "url": address})
    assert (made.status_code, made.json()["signing_key"]) == (201, None)
    url = made.headers["location"]
    assert "very-secret" not in made.text + web.get(url).text + web.get(f"{API}/destinations").text
    row = db.get_one(Destination, made.json()["id"])
    assert web.app.state.seal.open(row.sealed) == address  # type: ignore[attr-defined]
    hook = web.post(f"{API}/destinations", json={"kind": "webhook", "name": "h", "url": "https://example.com/h"})
    key = hook.json()["signing_key"]
    assert key.startswith("whsec_")
    assert key not in web.get(f"{API}/destinations").text
    assert web.post(f"{API}/destinations", json={"kind": "slack", "name": "#m", "url": address}).status_code == 409
    assert web.post(f"{API}/destinations", json={"kind": "slack", "name": "z", "url": "http://x.fr"}).status_code == 422
    changed = web.patch(url, json={"levels": ["watch", "alert"], "enabled": False}).json()
    assert (changed["config"]["levels"], changed["enabled"]) == (["alert", "watch"], False)
    off = web.post(f"{url}/test")
    assert off.status_code == 409
    web.patch(url, json={"enabled": True})
    sent = web.post(f"{url}/test")
    assert sent.status_code == 202
    delivery = db.query(Delivery).filter_by(destination_id=row.id).one()
    assert str(delivery.id) == sent.json()["delivery_id"]
    assert web.delete(url).status_code == 204
    assert web.get(url).status_code == 404
    assert db.query(Delivery).filter_by(destination_id=row.id).count() == 0


def test_dead_deliveries_are_sent_again(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    delivery = db.query(Delivery).one()
    delivery.state = "dead"
    db.flush()
    wide = {"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    assert web.post(f"{API}/deliveries/replay", json=wide).json() == {"count": 1}
    db.expire_all()
    assert db.query(Delivery).one().state == "queued"
    assert web.post(f"{API}/deliveries/replay", json={"from": wide["to"], "to": wide["from"]}).status_code == 422
    assert (
        web.post(f"{API}/deliveries/replay", json={"from": "2026-01-01T00:00:00", "to": wide["to"]}).status_code == 422
    )
    assert [row["state"] for row in web.get(f"{API}/deliveries").json()["items"]] == ["queued"]


def test_ratings_and_releases_are_their_own_series(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    ratings = web.get(f"{API}/apps/{app}/ratings?channel=app_store").json()["items"]
    assert [row["count"] for row in ratings] == [46800, 47400, 47980]
    releases = web.get(f"{API}/apps/{app}/releases?channel=google_play").json()["items"]
    assert [row["version"] for row in releases] == ["7.3", "7.2", "7.1"]
    versions = web.get(f"{API}/apps/{app}/versions").json()["items"]
    assert versions[0]["version"] == "7.3"
    topics = web.get(f"{API}/apps/{app}/topics?from=2026-11-09").json()["items"]
    assert {"sign_in", "crash", "biometrics"} >= {topics[0]["topic"]}


def test_health(web: TestClient, db: Session) -> None:
    assert web.get("/healthz").json() == {"status": "up"}
    ready = web.get("/readyz").json()
    assert (ready["ready"], ready["database"]) == (True, "ok")
    web.app.state.readiness = lambda: (False, {"dispatcher": "silent for 60 s"})  # type: ignore[attr-defined]
    answer = web.get("/readyz")
    assert (answer.status_code, answer.json()["dispatcher"]) == (503, "silent for 60 s")


def test_lists_of_sources_name_every_source(web: TestClient, portfolio: Portfolio, db: Session) -> None:
    everything = {row["id"] for row in web.get(f"{API}/sources").json()["items"]}
    assert everything == {source.id for source in db.query(Source)}
    app = portfolio.apps[1].id
    assert {row["app_id"] for row in web.get(f"{API}/sources?app_id={app}").json()["items"]} == {app}


def test_the_examples_of_the_docs_run_as_printed(web: TestClient, portfolio: Portfolio) -> None:
    docs = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    asked = re.findall(r'curl [^\n]*?(-X POST )?"\$API(/[^"]+)"(?:[^\n]*-d \'([^\']+)\')?', docs)
    assert len(asked) >= 5
    newest = web.get("/api/v1/incidents?limit=1").json()["items"][0]["id"]
    app = str(portfolio.apps[0].id)
    for posted, path, body in asked:
        address = "/api/v1" + path.replace("$ID", newest).replace("/apps/1/", f"/apps/{app}/")
        answer = (
            web.post(address, content=body, headers={"Content-Type": "application/json"})
            if posted
            else web.get(address)
        )
        assert answer.status_code in {200, 204}, (address, answer.text)

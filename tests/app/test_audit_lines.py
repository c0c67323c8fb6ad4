"""Whatever a request changes leaves a line: also what is written by one statement for many rows."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.service import kinds
from models.insight import Irritant
from models.people import Audit
from tests.app.seed import Portfolio

API = "/api/v1"


@pytest.fixture
def steps(web: TestClient, db: Session, portfolio: Portfolio) -> list[tuple[str, str, Any]]:
    web.app.state.kinds = kinds()  # type: ignore[attr-defined]
    app, source = portfolio.apps[0].id, portfolio.sources[0].id
    assert portfolio.incident is not None
    incident, other = f"{API}/incidents/{portfolio.incident.id}", portfolio.irritant
    second = db.scalars(select(Irritant.id).where(Irritant.app_id == app, Irritant.id != other).limit(1)).one()
    review = web.get(f"{API}/apps/{app}/reviews?limit=1").json()["items"][0]["id"]
    year = {"from": "2026-01-01T00:00:00Z", "to": "2026-12-31T00:00:00Z"}
    return [
        ("post", f"{API}/apps", {"name": "Une autre"}),
        ("patch", f"{API}/apps/{app}", {"name": "Banque Mésange 2"}),
        ("put", f"{API}/apps/{app}/reviews/{review}/correction", {"label": "negative"}),
        ("delete", f"{API}/apps/{app}/reviews/{review}/correction", None),
        ("post", f"{API}/apps/{app}/views", {"name": "Une étoile", "query": "stars=1"}),
        ("put", f"{API}/apps/{app}/irritants/{other}/name", {"name": "La connexion"}),
        ("post", f"{API}/apps/{app}/irritants/{second}/merge", {"into": other}),
        ("post", f"{API}/apps/{app}/irritants/{second}/unmerge", None),
        ("post", f"{incident}/acknowledge", None),
        ("post", f"{incident}/silence", {"days": 3}),
        ("post", f"{incident}/vote", {"useful": True}),
        ("post", f"{incident}/resolve", None),
        ("post", f"{incident}/reopen", None),
        ("put", f"{API}/apps/{app}/rules/rating_drop", {"enabled": False}),
        ("put", f"{API}/rules/budget", {"per_month": 1}),
        ("put", f"{API}/taxonomy", {"own": "topics:\n  advertising: null\n"}),
        ("post", f"{API}/sources", {"app_id": app, "kind": "app_store_feed", "name": "x",
                                    "config": {"app_id": "1", "storefront": "fr"}}),
        ("patch", f"{API}/sources/{source}", {"enabled": False}),
        ("post", f"{API}/sources/{source}/run", None),
        ("post", f"{API}/sources/{source}/backfill", None),
        ("post", f"{API}/sources/{source}/quarantine/replay", None),
        ("put", f"{API}/credentials/connect", {"secret": "x" * 40}),
        ("delete", f"{API}/credentials/connect", None),
        ("post", f"{API}/destinations", {"kind": "inbox", "name": "Autre"}),
        ("post", f"{API}/routes", {"destination_id": portfolio.destination.id, "rules": ["urgent"]}),  # type: ignore[union-attr]
        ("post", f"{API}/deliveries/replay", year),
        ("post", "/deliveries/replay", {"from": "2026-01-01", "to": "2026-12-31"}),
        ("post", f"{API}/people/links", {"email": "a@banque.example", "role": "viewer"}),
        ("post", f"{API}/keys", {"name": "Grafana"}),
    ]  # fmt: skip


def test_every_change_leaves_a_line(web: TestClient, db: Session, steps: list[tuple[str, str, Any]]) -> None:
    silent, refused = [], []
    for method, path, body in steps:
        before = db.scalar(select(func.count()).select_from(Audit)) or 0
        form = {"data": body} if not path.startswith(API) else {"json": body}
        answer = web.request(method, path, **form)  # type: ignore[arg-type]
        if answer.status_code >= 400:
            refused.append((path, answer.status_code, answer.text))
        elif (db.scalar(select(func.count()).select_from(Audit)) or 0) == before:
            silent.append((method, path))
    assert not refused
    assert not silent, "record it (app.audit.record): a statement for many rows is not seen by itself"

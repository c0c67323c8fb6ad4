"""People, keys and the audit as an admin meets them: by page and by API; and that every change leaves its trace."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app.main import create_app
from app.seal import Seal
from app.settings import Settings
from models.people import ApiKey, Audit, User
from tests.app.people import BASE, make_user, signed_in
from tests.app.seed import Portfolio


@pytest.fixture
def guarded(bind: Connection, settings: Settings) -> FastAPI:
    app = create_app(bind, replace(settings, sign_in=True, public_url=BASE), Seal(b"tests"))
    app.state.defer = lambda *_, **__: None
    return app


@pytest.fixture
def admin(guarded: FastAPI, db: Session) -> Iterator[TestClient]:
    with signed_in(guarded, db, make_user(db, "admin")) as client:
        yield client


def told(db: Session) -> list[tuple[str, str]]:
    lines = db.scalars(select(Audit).where(Audit.action != "person.signed_in").order_by(Audit.id))
    return [(line.actor, line.action) for line in lines]


def test_an_admin_invites_by_page_and_closes_accounts(admin: TestClient, db: Session) -> None:
    page = admin.post("/settings/people", data={"email": "paul@banque.example", "role": "editor"})
    assert page.status_code == 201
    link = re.search(rf"{BASE}(/welcome/[\w-]+)", page.text)
    assert link
    assert link[1] not in admin.get("/settings/people").text, "told once"
    assert admin.post("/settings/people", data={"email": "no"}).status_code == 422
    paul = make_user(db, "editor", "paul@banque.example")
    assert admin.post(f"/settings/people/{paul.id}", data={"role": "admin"}).status_code == 303
    assert admin.post(f"/settings/people/{paul.id}", data={"action": "deactivate"}).status_code == 303
    db.refresh(paul)
    assert (paul.role, paul.deactivated_at is None) == ("admin", False)
    assert admin.post("/settings/people", data={"email": "paul@banque.example"}).status_code == 409
    me = db.scalars(select(User).where(User.email == "admin@banque.example")).one()
    last = admin.post(f"/settings/people/{me.id}", data={"role": "viewer"})
    assert last.status_code == 409
    assert 'role="alert"' in last.text
    assert told(db) == [
        ("admin@banque.example", action) for action in ("person.invited", "person.role_changed", "person.deactivated")
    ]


def test_the_same_by_the_api(admin: TestClient, db: Session) -> None:
    made = admin.post("/api/v1/people/links", json={"email": "Paul@banque.example", "role": "editor"})
    assert made.status_code == 201
    assert made.json()["email"] == "paul@banque.example"
    assert made.json()["link"].startswith(f"{BASE}/welcome/")
    paul = make_user(db, "viewer", "paul@banque.example")
    changed = admin.patch(f"/api/v1/people/{paul.id}", json={"role": "editor", "active": False}).json()
    assert (changed["role"], changed["deactivated_at"] is None) == ("editor", False)
    listed = admin.get("/api/v1/people").json()["items"]
    assert [each["email"] for each in listed] == ["admin@banque.example", "paul@banque.example"]
    assert not {"password", "subject", "hash"} & set(listed[0])
    assert admin.get("/api/v1/me").json() == {"name": "Admin Martin", "role": "admin", "kind": "person"}
    assert admin.patch("/api/v1/people/999999", json={}).status_code == 404


def test_keys_are_made_shown_once_and_revoked(admin: TestClient, guarded: FastAPI, db: Session) -> None:
    page = admin.post("/settings/keys", data={"name": "Grafana", "scope": "read", "days": "30"})
    key = re.search(r"cck_[\w-]{43}", unescape(page.text))
    assert key
    assert key[0] not in admin.get("/settings/keys").text
    with TestClient(guarded, base_url=BASE, headers={"Authorization": f"Bearer {key[0]}"}) as grafana:
        assert grafana.get("/api/v1/apps").status_code == 200
        assert grafana.post("/api/v1/apps", json={"name": "x"}).status_code == 403
        assert grafana.get("/api/v1/keys").status_code == 403
        row = db.scalars(select(ApiKey)).one()
        assert admin.post(f"/settings/keys/{row.id}/revoke").status_code == 303
        assert grafana.get("/api/v1/apps").status_code == 401
    made = admin.post("/api/v1/keys", json={"name": "robot", "scope": "write"}).json()
    assert made["scopes"] == ["read", "write"]
    assert made["key"].startswith(made["prefix"])
    assert made["made_by"] == "admin@banque.example"
    assert admin.delete(f"/api/v1/keys/{made['id']}").json()["revoked_at"]
    assert "key" not in admin.get("/api/v1/keys").json()["items"][0]
    assert [action for _, action in told(db)] == ["key.created", "key.revoked"] * 2


def test_every_change_leaves_its_trace_with_what_it_was_before(
    admin: TestClient, db: Session, portfolio: Portfolio
) -> None:
    app, source = portfolio.apps[0], portfolio.sources[0]
    admin.patch(f"/api/v1/apps/{app.id}", json={"name": "Autre nom"})
    admin.post(f"/sources/{source.id}/pause")
    admin.post(f"/sources/{source.id}/run")
    assert admin.patch(f"/api/v1/apps/{app.id}", json={"name": ""}).status_code == 422
    secret = "https://hooks.slack.com/services/T0/B0/v3ryS3cret"
    admin.post("/api/v1/destinations", json={"kind": "slack", "name": "#mobile", "url": secret})
    admin.post(f"/incidents/{portfolio.incident.id}/acknowledge")  # type: ignore[union-attr]
    lines = {line.action: line for line in db.scalars(select(Audit).where(Audit.action != "person.signed_in"))}
    assert set(lines) == {
        "app.changed",
        "source.changed",
        "source.asked",
        "destination.created",
        "incident.acknowledge",
    }
    assert lines["app.changed"].detail == {"id": app.id, "name": ["Banque Mésange", "Autre nom"]}
    assert lines["source.changed"].detail["enabled"] == [True, False]
    assert lines["destination.created"].detail["name"] == "#mobile"
    assert {line.actor for line in lines.values()} <= {"admin@banque.example", "Admin Martin"}
    assert "v3ryS3cret" not in str([line.detail for line in lines.values()])


def test_the_audit_is_read_filtered_and_exported(admin: TestClient, db: Session) -> None:
    for n in range(60):
        db.add(Audit(actor="=cmd()", action=f"source.{'changed' if n % 2 else 'made'}", detail={"n": n}))
    db.add(Audit(actor="x", action="sources.other", detail={}))
    db.flush()
    page = admin.get("/settings/audit?action=source")
    assert page.text.count("<code>source.") == 50
    older = re.search(r'href="(/settings/audit[^"]*before=\d+[^"]*)"', page.text)
    assert older
    assert admin.get(unescape(older[1])).text.count("<code>source.") == 10
    found = admin.get("/api/v1/audit?action=source.changed&limit=20").json()
    assert [line["detail"]["n"] for line in found["items"]] == list(range(59, 19, -2))
    rest = admin.get(f"/api/v1/audit?action=source.changed&before={found['next']}").json()
    assert [line["detail"]["n"] for line in rest["items"]] == list(range(19, 0, -2))
    exported = admin.get("/api/v1/audit.csv?action=source").text.splitlines()
    assert len(exported) == 61
    assert ",'=cmd()," in exported[1], "no formula of anybody runs in a spreadsheet"


def test_viewers_see_only_the_settings_that_are_theirs(guarded: FastAPI, db: Session, portfolio: Portfolio) -> None:
    with signed_in(guarded, db, make_user(db, "viewer")) as viewer:
        page = viewer.get("/settings").text
        assert "/settings/people" not in page
        assert "/destinations" in page
        assert viewer.get("/settings/people").status_code == 403
    with signed_in(guarded, db, make_user(db, "admin")) as admin:
        assert "/settings/people" in admin.get("/settings").text

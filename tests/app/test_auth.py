"""Who may ask: hosts, origins, keys, and when people sign in at all."""

from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app.keys import create_key, find_key, revoke_key
from app.main import create_app
from app.seal import Seal
from app.settings import Settings
from models.people import ApiKey, Audit


def test_only_our_own_names_are_answered_on_loopback(web: TestClient) -> None:
    for host in ("127.0.0.1:8765", "localhost", "[::1]:8765"):
        assert web.get("/healthz", headers={"Host": host}).status_code == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "[::1", ""):
        answer = web.get("/api/v1/apps", headers={"Host": host})
        assert answer.status_code == 403, host
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8765"},
        {"Origin": "http://127.0.0.1:9999"},
    ],
)
def test_changes_asked_for_by_other_sites_are_refused(web: TestClient, headers: dict[str, str]) -> None:
    assert web.post("/preferences", data={"lang": "fr"}, headers=headers).status_code == 403
    assert web.post("/api/v1/apps", json={"name": "x"}, headers=headers).status_code == 403
    assert web.get("/", headers=headers).status_code == 200


def test_changes_from_our_own_pages_and_from_programs_pass(web: TestClient) -> None:
    own = {"Origin": "http://127.0.0.1:8765", "Sec-Fetch-Site": "same-origin"}
    assert web.post("/preferences", data={"lang": "fr"}, headers=own).status_code == 303
    assert web.post("/api/v1/apps", json={"name": "x"}).status_code == 201


@pytest.mark.parametrize(
    ("sign_in", "host", "address", "wanted"),
    [
        (True, "127.0.0.1", None, 401),
        (False, "127.0.0.1", None, 200),
        (False, "127.0.0.1", "http://localhost:9000", 200),
        # a proxy on the same machine may pass everybody on, under a loopback name
        (False, "127.0.0.1", "https://cocoon.example", 401),
        (False, "0.0.0.0", None, 401),
    ],
)
def test_sign_in_is_off_only_where_nobody_else_can_come(
    bind: Connection, settings: Settings, sign_in: bool, host: str, address: str | None, wanted: int
) -> None:
    app = create_app(bind, replace(settings, sign_in=sign_in, host=host, public_url=address), Seal(b"tests"))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/api/v1/apps").status_code == wanted


def test_keys_are_kept_as_hashes_and_can_be_revoked(db: Session) -> None:
    key = create_key(db, "one", ["read"])
    row = db.scalars(select(ApiKey)).one()
    assert key.startswith("cck_")
    assert key not in {row.hash, row.prefix}
    assert find_key(db, key) is row
    assert find_key(db, key + "x") is None
    assert find_key(db, "") is None
    assert find_key(db, "cck_é") is None
    db.refresh(row)
    assert row.last_used_at is not None
    row.expires_at = db.scalar(select(func.now() + timedelta(seconds=1)))
    db.flush()
    assert find_key(db, key) is row
    row.expires_at = db.scalar(select(func.now()))
    db.flush()
    assert find_key(db, key) is None
    row.expires_at = None
    revoke_key(db, row, by="somebody")
    assert find_key(db, key) is None
    assert [(line.actor, line.action) for line in db.scalars(select(Audit).order_by(Audit.id))] == [
        ("cli", "key.created"),
        ("somebody", "key.revoked"),
    ]
    with pytest.raises(ValueError, match="root"):
        create_key(db, "two", ["read", "root"])
    with pytest.raises(ValueError, match="none"):
        create_key(db, "two", [])


def test_security_headers_and_hsts_only_under_https(bind: Connection, settings: Settings) -> None:
    for address, wanted in (("https://cocoon.example", True), (None, False)):
        app = create_app(bind, replace(settings, public_url=address), Seal(b"tests"))
        with TestClient(app, base_url="http://127.0.0.1") as client:
            headers = client.get("/login").headers
            assert ("strict-transport-security" in headers) is wanted
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]

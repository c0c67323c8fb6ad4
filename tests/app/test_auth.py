"""Who may ask: hosts, origins, keys, scopes, cookies."""

import time
from dataclasses import replace

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app.auth import COOKIE, create_key, find_key, read_cookie, sign_cookie
from app.main import create_app
from app.seal import Seal
from app.settings import Settings
from models.people import ApiKey
from tests.app.seed import Portfolio


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


def routes(web: TestClient) -> list[tuple[str, str]]:
    """Every route with its method, with parameters filled in."""
    fills = {
        "{app_id}": "1", "{review_id}": "1", "{source_id}": "1", "{destination_id}": "1", "{action}": "run",
        "{incident_id}": "00000000-0000-4000-8000-000000000000",
    }  # fmt: skip
    found = []
    for route in web.app.routes:  # type: ignore[attr-defined]
        for inner in getattr(getattr(route, "original_router", None), "routes", [route]):
            found += _flat(inner, getattr(route, "prefix", ""))
    paths = web.app.openapi()["paths"]  # type: ignore[attr-defined]
    found += [(method.upper(), path) for path, methods in paths.items() for method in methods]
    filled = []
    for method, path in sorted(set(found)):
        address = path
        for name, value in fills.items():
            address = address.replace(name, value)
        filled.append((method, address))
    return filled


def _flat(route: object, prefix: str) -> list[tuple[str, str]]:
    if isinstance(route, APIRoute):
        return [(method, route.path) for method in route.methods if method != "HEAD"]
    return []


def test_a_stranger_gets_nothing_but_the_door(open_web: TestClient) -> None:
    tried = routes(open_web)
    assert len(tried) > 35
    for method, path in tried:
        if path in {"/healthz", "/readyz", "/login", "/preferences", "/api/v1/hooks/{token}"}:  # signed, not signed in
            continue
        answer = open_web.request(method, path)
        if path.startswith("/api/"):
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
        else:
            assert (answer.status_code, answer.headers["location"][:12]) == (303, "/login?back="), (method, path)


def test_a_public_address_asks_for_keys_even_on_loopback(bind: Connection, settings: Settings) -> None:
    """A proxy on the same machine may pass everybody on, under a loopback name."""
    for address, wanted in (("https://cocoon.example", 401), ("http://localhost:9000", 200), (None, 200)):
        app = create_app(bind, replace(settings, public_url=address), Seal(b"tests"))
        with TestClient(app, base_url="http://127.0.0.1") as client:
            assert client.get("/api/v1/apps").status_code == wanted, address


def test_a_reader_can_read_and_not_write(open_web: TestClient, db: Session, portfolio: Portfolio) -> None:
    reader = {"Authorization": f"Bearer {create_key(db, 'reader', ['read'])}"}
    db.flush()
    assert open_web.get("/api/v1/apps", headers=reader).status_code == 200
    assert open_web.get("/", headers=reader).status_code == 200
    for method, path in routes(open_web):
        if method not in {"GET", "HEAD"} and path not in {"/login", "/preferences", "/api/v1/hooks/{token}"}:
            assert open_web.request(method, path, headers=reader).status_code == 403, (method, path)


def test_a_writer_needs_no_origin_and_is_named_in_the_timeline(
    open_web: TestClient, db: Session, portfolio: Portfolio
) -> None:
    key = create_key(db, "Claire", ["read", "write"])
    db.flush()
    headers = {"Authorization": f"Bearer {key}", "Origin": "https://tools.example"}
    answer = open_web.post(f"/api/v1/incidents/{portfolio.incident.id}/acknowledge", headers=headers)  # type: ignore[union-attr]
    assert answer.status_code == 200
    assert answer.json()["acknowledged_by"] == "Claire"


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
    row.revoked_at = row.created_at
    db.flush()
    assert find_key(db, key) is None
    with pytest.raises(ValueError, match="read and write"):
        create_key(db, "two", ["admin"])
    with pytest.raises(ValueError, match="none"):
        create_key(db, "two", [])


def test_signing_in_and_out(open_web: TestClient, db: Session) -> None:
    key = create_key(db, "Claire", ["read", "write"])
    db.flush()
    assert open_web.get("/incidents").headers["location"] == "/login?back=%2Fincidents"
    assert open_web.post("/login", data={"key": "cck_wrong", "back": "/incidents"}).status_code == 401
    answer = open_web.post("/login", data={"key": f" {key} ", "back": "/incidents"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert open_web.get("/incidents").status_code == 200
    assert open_web.post("/logout").status_code == 303
    assert open_web.get("/incidents").status_code == 303


def test_cookies_cannot_be_forged_and_do_not_last(open_web: TestClient, db: Session) -> None:
    create_key(db, "Claire", ["read"])
    db.flush()
    seal = Seal(b"tests")
    number = db.scalars(select(ApiKey.id)).one()
    good = sign_cookie(seal, number)
    assert read_cookie(seal, good) == number
    assert read_cookie(Seal(b"another"), good) is None
    assert read_cookie(seal, good.replace(f"{number}.", f"{number + 1}.", 1)) is None
    assert read_cookie(seal, sign_cookie(seal, number, now=time.time() - 30 * 24 * 3600)) is None
    for forged in ("", "x", "1.2.3", f"{number}.99999999999.é"):
        assert read_cookie(seal, forged) is None
    open_web.cookies.set(COOKIE, good)
    assert open_web.get("/").status_code == 200
    db.execute(ApiKey.__table__.update().values(revoked_at=ApiKey.__table__.c.created_at))
    db.flush()
    assert open_web.get("/").status_code == 303

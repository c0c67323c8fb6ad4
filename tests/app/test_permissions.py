"""All routes × everybody who may ask: who is not let through gets an answer without data.

A new route declares who may use it (`allow(...)`, app/auth.py), or the first test here fails and nobody can open it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Connection, func
from sqlalchemy.orm import Session

from app.auth import OPEN, ROLES, allow
from app.guard import SAFE
from app.keys import create_key
from app.main import create_app
from app.seal import Seal
from app.settings import Settings
from models.people import ApiKey
from tests.app.people import BASE, bearer, make_user, signed_in
from tests.app.routes import Known, every_route, filled
from tests.app.seed import Portfolio

ANYBODY = {
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/login"), ("POST", "/login"), ("POST", "/logout"),
    ("GET", "/login/directory"), ("GET", "/login/directory/back"),
    ("GET", "/welcome/{secret}"), ("POST", "/welcome/{secret}"), ("POST", "/preferences"),
    ("POST", "/api/v1/hooks/{token}"), ("HEAD", "/api/v1/hooks/{token}"),  # the system's signature is its right
    ("POST", "/api/v1/slack/actions"),  # the same for Slack
}  # fmt: skip
"""What a stranger may ask, and no more: whoever adds to this list says why in docs/operations.md."""


@pytest.fixture
def guarded(bind: Connection, settings: Settings) -> FastAPI:
    """The application where others can reach it."""
    app = create_app(bind, replace(settings, sign_in=True, host="0.0.0.0"), Seal(b"tests"))
    app.state.defer = lambda *_, **__: None
    app.state.kinds = []
    return app


def test_every_route_declares_who_may_use_it(guarded: FastAPI) -> None:
    known = list(every_route(guarded))
    assert len(known) > 60
    undeclared = [f"{each.method} {each.path}" for each in known if each.needs is None]
    assert not undeclared, "say who may use it: dependencies=[allow(...)] on its router (CONTRIBUTING.md)"
    assert {(each.method, each.path) for each in known if each.role() is None} == ANYBODY


def test_a_route_that_declares_nothing_is_answered_to_nobody(bind: Connection, settings: Settings) -> None:
    app = create_app(bind, settings, Seal(b"tests"))
    app.get("/api/v1/forgotten")(lambda: {"secret": 1})
    app.get("/api/v1/said", dependencies=[allow("admin")])(lambda: {"secret": 1})
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/api/v1/forgotten").status_code == 403
        assert client.get("/api/v1/said").status_code == 200


CALLERS = (
    "nobody", "viewer", "editor", "admin", "read key", "write key", "admin key",
    "revoked key", "expired key", "wrong key", "expired session", "forged cookie", "deactivated",
)  # fmt: skip
RANK = {"viewer": 1, "read key": 1, "editor": 2, "write key": 2, "admin": 3, "admin key": 3}


@pytest.fixture
def client(request: pytest.FixtureRequest, guarded: FastAPI, db: Session) -> Iterator[TestClient]:
    """Somebody who asks."""
    who: str = request.param
    with ExitStack() as stack:
        if who in {*ROLES, "expired session", "deactivated"}:
            user = make_user(db, who if who in ROLES else "admin")  # type: ignore[arg-type]
            made = stack.enter_context(signed_in(guarded, db, user, expired=who == "expired session"))
            if who == "deactivated":
                user.deactivated_at = user.created_at
                db.flush()
        else:
            made = TestClient(guarded, base_url=BASE, follow_redirects=False, headers={"Origin": BASE})
            stack.enter_context(made)
        if who.endswith("key"):
            made.headers.update(_key(db, who))
        if who == "forged cookie":
            made.cookies.set("cocoon_session", "x" * 43)
        yield made


def _key(db: Session, who: str) -> dict[str, str]:
    scopes = {"read key": ["read"], "write key": ["read", "write"]}.get(who, ["read", "write", "admin"])
    key = create_key(db, who, scopes)
    row = db.query(ApiKey).filter(ApiKey.name == who).one()
    if who == "revoked key":
        row.revoked_at = row.created_at
    if who == "expired key":
        row.expires_at = db.scalar(func.now())
    db.flush()
    return {"Authorization": f"Bearer {key + 'x' if who == 'wrong key' else key}"}


@pytest.mark.parametrize(("who", "client"), [(who, who) for who in CALLERS], indirect=["client"])
def test_nobody_gets_more_than_their_role(
    who: str, client: TestClient, guarded: FastAPI, portfolio: Portfolio, db: Session
) -> None:
    rank, let_in, kept_out = RANK.get(who, 0), 0, 0
    for known in every_route(guarded):
        role = known.role()
        if role is None or known.path.startswith("/account/"):  # what it does to the session is tested elsewhere
            continue
        if rank >= ROLES.index(role) + 1:  # type: ignore[arg-type]
            if known.method == "GET":
                answer = client.get(filled(known.path, portfolio))
                assert answer.status_code not in {401, 403, 500}, (who, known)
                let_in += 1
        else:
            kept_out += 1
            _refused(client, known, portfolio, 403 if rank else 401)
    assert let_in > 30 or rank == 0
    assert kept_out > 0 or rank == 3


def _refused(client: TestClient, known: Known, portfolio: Portfolio, status: int) -> None:
    answer = client.request(known.method, filled(known.path, portfolio), json={})
    told = (known.method, known.path, answer.status_code)
    if known.path.startswith("/api/"):
        assert answer.status_code == status, told
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) == {"type", "title", "status", "detail", "errors"}
    elif status == 401:
        assert (answer.status_code, answer.headers["location"][:12]) == (303, "/login?back="), told
        assert answer.content == b""
    else:
        assert answer.status_code == 403, told
    for app in portfolio.apps:
        assert app.name not in answer.text, told
    assert "Mésange" not in answer.text


def test_changes_with_a_session_must_come_from_our_own_pages(
    guarded: FastAPI, db: Session, portfolio: Portfolio
) -> None:
    """CSRF: every route that changes something, asked for from elsewhere or from nowhere."""
    with signed_in(guarded, db, make_user(db, "admin")) as client:
        changing = [known for known in every_route(guarded) if known.method not in SAFE]
        assert len(changing) > 25
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": ""}):
            client.headers.pop("Origin", None)
            for known in changing:
                own = {name: value for name, value in headers.items() if value}
                answer = client.request(known.method, filled(known.path, portfolio), headers=own)
                assert answer.status_code == 403, (known, own)
                assert answer.headers["content-type"] == "application/problem+json"


def test_a_key_needs_no_origin_and_excel_may_send_it_as_a_password(
    guarded: FastAPI, db: Session, portfolio: Portfolio
) -> None:
    header = bearer(db, "read", "write", name="Claire")
    with TestClient(guarded, base_url=BASE) as client:
        incident = f"/api/v1/incidents/{portfolio.incident.id}/acknowledge"  # type: ignore[union-attr]
        answer = client.post(incident, headers=header | {"Origin": "https://tools.example"})
        assert answer.status_code == 200
        assert answer.json()["acknowledged_by"] == "Claire"
        key = header["Authorization"].removeprefix("Bearer ")
        assert client.get("/api/v1/apps", auth=("excel", key)).status_code == 200
        assert client.get("/api/v1/apps", auth=("excel", "not a key")).status_code == 401
        assert client.get("/api/v1/apps", headers={"Authorization": "Basic %%%"}).status_code == 401


def test_a_role_that_changes_counts_at_once(guarded: FastAPI, db: Session) -> None:
    user = make_user(db, "viewer")
    with signed_in(guarded, db, user) as client:
        assert client.post("/api/v1/apps", json={"name": "x"}).status_code == 403
        user.role = "editor"
        db.flush()
        assert client.post("/api/v1/apps", json={"name": "x"}).status_code == 201


def test_open_is_said_and_never_left_out() -> None:
    assert OPEN.dependency.read is None
    assert allow().dependency.read == "viewer"
    assert allow().dependency.change == "editor"

"""Signing in by the company's directory, over real HTTP: who fits comes in; whatever does not fit is refused."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app.main import create_app
from app.seal import Seal
from app.settings import Settings, SettingsError, read_settings
from models.people import Audit, User
from tests.app.people import BASE, make_user
from tests.fakes.directory import CLIENT, FakeDirectory

CLAIMS = {"email": "Claire@Banque.example", "email_verified": True, "name": "Claire Martin", "groups": ["squads", "x"]}


@pytest.fixture
def directory() -> Iterator[FakeDirectory]:
    with FakeDirectory() as running:
        running.claims = dict(CLAIMS)
        yield running


@pytest.fixture
def app(bind: Connection, settings: Settings, directory: FakeDirectory) -> FastAPI:
    wired = replace(
        settings,
        sign_in=True,
        public_url=BASE,
        oidc_issuer=directory.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret="s3cret",
        oidc_groups=(("admins", "admin"), ("squads", "editor"), ("readers", "viewer")),
    )
    return create_app(bind, wired, Seal(b"tests"))


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=BASE, follow_redirects=False) as client:
        yield client


def come(browser: TestClient, directory: FakeDirectory, **other: str) -> Response:
    there = browser.get("/login/directory?back=/incidents")
    assert there.status_code == 303
    return browser.get("/login/directory/back", params=directory.let_in(there.headers["location"]) | other)


def test_who_is_in_a_group_comes_in_with_its_role(browser: TestClient, directory: FakeDirectory, db: Session) -> None:
    assert 'href="/login/directory?back=' in browser.get("/login").text
    answer = come(browser, directory)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    assert browser.get("/api/v1/me").json() == {"name": "Claire Martin", "role": "editor", "kind": "person"}
    user = db.scalars(select(User)).one()
    assert (user.email, user.password, user.subject) == ("claire@banque.example", None, f"{directory.issuer}|u-1")
    directory.claims |= {"groups": ["admins", "readers"], "email": "claire.m@banque.example"}
    come(browser, directory)
    assert browser.get("/api/v1/me").json()["role"] == "admin", "the highest group, of today, and the same person"
    assert db.scalar(select(func.count(User.id))) == 1
    assert directory.asked.count("/jwks") == 1, "what is published is kept"
    assert {line.action for line in db.scalars(select(Audit))} >= {"person.joined", "person.role_changed"}


def test_groups_may_come_from_userinfo(browser: TestClient, directory: FakeDirectory) -> None:
    directory.claims.pop("groups")
    directory.userinfo = {"sub": "u-1", "groups": ["readers"]}
    assert come(browser, directory).status_code == 303
    assert browser.get("/api/v1/me").json()["role"] == "viewer"
    directory.userinfo = {"sub": "u-2", "groups": ["admins"]}
    assert come(browser, directory).status_code == 403, "it speaks of somebody else"


NOW = int(time.time())
WRONG: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "audience": {"aud": "another"},
    "audience of two, authorized another": {"aud": [CLIENT, "another"], "azp": "another"},
    "issuer": {"iss": "https://evil.example"},
    "over": {"exp": NOW - 120},
    "of the future": {"iat": NOW + 3600},
    "nobody": {"sub": None},
    "no address": {"email": "", "preferred_username": "claire"},
    "no group": {"groups": ["x"]},
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_token_that_does_not_fit_lets_nobody_in(
    browser: TestClient, directory: FakeDirectory, db: Session, fault: str
) -> None:
    directory.claims |= WRONG[fault]
    _refused(come(browser, directory), browser, db)


def _public(directory: FakeDirectory) -> bytes:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return directory.key.public_key().public_bytes(serialization.Encoding.PEM, kind)


def _hmac_with_the_public_key(directory: FakeDirectory, claims: dict[str, Any]) -> str:
    """The confusion of algorithms: the public key taken for a shared secret."""
    import base64
    import hashlib
    import hmac
    import json

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    said = f"{part(json.dumps({'alg': 'HS256', 'kid': 'one'}).encode())}.{part(json.dumps(claims).encode())}"
    return f"{said}.{part(hmac.digest(_public(directory), said.encode(), hashlib.sha256))}"


STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FORGED: dict[str, Callable[[FakeDirectory, dict[str, Any]], str]] = {
    "none": lambda _, claims: jwt.encode(claims, None, "none"),
    "shared secret": _hmac_with_the_public_key,
    "another key": lambda _, claims: jwt.encode(claims, STRANGER, "RS256", headers={"kid": "one"}),
    "unknown key": lambda _, claims: jwt.encode(claims, STRANGER, "RS256", headers={"kid": "two"}),
    "no token": lambda *_: "",
    "cut": lambda directory, claims: jwt.encode(claims, directory.key, "RS256", headers={"kid": "one"})[:-6],
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_token_lets_nobody_in(
    browser: TestClient, directory: FakeDirectory, db: Session, forgery: str
) -> None:
    directory.sign = lambda claims: FORGED[forgery](directory, claims)
    _refused(come(browser, directory), browser, db)


def _refused(answer: Response, browser: TestClient, db: Session) -> None:
    assert answer.status_code == 403
    assert "cocoon_session" not in browser.cookies
    assert browser.get("/").status_code == 303
    assert db.scalar(select(func.count(User.id))) == 0


def test_an_answer_to_another_try_is_refused(browser: TestClient, directory: FakeDirectory, db: Session) -> None:
    _refused(come(browser, directory, state="another"), browser, db)
    _refused(come(browser, directory, code="never given"), browser, db)
    there = browser.get("/login/directory")
    back = directory.let_in(there.headers["location"])
    browser.cookies.clear()
    _refused(browser.get("/login/directory/back", params=back), browser, db)
    browser.cookies.set("cocoon_directory", "forged", path="/login")
    _refused(browser.get("/login/directory/back", params=back), browser, db)


def test_an_account_is_taken_over_only_by_a_verified_address_and_never_when_closed(
    browser: TestClient, directory: FakeDirectory, db: Session
) -> None:
    mine = make_user(db, "viewer", "claire@banque.example", password="x")
    directory.claims["email_verified"] = False
    assert come(browser, directory).status_code == 409
    directory.claims["email_verified"] = True
    assert come(browser, directory).status_code == 303
    db.refresh(mine)
    assert (mine.role, mine.subject) == ("editor", f"{directory.issuer}|u-1")
    mine.deactivated_at = mine.created_at
    db.flush()
    browser.cookies.clear()
    assert come(browser, directory).status_code == 403


def test_without_a_directory_there_is_none(web: TestClient) -> None:
    assert web.get("/login/directory").status_code == 404
    assert "/login/directory" not in web.get("/login").text


def test_a_directory_that_does_not_answer_is_said(
    bind: Connection, settings: Settings, directory: FakeDirectory
) -> None:
    wired = replace(settings, sign_in=True, oidc_issuer=f"{directory.issuer}/elsewhere", oidc_client_id=CLIENT)
    with TestClient(create_app(bind, wired, Seal(b"x")), base_url="http://127.0.0.1") as client:
        assert client.get("/login/directory").status_code == 503


def test_the_settings_of_a_directory() -> None:
    whole = {
        "COCOON_OIDC_ISSUER": "https://id.banque.example/realm/",
        "COCOON_OIDC_CLIENT_ID": "cocoon",
        "COCOON_OIDC_CLIENT_SECRET": "s3cret",
        "COCOON_OIDC_GROUPS": "admins=admin, *=viewer",
    }
    read = read_settings(whole)
    assert read.oidc_groups == (("admins", "admin"), ("*", "viewer"))
    assert "s3cret" not in repr(read)
    for wrong in (
        {"COCOON_OIDC_GROUPS": ""},
        {"COCOON_OIDC_GROUPS": "admins=root"},
        {"COCOON_OIDC_CLIENT_ID": ""},
        {"COCOON_OIDC_ISSUER": "http://id.banque.example"},
    ):
        with pytest.raises(SettingsError, match="COCOON_OIDC"):
            read_settings(whole | wrong)

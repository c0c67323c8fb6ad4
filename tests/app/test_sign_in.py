"""People come in: by password, by one-time link; and who may not, learns nothing."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import people, throttle
from app.errors import Problem
from app.main import create_app
from app.people import hash_password, invite
from app.seal import Seal
from app.settings import Settings
from models.people import Attempts, Audit, Invitation, User, UserSession
from tests.app.people import BASE, make_user, signed_in

PASSWORD = "une phrase assez longue"
HASH = hash_password(PASSWORD)


@pytest.fixture
def door(bind: Connection, settings: Settings) -> FastAPI:
    return create_app(bind, replace(settings, sign_in=True, public_url=BASE), Seal(b"tests"))


@pytest.fixture
def stranger(door: FastAPI) -> Iterator[TestClient]:
    with TestClient(door, base_url=BASE, follow_redirects=False, headers={"Origin": BASE}) as client:
        yield client


def test_signing_in_and_out(stranger: TestClient, db: Session) -> None:
    make_user(db, email="claire@banque.example", password=HASH)
    assert stranger.get("/incidents?before=x").headers["location"] == "/login?back=%2Fincidents%3Fbefore%3Dx"
    form = {"email": " Claire@Banque.example ", "password": PASSWORD, "back": "/incidents"}
    answer = stranger.post("/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    cookie = answer.headers["set-cookie"]
    assert re.search(r"^cocoon_session=[\w-]{43}; HttpOnly; Max-Age=\d+; Path=/; SameSite=lax$", cookie), cookie
    kept = db.scalars(select(UserSession)).one()
    assert kept.hash not in cookie
    page = stranger.get("/incidents")
    assert page.status_code == 200
    assert "Viewer Martin" in page.text
    assert stranger.get("/login").status_code == 303
    token = stranger.cookies["cocoon_session"]
    answer = stranger.post("/logout")
    assert answer.headers["location"] == "/login"
    stranger.cookies.set("cocoon_session", token)
    assert stranger.get("/incidents").status_code == 303, "the session is over here too, not only in the browser"
    assert [line.action for line in db.scalars(select(Audit))] == ["person.signed_in"]


def test_under_https_the_cookie_is_secure_and_bound_to_the_host(
    bind: Connection, settings: Settings, db: Session
) -> None:
    make_user(db, email="claire@banque.example", password=HASH)
    https = "https://cocoon.example"
    app = create_app(bind, replace(settings, sign_in=True, public_url=https), Seal(b"tests"))
    with TestClient(app, base_url=https, follow_redirects=False, headers={"Origin": https}) as client:
        cookie = client.post("/login", data={"email": "claire@banque.example", "password": PASSWORD}).headers[
            "set-cookie"
        ]
        assert cookie.startswith("__Host-cocoon_session=")
        assert "Secure" in cookie
        assert "Domain" not in cookie
        assert client.get("/").status_code == 200


def test_a_stranger_a_wrong_password_and_a_closed_account_look_the_same(
    stranger: TestClient, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user(db, email="claire@banque.example", password=HASH)
    make_user(db, email="gone@banque.example", password=HASH).deactivated_at = func.now()  # type: ignore[assignment]
    make_user(db, email="directory@banque.example")
    db.flush()
    costs: list[str] = []
    real = people._HASHER.verify
    monkeypatch.setattr(
        type(people._HASHER), "verify", lambda _, kept, given: (costs.append(kept[:30]), real(kept, given))[1]
    )
    seen = set()
    for email, password in (
        ("nobody@banque.example", PASSWORD),
        ("claire@banque.example", "une autre phrase longue"),
        ("gone@banque.example", PASSWORD),
        ("directory@banque.example", PASSWORD),
        ("directory@banque.example", ""),
    ):
        answer = stranger.post("/login", data={"email": email, "password": password})
        assert "set-cookie" not in answer.headers
        seen.add((answer.status_code, answer.text.replace(email, "X")))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 401
    assert len(costs) == 5, "each is judged by one Argon2 verification"
    assert {kept[:24] for kept in costs} == {"$argon2id$v=19$m=65536,t"}


def test_tries_are_counted_by_account_whether_it_exists_or_not(
    stranger: TestClient, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "matches", lambda user, password: password == PASSWORD and user is not None)
    make_user(db, email="claire@banque.example", password=HASH)
    for email in ("claire@banque.example", "nobody@banque.example"):
        codes = [stranger.post("/login", data={"email": email, "password": "no"}).status_code for _ in range(11)]
        assert codes == [401] * 10 + [429], email
    right = stranger.post("/login", data={"email": "claire@banque.example", "password": PASSWORD})
    assert right.status_code == 429, "not even the right password, until the window is over"
    assert 0 < int(right.headers["retry-after"]) <= 900
    db.execute(Attempts.__table__.update().values(until=func.now()))
    db.flush()
    assert stranger.post("/login", data={"email": "claire@banque.example", "password": PASSWORD}).status_code == 303
    kept = db.scalars(select(Attempts.subject)).all()
    assert not [subject for subject in kept if "claire" in subject], "addresses are kept as keyed hashes"
    assert "person.held_off" in db.scalars(select(Audit.action)).all()


def test_tries_are_counted_by_address_and_good_ones_do_not_count(
    stranger: TestClient, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "matches", lambda user, password: password == PASSWORD and user is not None)
    make_user(db, email="claire@banque.example", password=HASH)
    for _ in range(throttle.PER_ADDRESS + 5):
        answer = stranger.post("/login", data={"email": "claire@banque.example", "password": PASSWORD})
        assert answer.status_code == 303
    stranger.cookies.clear()
    codes = [
        stranger.post("/login", data={"email": f"{n}@banque.example", "password": "no"}).status_code
        for n in range(throttle.PER_ADDRESS + 1)
    ]
    assert codes == [401] * throttle.PER_ADDRESS + [429]


def test_the_first_link_makes_the_admin_once(stranger: TestClient, db: Session) -> None:
    page = stranger.get("/login")
    assert "cocoon person link" in page.text
    old = people.first_link(db)
    secret = people.first_link(db)
    assert secret
    assert stranger.get(f"/welcome/{old}").status_code == 404, "a new link ends the old one"
    address = f"/welcome/{secret}"
    assert stranger.get(address).status_code == 200
    assert stranger.get(address).status_code == 200, "looking at it (a scanner of links) uses nothing up"
    form = {"email": "claire@banque.example", "name": "Claire", "password": "short"}
    for wrong in (
        form,
        form | {"password": "claire@banque.example"},
        form | {"password": "motdepasse1234"},
        form | {"password": PASSWORD, "email": "no"},
        form | {"password": PASSWORD, "name": " "},
    ):
        answer = stranger.post(address, data=wrong)
        assert answer.status_code == 422, wrong
        assert 'id="wrong-body-' in answer.text
    answer = stranger.post(address, data=form | {"password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    made = db.scalars(select(User)).one()
    assert (made.email, made.role) == ("claire@banque.example", "admin")
    assert made.password is not None
    assert made.password.startswith("$argon2id$")
    assert stranger.get("/").status_code == 200
    assert stranger.post(address, data=form | {"password": PASSWORD}).status_code == 404
    assert people.first_link(db) is None
    assert "cocoon person link" not in stranger.post("/logout").text + stranger.get("/login").text


def test_an_earlier_first_link_is_worth_nothing_once_there_is_an_admin(stranger: TestClient, db: Session) -> None:
    secret = people.first_link(db)
    make_user(db, "admin")
    answer = stranger.post(f"/welcome/{secret}", data={"email": "x@y.example", "name": "X", "password": PASSWORD})
    assert answer.status_code == 409
    assert db.scalar(select(func.count(User.id))) == 1


def test_an_invitation_fixes_address_and_role_and_ends(stranger: TestClient, db: Session) -> None:
    secret = invite(db, "Paul@Banque.example", "viewer", by="claire@banque.example")
    with pytest.raises(Problem, match="not an e-mail"):
        invite(db, "not an address", "viewer", by="x")
    form = {"email": "evil@banque.example", "name": "Paul", "password": PASSWORD}
    assert stranger.post(f"/welcome/{secret}", data=form).status_code == 303
    made = db.scalars(select(User)).one()
    assert (made.email, made.role) == ("paul@banque.example", "viewer")
    with pytest.raises(Problem, match="already"):
        invite(db, "paul@banque.example", "admin", by="x")
    late = invite(db, "late@banque.example", "viewer", by="x")
    db.execute(Invitation.__table__.update().values(expires_at=func.now() - timedelta(seconds=1)))
    db.flush()
    assert stranger.post(f"/welcome/{late}", data=form).status_code == 404
    kept = db.scalars(select(Invitation.hash)).all()
    assert secret not in kept
    assert late not in kept


def test_a_new_password_by_link_ends_every_session(door: FastAPI, stranger: TestClient, db: Session) -> None:
    user = make_user(db, password=HASH)
    with signed_in(door, db, user) as elsewhere:
        assert elsewhere.get("/").status_code == 200
        secret = invite(db, user.email, user.role, by="admin", user=user)
        answer = stranger.post(f"/welcome/{secret}", data={"password": "encore une autre phrase"})
        assert answer.status_code == 303
        assert elsewhere.get("/").status_code == 303
    assert stranger.get("/").status_code == 200


def test_changing_the_password_needs_the_old_one_and_ends_the_other_sessions(door: FastAPI, db: Session) -> None:
    user = make_user(db, password=HASH)
    with signed_in(door, db, user) as here, signed_in(door, db, user) as there:
        assert here.get("/account").text.count("<tr>") == 3
        wrong = here.post("/account/password", data={"current": "no", "password": "encore une autre phrase"})
        assert wrong.status_code == 422
        assert 'id="wrong-body-current"' in wrong.text
        weak = here.post("/account/password", data={"current": PASSWORD, "password": "azertyuiop12"})
        assert weak.status_code == 422
        assert there.get("/").status_code == 200
        done = here.post("/account/password", data={"current": PASSWORD, "password": "encore une autre phrase"})
        assert (done.status_code, done.headers["location"]) == (303, "/account?done=saved")
        assert here.get("/").status_code == 200
        assert there.get("/").status_code == 303
    db.refresh(user)
    assert people.matches(user, "encore une autre phrase")
    assert not people.matches(user, PASSWORD)
    assert "phrase" not in str([line.detail for line in db.scalars(select(Audit))])


def test_signing_out_elsewhere(door: FastAPI, db: Session) -> None:
    user = make_user(db)
    with signed_in(door, db, user) as here, signed_in(door, db, user) as there:
        here.post("/account/sign-out-elsewhere")
        assert (here.get("/").status_code, there.get("/").status_code) == (200, 303)


def test_the_last_admin_stays(db: Session) -> None:
    last = make_user(db, "admin")
    for attempt in (
        lambda: people.deactivate(db, last, by="x"),
        lambda: people.change_role(db, last, "viewer", by="x"),
    ):
        with pytest.raises(Problem, match="last admin"):
            attempt()
    other = make_user(db, "admin", "other@banque.example")
    people.change_role(db, last, "viewer", by="other@banque.example")
    people.deactivate(db, last, by="other@banque.example")
    with pytest.raises(Problem, match="last admin"):
        people.deactivate(db, other, by="x")
    people.reactivate(db, last, by="other@banque.example")
    assert last.deactivated_at is None
    assert [line.action for line in db.scalars(select(Audit).order_by(Audit.id))] == [
        "person.role_changed",
        "person.deactivated",
        "person.reactivated",
    ]

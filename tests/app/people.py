"""Somebody who is signed in, for tests: a session or a key straight into the tables, so that no password is hashed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func
from sqlalchemy.orm import Session

from app.auth import Role
from app.keys import create_key
from app.sessions import cookie_name, open_session
from models.people import User, UserSession

BASE = "http://cocoon.example"


def make_user(db: Session, role: Role = "viewer", email: str | None = None, *, password: str | None = None) -> User:
    user = User(email=email or f"{role}@banque.example", name=f"{role.capitalize()} Martin", role=role)
    user.password = password
    db.add(user)
    db.flush()
    return user


@contextmanager
def signed_in(app: FastAPI, db: Session, user: User, *, expired: bool = False) -> Iterator[TestClient]:
    """A browser where this person is signed in; like every browser, it says where its forms come from."""
    token = open_session(db, user, app.state.settings, way="password", agent="tests")
    if expired:
        db.query(UserSession).filter(UserSession.user_id == user.id).update(
            {"expires_at": func.now() - timedelta(seconds=1)}
        )
        db.flush()
    cookies = {cookie_name(app.state.settings): token}
    with TestClient(app, base_url=BASE, follow_redirects=False, headers={"Origin": BASE}, cookies=cookies) as client:
        yield client


def bearer(db: Session, *scopes: str, name: str = "robot") -> dict[str, str]:
    """The header of a new key."""
    key = create_key(db, name, scopes)
    db.flush()
    return {"Authorization": f"Bearer {key}"}

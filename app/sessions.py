"""Who is signed in where: a cookie of 256 random bits a browser, of which only the hash is kept.

The cookie is HttpOnly and SameSite=Lax (a link in Slack must open the page); under https it is Secure and carries the
prefix __Host-, which no other site of the domain can set.
"""

import hashlib
import secrets
from datetime import timedelta

from fastapi import Request, Response
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.settings import Settings
from models.people import Audit, User, UserSession

NAME = "cocoon_session"
_MINUTE = timedelta(minutes=1)


def cookie_name(settings: Settings) -> str:
    """The cookie's name: with __Host- under https."""
    return f"__Host-{NAME}" if settings.base_url.startswith("https://") else NAME


def open_session(session: Session, user: User, settings: Settings, *, way: str, agent: str = "") -> str:
    """Sign a person in and return the cookie's value; sessions that are over are cleared away."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(UserSession).where(UserSession.expires_at < func.now()))
    expires = func.now() + timedelta(hours=settings.session_hours)
    kept = UserSession(user_id=user.id, hash=_hash(token), way=way, agent=agent[:200], expires_at=expires)
    session.add(kept)
    session.execute(update(User).where(User.id == user.id).values(signed_in_at=func.now()))
    session.add(Audit(actor=user.email, action="person.signed_in", detail={"way": way}))
    session.flush()
    return token


def find_session(session: Session, token: str) -> tuple[UserSession, User] | None:
    """The session and its person, unless it is over or the person was deactivated."""
    row = session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.hash == _hash(token), UserSession.expires_at > func.now(), User.deactivated_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    stale = UserSession.seen_at < func.now() - _MINUTE
    session.execute(update(UserSession).where(UserSession.id == row[0].id, stale).values(seen_at=func.now()))
    return row[0], row[1]


def open_sessions(session: Session, user_id: int | None) -> list[UserSession]:
    """Where a person is signed in, the last seen first."""
    mine = select(UserSession).where(UserSession.user_id == user_id, UserSession.expires_at > func.now())
    return list(session.scalars(mine.order_by(UserSession.seen_at.desc(), UserSession.id)))


def close_sessions(session: Session, user_id: int, *, but: int | None = None) -> int:
    """Sign a person out everywhere, or everywhere else than in session `but`. Returns how many were ended."""
    ended = delete(UserSession).where(UserSession.user_id == user_id).returning(UserSession.id)
    if but is not None:
        ended = ended.where(UserSession.id != but)
    return len(session.scalars(ended).all())


def close_session(session: Session, token: str) -> None:
    """Sign out here."""
    session.execute(delete(UserSession).where(UserSession.hash == _hash(token)))


def set_cookie(answer: Response, request: Request, token: str) -> None:
    """Put the session's cookie on an answer."""
    settings: Settings = request.app.state.settings
    answer.set_cookie(
        cookie_name(settings),
        token,
        max_age=settings.session_hours * 3600,
        httponly=True,
        samesite="lax",
        secure=settings.base_url.startswith("https://"),
        path="/",
    )


def clear_cookie(answer: Response, request: Request) -> None:
    """Have the browser forget it."""
    settings: Settings = request.app.state.settings
    secure = settings.base_url.startswith("https://")
    answer.delete_cookie(cookie_name(settings), path="/", httponly=True, samesite="lax", secure=secure)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

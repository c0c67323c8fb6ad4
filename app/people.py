"""People: passwords, invitations by one-time link, roles, leaving. Each function takes a session; none commits."""

import hashlib
import re
import secrets
import threading
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.errors import Problem
from app.sessions import close_sessions
from models.people import Audit, Invitation, User

LEAST, MOST = 12, 200
"""Characters of a password (NIST SP 800-63B: length and a list of bad ones, no rules of composition)."""
LINK_DAYS = 3
_EMAIL = re.compile(r"[^@\s<>\"',;:()\[\]\\]{1,64}@[^@\s<>\"',;:()\[\]\\]{1,189}")
_HASHER = PasswordHasher()
_HASHING = threading.BoundedSemaphore(2)
"""64 MiB each: a crowd at the door must not take the machine's memory."""


def hash_password(password: str) -> str:
    """Argon2id with the library's parameters (RFC 9106, low memory: 3 rounds, 64 MiB)."""
    with _HASHING:
        return _HASHER.hash(password)


_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$vmFuvy+mQreZWtCn1enUWA$+6e7SEtcCrmx2T5VU/abQwgPYr3pJyDP+ys+xaO7AuY"
"""A hash of no password of ours: who does not exist is verified at the same cost as who does."""


def matches(user: User | None, password: str) -> bool:
    """Whether this is the person's password; a stranger, and a person without one, take as long as anybody."""
    kept = user.password if user is not None and user.password is not None else _NOBODY
    with _HASHING:
        try:
            _HASHER.verify(kept, password)
        except (Argon2Error, InvalidHashError):
            return False
    return kept is not _NOBODY and user is not None and user.deactivated_at is None


def find_user(session: Session, email: str) -> User | None:
    """The person with this address, active or not."""
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def checked_email(email: str) -> str:
    """The address in lower case. Raises Problem 422."""
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise Problem(422, "This is not an e-mail address.", where="body.email", key="problem.email")
    return email


def set_password(session: Session, user: User, password: str) -> None:
    """Choose a password. Raises Problem 422 for a weak one."""
    check_password(password, user.email)
    user.password = hash_password(password)
    session.flush()


def check_password(password: str, email: str) -> None:
    """Raise Problem 422 with what is wrong with it, in a sentence."""
    low = password.lower()
    if not LEAST <= len(password) <= MOST:
        detail = f"Choose a password of {LEAST} to {MOST} characters: a short sentence is fine."
        raise Problem(422, detail, where="body.password", key="problem.password_length")
    name = email.partition("@")[0]
    if len(set(low)) < 5 or low.strip("0123456789!.? ") in _COMMON or (len(name) > 3 and name in low):
        detail = "This password would be among the first to be tried: choose another one."
        raise Problem(422, detail, where="body.password", key="problem.password_weak")


_COMMON = frozenset(
    """
    password passwordpassword motdepasse motdepassemotdepasse azertyuiop qwertyuiop qwertyuiopasdf azertyuiopqsdf
    changeme changemechangeme administrator administrateur bienvenue welcome letmein iloveyou cocoon cocooncocoon
    abcdefghijkl jetaime
    """.split()  # noqa: SIM905  a list of words reads better as words
)


def invite(session: Session, email: str, role: str, *, by: str, user: User | None = None) -> str:
    """Make a one-time link's secret for a new person, or for `user` to choose a new password. It is told once.

    Earlier links for the same person are over. Raises Problem 409 for an address that is there already.
    """
    if user is None and email:
        email = checked_email(email)
        if find_user(session, email) is not None:
            raise _taken()
    secret = secrets.token_urlsafe(32)
    session.execute(delete(Invitation).where(Invitation.email == email, Invitation.used_at.is_(None)))
    expires = func.now() + timedelta(days=LINK_DAYS)
    session.add(
        Invitation(
            hash=_hash(secret),
            email=email,
            role=role,
            user_id=user.id if user else None,
            made_by=by,
            expires_at=expires,
        )
    )
    action = "person.link_made" if user else "person.invited"
    session.add(Audit(actor=by, action=action, detail={"email": email, "role": role}))
    session.flush()
    return secret


def _taken() -> Problem:
    return Problem(409, "There is already a person with this address.", where="body.email", key="problem.taken")


def find_invitation(session: Session, secret: str, *, lock: bool = False) -> Invitation | None:
    """The invitation behind a link, unless it was used or is over."""
    wanted = select(Invitation).where(
        Invitation.hash == _hash(secret), Invitation.used_at.is_(None), Invitation.expires_at > func.now()
    )
    return session.scalar(wanted.with_for_update() if lock else wanted)


def accept(session: Session, invitation: Invitation, *, email: str, name: str, password: str) -> User:
    """Make the person, or give them their new password; the link is used up. Raises Problem 409, 422."""
    if invitation.user_id is not None:
        user = session.get_one(User, invitation.user_id)
        if user.deactivated_at is not None:
            raise Problem(409, "This account is closed. Ask an admin of Cocoon.", key="problem.closed")
        set_password(session, user, password)
        close_sessions(session, user.id)
        action = "person.password_reset"
    else:
        if not invitation.email and has_admin(session):
            raise Problem(409, "There is an admin already: ask for an invitation.", key="problem.has_admin")
        email = checked_email(invitation.email or email)
        name = " ".join(name.split())
        if not name:
            raise Problem(422, "Say how others shall see you.", where="body.name", key="problem.name")
        if find_user(session, email) is not None:
            raise _taken()
        check_password(password, email)
        user = User(email=email, name=name, role=invitation.role, password=hash_password(password))
        session.add(user)
        action = "person.joined"
    invitation.used_at = session.scalar(select(func.now()))
    session.add(Audit(actor=user.email, action=action, detail={"email": user.email, "role": user.role}))
    session.flush()
    return user


def first_link(session: Session) -> str | None:
    """The secret of the link that makes the first admin; None when there is one already. An earlier link is over."""
    return None if has_admin(session) else invite(session, "", "admin", by="local")


def has_admin(session: Session) -> bool:
    """Whether anybody can let others in."""
    return session.scalar(_ADMINS.limit(1)) is not None


_ADMINS = select(User.id).where(User.role == "admin", User.deactivated_at.is_(None))


def change_role(session: Session, user: User, role: str, *, by: str) -> None:
    """Another role, at once. Raises Problem 409 for the last admin."""
    if role != user.role:
        _keep_an_admin(session, user)
        before, user.role = user.role, role
        detail = {"email": user.email, "from": before, "to": role}
        session.add(Audit(actor=by, action="person.role_changed", detail=detail))
        session.flush()


def deactivate(session: Session, user: User, *, by: str) -> None:
    """Sign a person out everywhere and let them in no more. Raises Problem 409 for the last admin."""
    if user.deactivated_at is None:
        _keep_an_admin(session, user)
        user.deactivated_at = session.scalar(select(func.now()))
        close_sessions(session, user.id)
        session.execute(delete(Invitation).where(Invitation.user_id == user.id, Invitation.used_at.is_(None)))
        session.add(Audit(actor=by, action="person.deactivated", detail={"email": user.email}))
        session.flush()


def reactivate(session: Session, user: User, *, by: str) -> None:
    """Let a person in again, with the role and the password they had."""
    if user.deactivated_at is not None:
        user.deactivated_at = None
        session.add(Audit(actor=by, action="person.reactivated", detail={"email": user.email}))
        session.flush()


def _keep_an_admin(session: Session, user: User) -> None:
    if user.role == "admin":
        # the row of each admin is locked, so that two who demote each other at once cannot both succeed
        admins = session.scalars(_ADMINS.with_for_update()).all()
        if set(admins) <= {user.id}:
            detail = "This is the last admin: make somebody else an admin first."
            raise Problem(409, detail, key="problem.last_admin")


def refresh_hash(session: Session, user: User, password: str) -> None:
    """Keep the password under today's parameters, when they have become stronger since."""
    if user.password is not None and _HASHER.check_needs_rehash(user.password):
        session.execute(update(User).where(User.id == user.id).values(password=hash_password(password)))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()

"""Signing in by e-mail and password: counted before it is judged, judged at the same cost for everybody."""

from dataclasses import dataclass

from app import people, throttle
from app.db import Bind, transaction
from app.seal import Seal
from app.sessions import open_session
from app.settings import Settings
from models.people import Audit


@dataclass(frozen=True, slots=True)
class Entry:
    """How it went: a session's cookie, or after how many seconds to come back; both empty: not these words."""

    token: str = ""
    wait: int = 0


def enter(
    bind: Bind, settings: Settings, seal: Seal, *, email: str, password: str, address: str, agent: str = ""
) -> Entry:
    """Sign in. A stranger, a wrong password, and a closed account cannot be told apart, by words or by time."""
    email = email.strip().lower()[:254]
    account = throttle.subject(seal, "account", email)
    origin = throttle.subject(seal, "address", address)
    with transaction(bind) as session:  # committed before the password is looked at
        wait = throttle.take(session, origin, throttle.PER_ADDRESS) or throttle.take(
            session, account, throttle.PER_ACCOUNT
        )
        if wait:
            session.add(Audit(actor="nobody", action="person.held_off", detail={"address": address, "seconds": wait}))
            return Entry(wait=wait)
        user = people.find_user(session, email)
    if not people.matches(user, password) or user is None:  # outside of any transaction: it takes its time
        return Entry()
    with transaction(bind) as session:
        throttle.forget(session, account)
        throttle.give_back(session, origin)
        people.refresh_hash(session, user, password)
        return Entry(open_session(session, user, settings, way="password", agent=agent))

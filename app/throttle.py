"""How often signing in may be tried: counted in Postgres, so that any number of web processes share one count.

A try is counted before it is judged, in one statement: a thousand at once are a thousand tries. Addresses and accounts
are kept as keyed hashes, since people type passwords into the wrong field.
"""

import hashlib
import hmac
from datetime import timedelta

from sqlalchemy import delete, func, text, update
from sqlalchemy.orm import Session

from app.seal import Seal
from models.people import Attempts

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 10
"""Tries on one account in a window, whether it exists or not."""
PER_ADDRESS = 40
"""Failed tries from one address in a window: an office may share one."""

_TAKE = text(
    """
    INSERT INTO attempts AS a (subject, count, until) VALUES (:subject, 1, now() + :window)
    ON CONFLICT (subject) DO UPDATE SET
      count = CASE WHEN a.until <= now() THEN 1 ELSE a.count + 1 END,
      until = CASE WHEN a.until <= now() THEN now() + :window ELSE a.until END
    RETURNING count, ceil(extract(epoch FROM until - now()))::int
    """
)


def subject(seal: Seal, kind: str, value: str) -> str:
    """What is kept of an address or an account."""
    return f"{kind}:" + hmac.new(seal.derive("attempts"), value.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def take(session: Session, subject: str, most: int) -> int:
    """Count a try. Returns 0 if it may go on, else after how many seconds to come back."""
    count, wait = session.execute(_TAKE, {"subject": subject, "window": WINDOW}).one()
    return max(1, wait) if count > most else 0


def give_back(session: Session, subject: str) -> None:
    """A try that went well does not count against the address it came from."""
    session.execute(
        update(Attempts).where(Attempts.subject == subject).values(count=func.greatest(Attempts.count - 1, 0))
    )


def forget(session: Session, subject: str) -> None:
    """Begin again from nothing, and clear away what is over."""
    session.execute(delete(Attempts).where((Attempts.subject == subject) | (Attempts.until < func.now())))

"""API keys: 256 random bits, told once; only their SHA-256 is kept."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from models.people import ApiKey, Audit

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
PREFIX = "cck_"


def create_key(
    session: Session, name: str, scopes: Sequence[str], *, expires_at: datetime | None = None, made_by: str = "cli"
) -> str:
    """Make a key and return it; this is the only time that it can be read. Raises ValueError on an unknown scope."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise ValueError(f"Scopes are {', '.join(SCOPES)}, not {', '.join(unknown) or 'none'}.")
    key = PREFIX + secrets.token_urlsafe(32)
    kept = sorted(set(scopes))
    session.add(
        ApiKey(name=name, prefix=key[:12], hash=_hash(key), scopes=kept, expires_at=expires_at, made_by=made_by)
    )
    until = expires_at.isoformat(timespec="minutes") if expires_at else None
    detail = {"name": name, "prefix": key[:12], "scopes": kept, "expires_at": until}
    session.add(Audit(actor=made_by, action="key.created", detail=detail))
    session.flush()
    return key


def find_key(session: Session, key: str) -> ApiKey | None:
    """The key's row, if it is neither revoked nor over; its last use is noted at most once a minute."""
    if not key.startswith(PREFIX) or not key.isascii():
        return None
    # 256 random bits need no slow hash, and a lookup by hash tells a stranger nothing
    found = session.scalar(
        select(ApiKey).where(
            ApiKey.hash == _hash(key),
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
        )
    )
    if found is not None:
        stale = ApiKey.last_used_at.is_(None) | (
            ApiKey.last_used_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 1)
        )
        session.execute(update(ApiKey).where(ApiKey.id == found.id, stale).values(last_used_at=func.now()))
    return found


def revoke_key(session: Session, key: ApiKey, *, by: str) -> None:
    """Take a key back, for good and at once."""
    if key.revoked_at is None:
        key.revoked_at = session.scalar(select(func.now()))
        session.add(Audit(actor=by, action="key.revoked", detail={"name": key.name, "prefix": key.prefix}))
        session.flush()


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()

"""Webhooks in: checked, stored sealed, answered; then read by a job into the same store as what we fetch ourselves.

A call that was answered is never lost (kill -9 between any two steps included), and one that comes twice counts once.
"""

import hashlib
import logging
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import clock
from app.context import Context
from app.errors import Problem
from app.seal import Seal
from app.store import store_page
from collectors.base import SourceError
from collectors.registry import KINDS
from collectors.signatures import RefusedError, checked
from models.inbound import Hook, Inbound
from models.sources import Source

log = logging.getLogger(__name__)

MAX_BODY = 5 * 1024 * 1024
MAX_TRIES = 8


@dataclass(frozen=True, slots=True)
class OpenedHook:
    """An address as its maker sees it, once: the token and the secret cannot be read again."""

    hook_id: int
    scheme: str
    path: str
    secret: str


def open_hook(session: Session, seal: Seal, source: Source, secret: str = "") -> OpenedHook:
    """Give a source an address that its system may call; an earlier one stops working.

    `secret` is the one that the system signs with, where it makes it itself (Zendesk, Intercom); else one is made.
    Raises Problem for a kind of source that is not called.
    """
    kind = KINDS.get(source.kind)
    if kind is None or not kind.scheme:
        raise Problem(422, f"{source.name} is not told anything by webhooks; it is only read.", where="path.source_id")
    if kind.scheme in {"zendesk", "intercom"} and not secret:
        raise Problem(422, "Give the secret that the system shows for its webhook.", where="body.secret")
    if kind.scheme != "token" and not secret:
        secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    token = secrets.token_urlsafe(32)
    session.execute(delete(Hook).where(Hook.source_id == source.id))
    hook = Hook(
        app_id=source.app_id,
        source_id=source.id,
        scheme=kind.scheme,
        token_hash=_hash(token),
        secret=seal.close(secret) if secret else "",
    )
    session.add(hook)
    session.flush()
    return OpenedHook(hook.id, hook.scheme, f"/api/v1/hooks/{token}", secret)


def find_hook(session: Session, token: str) -> Hook | None:
    """The hook of this address."""
    return session.scalar(select(Hook).where(Hook.token_hash == _hash(token), Hook.enabled))


def _hash(token: str) -> str:
    # 256 random bits need no slow hash, and a lookup by hash tells a stranger nothing.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def receive(session: Session, seal: Seal, hook: Hook, headers: Mapping[str, str], body: bytes) -> bool:
    """Check a call and store it, sealed. Returns False where it is known already. Raises Problem 401."""
    try:
        event = checked(hook.scheme, seal.open(hook.secret) if hook.secret else "", headers, body, datetime.now(UTC))
    except RefusedError as error:
        raise Problem(401, str(error)) from error
    new = insert(Inbound).values(
        app_id=hook.app_id, hook_id=hook.id, event_id=event, body=seal.close_bytes(body), state="waiting"
    )
    stored = session.scalars(new.on_conflict_do_nothing().returning(Inbound.id)).all()
    session.execute(update(Hook).where(Hook.id == hook.id).values(last_received_at=func.clock_timestamp()))
    return bool(stored)


def process(context: Context, hook_id: int) -> int:
    """Read what a hook has stored, oldest first, each call in a transaction. Returns how many were read."""
    done = 0
    while True:
        taken: int | None = None
        try:
            with context.transaction() as session:
                row = session.scalars(
                    select(Inbound)
                    .where(
                        Inbound.hook_id == hook_id,
                        Inbound.state == "waiting",
                        Inbound.next_try_at <= func.clock_timestamp(),
                    )
                    .order_by(Inbound.id)
                    .limit(1)
                    .with_for_update(skip_locked=True)
                ).first()
                if row is None:
                    return done
                taken = row.id
                _read(session, context, row)
                done += 1
        except OperationalError:
            raise  # the database went away: the job runs again
        except (SourceError, ValueError) as fault:
            _put_off(context, taken, str(fault), lasting=True)
        except Exception as error:
            log.exception("webhook not read", extra={"inbound": taken})
            _put_off(context, taken, type(error).__name__, lasting=False)


def _read(session: Session, context: Context, row: Inbound) -> None:
    hook = session.get_one(Hook, row.hook_id)
    source = session.get_one(Source, hook.source_id)
    kind = KINDS[source.kind]
    assert kind.on_hook is not None, "a hook is only opened for a kind that can read it"
    page = kind.on_hook(context.seal.open_bytes(row.body or b""), context.source_config(source))
    store_page(session, source, 0, page, seal=context.seal, now=clock.now())
    row.state, row.body, row.reason = "done", None, page.note[:500]
    row.processed_at = session.scalar(select(func.clock_timestamp()))


def _put_off(context: Context, inbound_id: int | None, reason: str, *, lasting: bool) -> None:
    """Leave an unreadable call for a person, and try one that met a defect again: 1, 2, 4 … minutes."""
    with context.transaction() as session:
        row = session.scalar(select(Inbound).where(Inbound.id == inbound_id))
        if row is None:
            return
        row.attempts += 1
        row.reason = reason[:500]
        if lasting or row.attempts >= MAX_TRIES:
            row.state = "failed"
            log.warning("webhook cannot be read", extra={"inbound": row.id, "reason": row.reason})
        session.execute(
            update(Inbound)
            .where(Inbound.app_id == row.app_id, Inbound.id == row.id)
            .values(
                next_try_at=text("clock_timestamp() + make_interval(mins => :m)").bindparams(m=2**row.attempts // 2)
            )
        )


def waiting(session: Session) -> list[tuple[int, int]]:
    """(hook, app) of every hook that has something to read now."""
    found = (
        select(Inbound.hook_id, Inbound.app_id)
        .where(Inbound.state == "waiting", Inbound.next_try_at <= func.clock_timestamp())
        .distinct()
    )
    return [(row.hook_id, row.app_id) for row in session.execute(found)]


def try_again(session: Session, source_id: int) -> int:
    """Have the failed calls of a source read again. Returns how many."""
    hooks = select(Hook.id).where(Hook.source_id == source_id)
    again = (
        update(Inbound)
        .where(Inbound.hook_id.in_(hooks), Inbound.state == "failed", Inbound.body.is_not(None))
        .values(state="waiting", attempts=0, next_try_at=func.clock_timestamp())
        .returning(Inbound.id)
        .execution_options(synchronize_session=False)
    )
    return len(session.scalars(again).all())

"""Credentials entered in the interface: sealed at rest, opened only to build a source, and proved before they replace.

A new key is tried with every source that uses the name. The old one stays in use until all of them could read with the
new one, so that a typing error or a missing right never stops a source.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Problem
from app.seal import Seal
from collectors.access import LARGEST_KEY, HeldKey
from models.credentials import Credential
from models.people import Audit
from models.sources import Source

if TYPE_CHECKING:
    from app.context import Context

PREFIX = "credential:"
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,59}")


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be told of a credential: everything but itself."""

    credential: Credential
    sources: list[Source]

    @property
    def waiting(self) -> bool:
        """Whether a newer one was entered and is not in use yet."""
        return self.credential.sealed_next is not None


def named(config: Mapping[str, Any]) -> dict[str, str]:
    """The settings that name a credential: setting → its name."""
    found = {setting: value for setting, value in config.items() if isinstance(value, str)}
    return {s: value.removeprefix(PREFIX) for s, value in found.items() if value.startswith(PREFIX)}


def resolved(session: Session, seal: Seal, config: Mapping[str, Any], *, newest: bool = False) -> dict[str, Any]:
    """The settings with the credentials that they name, opened; with `newest`, those that are still to be proved."""
    found = dict(config)
    for setting, name in named(config).items():
        row = session.scalar(select(Credential).where(Credential.name == name))
        if row is not None:
            sealed = row.sealed_next if newest and row.sealed_next else row.sealed
            found[setting] = HeldKey(f"credential {name}", seal.open(sealed).encode())
    return found


def shown(session: Session) -> list[Shown]:
    """Every credential by name, with the sources that use it."""
    sources = session.scalars(select(Source).order_by(Source.id)).all()
    rows = session.scalars(select(Credential).order_by(Credential.name)).all()
    return [Shown(row, [one for one in sources if row.name in named(one.config).values()]) for row in rows]


def enter(session: Session, seal: Seal, name: str, secret: str) -> Credential:
    """Keep a secret under a name: at once where the name is new, else beside the old one until it is proved.

    Raises Problem for a name or a secret that cannot be one.
    """
    if not NAME.fullmatch(name):
        raise Problem(422, "A name has small letters, digits, dots and dashes: connect-2026.", where="body.name")
    secret = secret.replace("\r\n", "\n").strip()
    if not secret or len(secret.encode()) > LARGEST_KEY or "\x00" in secret:
        raise Problem(422, "Paste the whole key: the text of its file, or the token.", where="body.secret")
    sealed = seal.close(secret)
    row = session.scalar(select(Credential).where(Credential.name == name).with_for_update())
    if row is None:
        row = Credential(name=name, sealed=sealed)
        session.add(row)
    elif _used(session, name):
        row.sealed_next = sealed
    else:
        row.sealed, row.sealed_next, row.works, row.message = sealed, None, None, ""
    row.entered_at = session.scalar(select(func.now())) or row.entered_at
    session.flush()
    return row


def remove(session: Session, name: str) -> None:
    """Forget a credential. Raises Problem while a source still uses it."""
    row = session.scalar(select(Credential).where(Credential.name == name))
    if row is None:
        raise Problem(404, "There is no such credential.")
    if used := _used(session, name):
        raise Problem(409, f"The source {used[0].name} still uses it.")
    session.delete(row)


def _used(session: Session, name: str) -> Sequence[Source]:
    return [one for one in session.scalars(select(Source)) if name in named(one.config).values()]


def prove(context: "Context", name: str) -> bool:
    """Try the newest secret of a name with every source that uses it, and put it in use where all could read.

    Returns whether it works. The trial itself holds no transaction: the sources' servers are called.
    """
    from app.doctor import probes_of

    with context.transaction() as session:
        row = session.scalar(select(Credential).where(Credential.name == name))
        if row is None:
            return False
        tried = row.sealed_next or row.sealed
        trials = [(one, context.source_config(one, newest=True)) for one in _used(session, name)]
    failed = [probe for source, config in trials for probe in probes_of(context, source, config) if not probe.works]
    with context.transaction() as session:
        row = session.scalar(select(Credential).where(Credential.name == name).with_for_update())
        if row is None or (row.sealed_next or row.sealed) != tried:
            return False  # another one was entered meanwhile: that one is tried by its own job
        row.works, row.tried_at = not failed, session.scalar(select(func.now()))
        row.message = " ".join(dict.fromkeys(probe.message for probe in failed))[:1000]
        if row.sealed_next is not None and not failed:
            row.sealed, row.sealed_next = row.sealed_next, None
            session.add(
                Audit(actor="cocoon", action="credential.rotated", detail={"name": name, "proved": len(trials)})
            )
        elif failed:
            session.add(Audit(actor="cocoon", action="credential.refused", detail={"name": name}))
    return not failed

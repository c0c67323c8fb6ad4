"""Credentials of sources that were entered in the interface: sealed, never shown, rotated without a gap."""

from datetime import datetime

from sqlalchemy import DateTime
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Created


class Credential(Base):
    """A key or a token under a name; a source's setting names it as `credential:NAME` in place of a file.

    `sealed` is the one in use. `sealed_next` is one that was entered since and is not proved yet: it takes its place
    once every source that uses it could read with it, and until then the old one stays in use. `message` says what the
    last trial found. Only app.credentials opens them.
    """

    __tablename__ = "credentials"

    id: Mapped[BigId]
    name: Mapped[str] = mapped_column(unique=True)
    sealed: Mapped[str]
    sealed_next: Mapped[str | None]
    message: Mapped[str] = mapped_column(default="", server_default="")
    works: Mapped[bool | None]
    """Whether the last trial succeeded; None: not tried yet."""
    tried_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    entered_at: Mapped[Created]
    created_at: Mapped[Created]

"""Webhooks in: the addresses that other systems call, and what they said, sealed until it is processed."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Created


class Hook(Base):
    """An address that one system may call for one source. Only the hash of its token is kept; the secret is sealed.

    `scheme` is how the calls are signed: standard, typeform, zendesk, intercom, or token (the address alone).
    """

    __tablename__ = "hooks"

    id: Mapped[BigId]
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"), unique=True)
    scheme: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    secret: Mapped[str] = mapped_column(server_default="")
    enabled: Mapped[bool] = mapped_column(Boolean, server_default="true")
    created_at: Mapped[Created]
    last_received_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Inbound(Base):
    """One call, stored before it was answered. `body` is sealed and dropped once it is processed; the id stays.

    `state`: waiting, done, or failed (unreadable, or tried too often: the body stays, sealed, until it is tried again).
    """

    __tablename__ = "inbound"
    __table_args__ = (
        UniqueConstraint("app_id", "hook_id", "event_id"),
        Index("ix_inbound_waiting", "app_id", "hook_id", "id", postgresql_where=text("state = 'waiting'")),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[BigId]
    hook_id: Mapped[int] = mapped_column(ForeignKey("hooks.id", ondelete="CASCADE"))
    event_id: Mapped[str]
    """The sender's own id of the event, hashed; without one, the hash of the body."""
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(server_default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    reason: Mapped[str] = mapped_column(server_default="")
    received_at: Mapped[Created]
    next_try_at: Mapped[Created]
    processed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

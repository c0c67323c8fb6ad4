"""People, their sessions and invitations, API keys, and the record of who changed what."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Created, Json, Moment


class User(Base):
    """A person who signs in. `email` is kept in lower case; `subject` is who the directory says it is (issuer|sub)."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role in ('viewer', 'editor', 'admin')", name="role"),)

    id: Mapped[BigId]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    """viewer, editor or admin."""
    password: Mapped[str | None]
    """Argon2id in its own notation; None for those whom the directory knows."""
    subject: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[Created]
    signed_in_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deactivated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class UserSession(Base):
    """One browser where somebody is signed in; only the hash of its cookie is kept."""

    __tablename__ = "sessions"

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    hash: Mapped[str] = mapped_column(unique=True)
    way: Mapped[str]
    """password, link or directory."""
    agent: Mapped[str]
    """What the browser calls itself, cut at 200 characters."""
    created_at: Mapped[Created]
    seen_at: Mapped[Created]
    expires_at: Mapped[Moment]


class Invitation(Base):
    """A one-time link; only its hash is kept. `user_id` set: it lets that person choose a new password."""

    __tablename__ = "invitations"

    id: Mapped[BigId]
    hash: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    """Whom it is for; empty for the first admin, who says it."""
    role: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    made_by: Mapped[str]
    created_at: Mapped[Created]
    expires_at: Mapped[Moment]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Attempts(Base):
    """How often something was tried since a window began; `subject` is a keyed hash of an address or an account."""

    __tablename__ = "attempts"

    subject: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    until: Mapped[Moment]


class ApiKey(Base):
    """A key for the API; only its hash is kept. `prefix` is what people recognise it by."""

    __tablename__ = "api_keys"

    id: Mapped[BigId]
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    hash: Mapped[str] = mapped_column(index=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """read, write, admin."""
    made_by: Mapped[str] = mapped_column(server_default=text("'cli'"))
    created_at: Mapped[Created]
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Audit(Base):
    """Who changed what, when: written in the transaction of the change itself."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_action_id", "action", "id"),)

    id: Mapped[BigId]
    at: Mapped[Created]
    actor: Mapped[str]
    action: Mapped[str]
    detail: Mapped[Json]

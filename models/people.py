"""API keys, and the record of who changed what."""

from datetime import datetime

from sqlalchemy import DateTime, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Created, Json


class ApiKey(Base):
    """A key for the API or the interface; only its hash is kept. `prefix` is what people recognise it by."""

    __tablename__ = "api_keys"

    id: Mapped[BigId]
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """read, write."""
    created_at: Mapped[Created]
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Audit(Base):
    """Who changed what, when."""

    __tablename__ = "audit"

    id: Mapped[BigId]
    at: Mapped[Created]
    actor: Mapped[str]
    action: Mapped[str]
    detail: Mapped[Json]

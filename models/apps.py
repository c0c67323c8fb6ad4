"""Apps that a team looks after, and their listings in the stores."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Created


class App(Base):
    """One app of the company, whatever the stores it is in. `timezone` decides what a day is."""

    __tablename__ = "apps"

    id: Mapped[BigId]
    name: Mapped[str] = mapped_column(unique=True)
    timezone: Mapped[str] = mapped_column(default="Europe/Paris", server_default="Europe/Paris")
    language: Mapped[str] = mapped_column(default="fr", server_default="fr")
    """The language of its alerts: fr or en."""
    created_at: Mapped[Created]
    judged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When its numbers were last looked at, by the database's clock."""
    awake_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When looks last began again after hours without one (the machine was off)."""


class Listing(Base):
    """The app's page in one store: `external_id` is Apple's number or Google's package name."""

    __tablename__ = "listings"
    __table_args__ = (UniqueConstraint("app_id", "channel", "external_id"),)

    id: Mapped[BigId]
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    channel: Mapped[str]
    external_id: Mapped[str]
    name: Mapped[str] = mapped_column(default="", server_default="")
    url: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[Created]

"""Releases: which version the stores offer, and since when."""

from datetime import date

from sqlalchemy import Boolean, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Created, Moment


class Release(Base):
    """One version on one channel. `inferred` marks a release seen only through its reviews, dated by the first."""

    __tablename__ = "releases"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    build: Mapped[str | None]
    released_at: Mapped[Moment]
    day: Mapped[date]
    notes: Mapped[str] = mapped_column(default="", server_default="")
    inferred: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    first_seen_at: Mapped[Created]

"""Sources, their runs, and the ledger of what is complete: nothing here may let an outage look like calm."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Created, Json, Moment


class Source(Base):
    """One thing that is read on a rhythm: a store feed of one storefront, a file, an API.

    `config` is what its collector needs (app id, storefront, language…), never a secret.
    `high_water` is the newest moment up to which everything is stored; it moves only when a walk met it again.
    `walk_top`/`walk_resume` remember a walk that ended early: the next one reads down to `walk_top`, then goes on
    from `walk_resume`. `history_done` is set by the first walk that reached the end; until then nothing alerts.
    `doubt` is where walks have ended without a confirmation, since when, and how many of them (app.doubt).
    """

    __tablename__ = "sources"

    id: Mapped[BigId]
    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    channel: Mapped[str]
    name: Mapped[str]
    config: Mapped[Json]
    enabled: Mapped[bool] = mapped_column(Boolean, default=True, server_default="true")
    rhythm_minutes: Mapped[int | None]
    """None: read once, when asked (a file)."""
    next_run_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    high_water: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    walk_top: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    walk_resume: Mapped[str | None]
    history_done: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    doubt: Mapped[str] = mapped_column(default="", server_default="")
    doubt_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    doubt_walks: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[Created]


class Run(Base):
    """One walk of a source: exactly one outcome, with the reason in words that a squad member can act on.

    `outcome`: running, complete, partial, empty_unconfirmed, throttled, failed. `progress` is 0 to 1 where known.
    """

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_app_id_source_id_started_at", "app_id", "source_id", text("started_at DESC")),)

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[BigId]
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    trigger: Mapped[str]
    """schedule, manual, first, backfill or import."""
    outcome: Mapped[str] = mapped_column(default="running", server_default="running")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    started_at: Mapped[Moment]
    heartbeat_at: Mapped[Created]
    """By the database's clock: a run whose worker died is closed as failed when this is old."""
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    pages: Mapped[int] = mapped_column(default=0, server_default="0")
    seen: Mapped[int] = mapped_column(default=0, server_default="0")
    stored: Mapped[int] = mapped_column(default=0, server_default="0")
    revised: Mapped[int] = mapped_column(default=0, server_default="0")
    quarantined: Mapped[int] = mapped_column(default=0, server_default="0")
    figures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Daily figures of crashes and sessions that were read; `seen` counts verbatims only."""
    progress: Mapped[float | None] = mapped_column(Double)


class Coverage(Base):
    """Whether we know all that a source had on a day: complete, partial, unknown or held (published late)."""

    __tablename__ = "coverage"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    checked_at: Mapped[Moment]


class Quarantine(Base):
    """A row that could not be read: its bytes as they came, sealed, until a fix can replay it."""

    __tablename__ = "quarantine"
    __table_args__ = (UniqueConstraint("app_id", "source_id", "fingerprint"),)

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[BigId]
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    run_id: Mapped[int] = mapped_column(BigInteger)
    fingerprint: Mapped[str]
    """SHA-256 of the bytes: the same unreadable row is kept once a source."""
    reason: Mapped[str]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    quarantined_at: Mapped[Created]
    replayed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class HostPause(Base):
    """A host that asked us to slow down: nobody, on any machine, calls it before `paused_until`."""

    __tablename__ = "host_pauses"

    host: Mapped[str] = mapped_column(primary_key=True)
    paused_until: Mapped[Moment]
    strikes: Mapped[int] = mapped_column(default=1, server_default="1")
    reason: Mapped[str] = mapped_column(default="", server_default="")

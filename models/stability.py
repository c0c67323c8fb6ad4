"""Stability: crash issues, and what crashed and ran per day and version, as each source told it.

Every row belongs to one source; `models.stability_series` makes one picture of several. Version "" is all versions
together, issue 0 all issues together: a total is what the source says it is, never our sum of its parts. None is
"the source does not tell". `users_rounded`: such users may be shown, never added up.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, DateTime, Double, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Created, Moment


class CrashIssue(Base):
    """A defect as its source groups it. `kind`: crash, anr, hang or error (one that the app survived).

    `state` is open, resolved, ignored or "" (not told). First and last version go with first and last seen.
    """

    __tablename__ = "crash_issues"
    __table_args__ = (
        UniqueConstraint("app_id", "source_id", "external_id"),
        Index("ix_crash_issues_app_id_first_seen_at", "app_id", "first_seen_at"),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    channel: Mapped[str]
    external_id: Mapped[str]
    kind: Mapped[str]
    title: Mapped[str] = mapped_column(server_default="")
    subtitle: Mapped[str] = mapped_column(server_default="")
    first_version: Mapped[str] = mapped_column(server_default="")
    last_version: Mapped[str] = mapped_column(server_default="")
    first_seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(server_default="")
    url: Mapped[str | None]


class DailyCrashes(Base):
    """Events of one day: of one issue or all (0), of one version or all (""), of one kind.

    `users` are distinct within this very row: they do not add up over days, versions or issues.
    """

    __tablename__ = "daily_crashes"
    __table_args__ = (
        Index("ix_daily_crashes_app_id_day", "app_id", "day"),
        Index("ix_daily_crashes_issue", "app_id", "issue_id", "day", postgresql_where=text("issue_id <> 0")),
        Index(
            "ix_daily_crashes_totals",
            "app_id",
            "source_id",
            "day",
            postgresql_include=["version", "kind", "events"],
            postgresql_where=text("issue_id = 0"),
        ),
        Index(
            "ix_daily_crashes_top",
            "app_id",
            "source_id",
            "day",
            postgresql_include=["issue_id", "events", "users", "users_rounded"],
            postgresql_where=text("version = '' AND issue_id <> 0"),
        ),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    events: Mapped[int] = mapped_column(BigInteger)
    users: Mapped[int | None] = mapped_column(BigInteger)
    users_rounded: Mapped[bool] = mapped_column(Boolean, server_default="false")


class DailySessions(Base):
    """What ran on one day in one version or all (""), and the share that ended without a crash (0 to 1).

    `withheld`: the source knows the rate and hides it (too few users); it is not zero and not missing.
    `zone` is the time zone whose days the source counts ("": the app's own).
    """

    __tablename__ = "daily_sessions"
    __table_args__ = (Index("ix_daily_sessions_app_id_day", "app_id", "day"),)

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    sessions: Mapped[int | None] = mapped_column(BigInteger)
    users: Mapped[int | None] = mapped_column(BigInteger)
    users_rounded: Mapped[bool] = mapped_column(Boolean, server_default="false")
    crashed_sessions: Mapped[int | None] = mapped_column(BigInteger)
    crashed_users: Mapped[int | None] = mapped_column(BigInteger)
    crash_free_sessions: Mapped[float | None] = mapped_column(Double)
    crash_free_users: Mapped[float | None] = mapped_column(Double)
    anr_free_users: Mapped[float | None] = mapped_column(Double)
    """Android only: the share of users who met no "application not responding"."""
    withheld: Mapped[bool] = mapped_column(Boolean, server_default="false")
    zone: Mapped[str] = mapped_column(server_default="")


class CrashSignal(Base):
    """What a crash tool noticed itself: new_issue, regression, velocity, anomaly or digest. Evidence, no verdict."""

    __tablename__ = "crash_signals"
    __table_args__ = (
        UniqueConstraint("app_id", "source_id", "external_id"),
        Index("ix_crash_signals_app_id_at", "app_id", "at"),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    channel: Mapped[str]
    external_id: Mapped[str]
    kind: Mapped[str]
    at: Mapped[Moment]
    title: Mapped[str]
    version: Mapped[str] = mapped_column(server_default="")
    issue: Mapped[str] = mapped_column(server_default="")
    """The external id of the issue it speaks of."""
    url: Mapped[str | None]
    received_at: Mapped[Created]

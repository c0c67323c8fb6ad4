"""Counts, kept in step by the write path in one transaction; pages and detectors read these, never raw rows.

Unknown storefronts and versions are "" so that they can be keys. Counts may fall to zero after edits; readers sum.
"""

from datetime import date

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class DailyStars(Base):
    """Verbatims by day, channel, storefront and version: how many, their stars, and how many texts are negative."""

    __tablename__ = "daily_stars"
    __table_args__ = (Index("ix_daily_stars_app_id_channel", "app_id", "channel"),)

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    storefront: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
    s1: Mapped[int]
    s2: Mapped[int]
    s3: Mapped[int]
    s4: Mapped[int]
    s5: Mapped[int]
    negative: Mapped[int]
    positive: Mapped[int]


class DailyTopics(Base):
    """Mentions of a topic by day, channel and version: how many, and how many of them negative (sentiment < 0)."""

    __tablename__ = "daily_topics"
    __table_args__ = (
        Index("ix_daily_topics_app_id_topic_day", "app_id", "topic", "day"),
        Index("ix_daily_topics_app_id_version_topic", "app_id", "version", "topic"),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
    negative: Mapped[int]


class WeeklyTopics(Base):
    """The same by week (`week` is its Monday), for long spans: a seventh of the rows; always the sum of its days."""

    __tablename__ = "weekly_topics"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
    negative: Mapped[int]


class DailySources(Base):
    """Verbatims by day and by the source that brought them first: what only an export knew."""

    __tablename__ = "daily_sources"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    n: Mapped[int]


class DailyHours(Base):
    """Verbatims by day, channel and three hours of the app's local day (`part` 0 to 7)."""

    __tablename__ = "daily_hours"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    n: Mapped[int]


class DailyAnswers(Base):
    """Survey answers by day, scale and part: how many, how NPS calls them, and how many are satisfied.

    `up` scored 9 or more, `even` 7 or 8, `down` 6 or less; satisfied is a declared yes, or one of the two highest
    steps of the scale.
    """

    __tablename__ = "daily_answers"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(primary_key=True)
    low: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    high: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    wave: Mapped[str] = mapped_column(primary_key=True)
    segment: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
    up: Mapped[int]
    even: Mapped[int]
    down: Mapped[int]
    satisfied: Mapped[int]


class DailyTickets(Base):
    """Tickets by the day they were opened and by channel, with how long each took; deleted ones only as `deleted`.

    `open` are neither resolved nor closed, `judged` have a verdict of the customer, `satisfied` a good one. `answered`
    and `resolved` hold the seconds to the first answer and to the end of every ticket that has one, each a big-endian
    number of four bytes: medians need all of them, and strings are joined far quicker than times are subtracted.
    """

    __tablename__ = "daily_tickets"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
    deleted: Mapped[int]
    open: Mapped[int]
    unanswered: Mapped[int]
    judged: Mapped[int]
    satisfied: Mapped[int]
    answered: Mapped[bytes] = mapped_column(LargeBinary)
    resolved: Mapped[bytes] = mapped_column(LargeBinary)

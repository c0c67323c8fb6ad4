"""Verbatims of every channel, and what they said before they were edited."""

from datetime import date, datetime

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment

SEARCH_VECTOR = "to_tsvector('cocoon'::regconfig, title || ' ' || body)"

SAMPLE = 64
SAMPLED = "(hashtextextended(coalesce(person, author), 0) & 63) = 0"
"""One person in `SAMPLE`, with all that they ever wrote: people are estimated from them where there are very many."""


class Verbatim(Base):
    """One customer's masked words, with what the analysis made of them.

    `day` is the local day of `written_at` in the app's time zone: every count by day uses it, so that a number and
    the verbatims behind it always agree. `author` is a keyed hash. `version_origin` is reported or inferred.
    """

    __tablename__ = "verbatims"
    __table_args__ = (
        UniqueConstraint("app_id", "kind", "external_id"),
        Index("ix_verbatims_app_id_written_at", "app_id", text("written_at DESC"), text("id DESC")),
        Index("ix_verbatims_app_id_version", "app_id", "version", text("written_at DESC"), text("id DESC")),
        Index("ix_verbatims_search", "search", postgresql_using="gin"),
        Index(
            "ix_verbatims_urgent", "app_id", text("written_at DESC"), text("id DESC"), postgresql_where=text("urgent")
        ),
        Index(
            "ix_verbatims_urgent_version",
            "app_id",
            "version",
            text("written_at DESC"),
            text("id DESC"),
            postgresql_where=text("urgent"),
        ),
        Index(
            "ix_verbatims_revised",
            "app_id",
            text("written_at DESC"),
            text("id DESC"),
            postgresql_where=text("revision > 0"),
        ),
        Index(
            "ix_verbatims_sample",
            "app_id",
            "written_at",
            postgresql_include=["channel", "person", "author"],
            postgresql_where=text(SAMPLED),
        ),
        Index(
            "ix_verbatims_nameless",
            "app_id",
            "written_at",
            postgresql_include=["channel"],
            postgresql_where=text("person IS NULL AND author IS NULL"),
        ),
        Index(
            "ix_verbatims_voices",
            "app_id",
            "channel",
            "written_at",
            postgresql_include=["person", "author"],
            postgresql_where=text("channel NOT IN ('app_store', 'google_play')"),
        ),
        Index("ix_verbatims_app_id_thread", "app_id", "kind", "thread", postgresql_where=text("thread IS NOT NULL")),
        Index("ix_verbatims_app_id_person", "app_id", "person", postgresql_where=text("person IS NOT NULL")),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    channel: Mapped[str]
    external_id: Mapped[str]
    storefront: Mapped[str] = mapped_column(server_default="")
    locale: Mapped[str | None]
    stars: Mapped[int | None] = mapped_column(SmallInteger)
    title: Mapped[str] = mapped_column(server_default="")
    body: Mapped[str]
    written_at: Mapped[Moment]
    edited_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    first_seen_at: Mapped[Moment]
    day: Mapped[date]
    version: Mapped[str] = mapped_column(server_default="")
    version_origin: Mapped[str] = mapped_column(server_default="")
    device: Mapped[str | None]
    os: Mapped[str | None]
    author: Mapped[str | None]
    reply: Mapped[str | None]
    replied_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    thumbs_up: Mapped[int | None]
    url: Mapped[str | None]
    person: Mapped[str | None]
    """A keyed hash that is the same in every channel, where an e-mail, a number or a customer's id allows it."""
    thread: Mapped[str | None]
    """The ticket it was written in."""
    revision: Mapped[int] = mapped_column(Integer, server_default="0")

    language: Mapped[str] = mapped_column(server_default="und")
    sentiment: Mapped[float] = mapped_column(REAL, server_default="0")
    label: Mapped[str] = mapped_column(server_default="neutral")
    confidence: Mapped[float] = mapped_column(REAL, server_default="0")
    intents: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    urgent: Mapped[bool] = mapped_column(Boolean, server_default="false")
    model: Mapped[str] = mapped_column(server_default="")
    search: Mapped[str] = mapped_column(TSVECTOR, Computed(SEARCH_VECTOR, persisted=True), deferred=True)


class Revision(Base):
    """What a verbatim said before an edit, and until when."""

    __tablename__ = "verbatim_revisions"
    __table_args__ = (
        ForeignKeyConstraint(["app_id", "verbatim_id"], ["verbatims.app_id", "verbatims.id"], ondelete="CASCADE"),
    )

    app_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    verbatim_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    stars: Mapped[int | None] = mapped_column(SmallInteger)
    title: Mapped[str]
    body: Mapped[str]
    version: Mapped[str]
    written_at: Mapped[Moment]
    replaced_at: Mapped[Moment]


class VerbatimTopic(Base):
    """A topic that a verbatim speaks of, with the sentiment there and the words that say so."""

    __tablename__ = "verbatim_topics"
    __table_args__ = (
        ForeignKeyConstraint(["app_id", "verbatim_id"], ["verbatims.app_id", "verbatims.id"], ondelete="CASCADE"),
        Index("ix_verbatim_topics_app_id_topic_day", "app_id", "topic", text("day DESC")),
    )

    app_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    verbatim_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]
    sentiment: Mapped[float] = mapped_column(REAL)
    evidence: Mapped[str]

"""Irritants: complaints grouped under a name that people recognise, with a life; and what people corrected.

An irritant is one episode (or the usual level) of one key of an app: "topic:sign_in"; "fault:transfer:twice" for a
second fault of a topic; or "phrase:…" for words that no topic covers. Its verbatims are the negative mentions of its
keys on its days (`app.reading.members` builds the query), for faults and phrases the rows of `irritant_verbatims`.
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Created, Json, Moment


class Irritant(Base):
    """One irritant of an app. Names, merges and un-merges by people are never overwritten.

    `state`: emerging, ongoing, fix_shipped, gone, back. A `standing` irritant is what customers complain of all the
    time: it has no release and its days leave out those of the episodes of its key. `keys` are its own key and those
    whose complaints are the same ones (biometrics within a broken sign-in). Shares are of all verbatims, 0 to 1.
    """

    __tablename__ = "irritants"
    __table_args__ = (
        Index("ix_irritants_app_id_key", "app_id", "key"),
        Index("ix_irritants_app_id_state", "app_id", "state"),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[str]
    keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    standing: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    name_fr: Mapped[str]
    name_en: Mapped[str]
    given_name: Mapped[str] = mapped_column(default="", server_default="")
    """What people call it; "" until somebody does."""
    named_by: Mapped[str] = mapped_column(default="", server_default="")
    summary: Mapped[str] = mapped_column(default="", server_default="")
    """By the optional language model; "" without it."""
    state: Mapped[str]
    state_since: Mapped[date]
    began_day: Mapped[date]
    noticed_day: Mapped[date]
    """The first day on which the evidence was strong enough."""
    ended_day: Mapped[date | None]
    """Its last day, where it is gone."""
    began_version: Mapped[str] = mapped_column(default="", server_default="")
    fixed_version: Mapped[str] = mapped_column(default="", server_default="")
    given_fix: Mapped[str] = mapped_column(default="", server_default="")
    """The release that people say mends it; "" leaves it to the notes and the counts."""
    fix_announced: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    """The notes of that release speak of it; otherwise the counts alone show it."""
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    """Where it emerged."""
    score: Mapped[float] = mapped_column(Double, default=0.0, server_default="0")
    """The highest score of the scan; 3.66 comes by chance about once a quarter over all topics of an app."""
    share_before: Mapped[float] = mapped_column(Double, default=0.0, server_default="0")
    share_peak: Mapped[float] = mapped_column(Double, default=0.0, server_default="0")
    people: Mapped[int] = mapped_column(default=0, server_default="0")
    """Distinct authors over its last 84 days; `unknown` verbatims there have no author."""
    unknown: Mapped[int] = mapped_column(default=0, server_default="0")
    phrases: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    """Telling words, as customers write them."""
    apart: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    """Keys of irritants told apart from this one: their verbatims are not counted here."""
    merged_into: Mapped[int | None] = mapped_column(BigInteger)
    """The irritant that speaks for this one, of the same app."""
    merged_by: Mapped[str] = mapped_column(default="", server_default="")
    """"cocoon" where we found the same complaints; anybody else (also with merged_into None: un-merged) is final."""
    created_at: Mapped[Created]
    updated_at: Mapped[Created]
    counted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When all of its days were last counted."""


class IrritantVerbatim(Base):
    """A verbatim of an irritant whose key is a phrase or a fault."""

    __tablename__ = "irritant_verbatims"
    __table_args__ = (
        ForeignKeyConstraint(["app_id", "irritant_id"], ["irritants.app_id", "irritants.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["app_id", "verbatim_id"], ["verbatims.app_id", "verbatims.id"], ondelete="CASCADE"),
    )

    app_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    irritant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    verbatim_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[date]


class IrritantDay(Base):
    """Daily counts of an irritant: verbatims, those with stars and the sum of these stars."""

    __tablename__ = "irritant_days"
    __table_args__ = (
        ForeignKeyConstraint(["app_id", "irritant_id"], ["irritants.app_id", "irritants.id"], ondelete="CASCADE"),
        Index("ix_irritant_days_app_id_day", "app_id", "day"),
    )

    app_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    irritant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
    rated: Mapped[int]
    stars: Mapped[int]


class IrritantEvent(Base):
    """A line of an irritant's life: born, noticed, fix_shipped, gone, back, renamed, merged, unmerged, parted."""

    __tablename__ = "irritant_events"
    __table_args__ = (
        ForeignKeyConstraint(["app_id", "irritant_id"], ["irritants.app_id", "irritants.id"], ondelete="CASCADE"),
        Index("ix_irritant_events_app_id_irritant_id", "app_id", "irritant_id"),
    )

    app_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    irritant_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[Created]
    day: Mapped[date]
    kind: Mapped[str]
    actor: Mapped[str] = mapped_column(default="cocoon", server_default="cocoon")
    detail: Mapped[Json]


class Correction(Base):
    """What a person says that a verbatim means. None: no opinion on that part.

    It holds as long as the words are the same (`words` is their MD5): the intake puts it over whatever a model says.
    `topics` holds {"topic", "sentiment"}; an empty list means that it speaks of none.
    """

    __tablename__ = "corrections"
    __table_args__ = (
        ForeignKeyConstraint(["app_id", "verbatim_id"], ["verbatims.app_id", "verbatims.id"], ondelete="CASCADE"),
    )

    app_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    verbatim_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    words: Mapped[str]
    label: Mapped[str | None]
    intents: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    topics: Mapped[list[dict[str, object]] | None] = mapped_column(JSONB(none_as_null=True))
    corrected_by: Mapped[str]
    corrected_at: Mapped[Moment] = mapped_column(server_default=text("now()"))


class TaxonomyEdit(Base):
    """A version of the installation's own topics, over the shipped ones; the newest counts."""

    __tablename__ = "taxonomy_edits"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    yaml: Mapped[str]
    edited_by: Mapped[str]
    edited_at: Mapped[Created]

"""What stands beside the verbatims: survey answers with their scores, tickets with their times, and who is one person.

A survey's comment and a ticket's customer words are verbatims; here is what they are counted by. No table holds a raw
identity: a respondent, a person and each of a person's keys are keyed hashes.
"""

from datetime import date, datetime

from sqlalchemy import REAL, BigInteger, DateTime, ForeignKey, Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment


class SurveyAnswer(Base):
    """One respondent's score on one question in one wave; a second answer in the same wave replaces the first.

    `type` was declared by a person: nps (0 to 10), csat or effort (`low` to `high`), satisfied (0 or 1). `survey` is
    the survey's id in its tool. `wave`, `segment` and `version` are "" where the survey tells none.
    """

    __tablename__ = "survey_answers"
    __table_args__ = (
        UniqueConstraint("app_id", "survey", "wave", "question", "respondent"),
        Index("ix_survey_answers_app_id_day", "app_id", text("day DESC")),
        Index("ix_survey_answers_app_id_person", "app_id", "person", postgresql_where=text("person IS NOT NULL")),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(BigInteger)
    survey: Mapped[str]
    wave: Mapped[str] = mapped_column(server_default="")
    question: Mapped[str]
    respondent: Mapped[str]
    type: Mapped[str]
    score: Mapped[float] = mapped_column(REAL)
    low: Mapped[int] = mapped_column(SmallInteger)
    high: Mapped[int] = mapped_column(SmallInteger)
    segment: Mapped[str] = mapped_column(server_default="")
    version: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[Moment]
    day: Mapped[date]
    person: Mapped[str | None]


class Ticket(Base):
    """One ticket of a help desk. What the customer wrote in it are the verbatims whose `thread` is its external id.

    `via` is how it came (email, whatsapp, messaging, phone, web…), `status` the desk's own word in small letters.
    `satisfied` is the customer's own verdict, None where none was given; `rating` its 1 to 5 where the desk has one.
    A deleted ticket keeps this row, so that it is not read again; its words are gone and it counts nowhere.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("app_id", "kind", "external_id"),
        Index("ix_tickets_app_id_day", "app_id", text("day DESC")),
        Index("ix_tickets_app_id_person", "app_id", "person", postgresql_where=text("person IS NOT NULL")),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    channel: Mapped[str]
    external_id: Mapped[str]
    via: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[Moment]
    day: Mapped[date]
    updated_at: Mapped[Moment]
    first_answer_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    satisfied: Mapped[bool | None]
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[str] = mapped_column(server_default="")
    person: Mapped[str | None]


class PersonKey(Base):
    """A keyed hash of an e-mail, a telephone number or a customer's number, and the person it belongs to."""

    __tablename__ = "person_keys"
    __table_args__ = (Index("ix_person_keys_app_id_person", "app_id", "person"),)

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str]

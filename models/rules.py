"""What a team chose about the rules: on or off, from how many reviews, which words, how much noise; and its votes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Double, ForeignKey, ForeignKeyConstraint, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json


class RuleChoice(Base):
    """What was chosen for one rule of one app; where there is no row the rule's own defaults hold.

    `settings` is described in alerts.settings: min_reviews, keywords, days, minimum.
    """

    __tablename__ = "rule_choices"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    rule: Mapped[str] = mapped_column(Text, primary_key=True)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True, server_default="true")
    settings: Mapped[Json]
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    changed_by: Mapped[str]


class NoiseBudget(Base):
    """At most so many false alarms a month, over the team's apps together; one row (`team`), none: the usual levels."""

    __tablename__ = "noise_budgets"

    team: Mapped[str] = mapped_column(Text, primary_key=True, default="", server_default="")
    """"" is everybody: the one team there is so far."""
    per_month: Mapped[float] = mapped_column(Double)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    changed_by: Mapped[str]


class IncidentVote(Base):
    """One person's word on an incident: was it worth being told?"""

    __tablename__ = "incident_votes"
    __table_args__ = (
        ForeignKeyConstraint(["app_id", "incident_id"], ["incidents.app_id", "incidents.id"], ondelete="CASCADE"),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(primary_key=True)
    actor: Mapped[str] = mapped_column(Text, primary_key=True)
    useful: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

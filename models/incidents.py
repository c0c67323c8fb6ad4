"""Incidents, the story of each, where alerts go, and the outbox of deliveries."""

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Boolean, DateTime, Double, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Created, Json, Moment


class Incident(Base):
    """One episode of one rule on one subject. At most one per (app, rule, subject) is not resolved.

    `state`: open, acknowledged, resolved. A silence is `silenced_until` in the future. `subject` is a stable key such
    as "app", "channel:google_play", "version:7.2" or "topic:sign_in". `origin` is live or history: what a first
    import finds is shown but never sent. `baseline_to` is frozen at the day before it opened.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "uq_incidents_live",
            "app_id",
            "rule",
            "subject",
            unique=True,
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index("ix_incidents_app_id_opened_at", "app_id", text("opened_at DESC")),
    )

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    rule: Mapped[str]
    subject: Mapped[str]
    state: Mapped[str] = mapped_column(default="open", server_default="open")
    severity: Mapped[str]
    """watch or alert."""
    origin: Mapped[str] = mapped_column(default="live", server_default="live")
    opened_at: Mapped[Moment]
    opened_day: Mapped[date]
    updated_at: Mapped[Moment]
    acknowledged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    acknowledged_by: Mapped[str | None]
    silenced_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_above_day: Mapped[date]
    baseline_to: Mapped[date | None]
    score: Mapped[float] = mapped_column(Double)
    peak_score: Mapped[float] = mapped_column(Double)
    effect: Mapped[Json]
    evidence: Mapped[Json]


class IncidentEvent(Base):
    """A line of an incident's timeline: opened, strengthened, acknowledged, silenced, reopened, resolved, note…"""

    __tablename__ = "incident_events"
    __table_args__ = (Index("ix_incident_events_app_id_incident_id", "app_id", "incident_id"),)

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[BigId]
    incident_id: Mapped[UUID]
    at: Mapped[Moment]
    kind: Mapped[str]
    actor: Mapped[str] = mapped_column(default="cocoon", server_default="cocoon")
    detail: Mapped[Json]


class Destination(Base):
    """Where alerts go: a channel kind (slack, webhook, inbox…) with its sealed settings.

    `sealed` holds the secret part (a Slack address, a signing key) encrypted; it is never returned. `app_id` None
    means every app. `disabled_reason` says in words why we stopped sending (410 Gone).
    """

    __tablename__ = "destinations"

    id: Mapped[BigId]
    app_id: Mapped[int | None] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)
    config: Mapped[Json]
    sealed: Mapped[str | None]
    enabled: Mapped[bool] = mapped_column(Boolean, default=True, server_default="true")
    disabled_reason: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[Created]


class Delivery(Base):
    """One message to one destination, written in the transaction of what it tells; sent at least once, same id.

    `state`: queued, sending, sent, dead. Claimed by lease: `lease_until` in the future belongs to `lease_by`.
    Times here are the database's clock. `attempts` keeps (at, status, error) of each try.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("app_id", "event_id", "destination_id"),
        Index("ix_deliveries_due", "due_at", postgresql_where=text("state in ('queued', 'sending')")),
    )

    app_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    incident_id: Mapped[UUID | None]
    event_id: Mapped[UUID]
    """The state change it tells: with the destination, the key against doubles."""
    destination_id: Mapped[int] = mapped_column(ForeignKey("destinations.id", ondelete="CASCADE"))
    kind: Mapped[str]
    """incident.opened, incident.updated, incident.resolved, test."""
    message: Mapped[Json]
    """The channel-neutral message (alerts.channels.base.Message as JSON)."""
    state: Mapped[str] = mapped_column(default="queued", server_default="queued")
    tries: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    due_at: Mapped[Created]
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease_by: Mapped[str | None]
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    last_error: Mapped[str] = mapped_column(default="", server_default="")
    wakes: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    """Sent in quiet hours too."""
    held: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    """Kept back by quiet hours: its time is no measure of how quick we are."""
    created_at: Mapped[Created]
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class InboxMessage(Base):
    """What the built-in inbox received: the exact body that a Slack or webhook receiver would have seen."""

    __tablename__ = "inbox"

    id: Mapped[BigId]
    delivery_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str]
    received_at: Mapped[Created]
    headers: Mapped[Json]
    body: Mapped[Json]


class Route(Base):
    """What goes to a destination: incidents of some rules (none: all) of an app (None: all), from a severity on.

    `manner`: now, or digest (in its letter only). `wakes`: in its quiet hours too.
    """

    __tablename__ = "routes"

    id: Mapped[BigId]
    destination_id: Mapped[int] = mapped_column(ForeignKey("destinations.id", ondelete="CASCADE"), index=True)
    app_id: Mapped[int | None] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    rules: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    floor: Mapped[str] = mapped_column(default="alert", server_default="alert")
    manner: Mapped[str] = mapped_column(default="now", server_default="now")
    wakes: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    created_at: Mapped[Created]


class SlackPost(Base):
    """A message of ours in Slack and where it is: "incident:…" the one of an incident, "delivery:…" any other.

    The row is written before Slack is asked and completed after: an empty `ts` means that Slack may or may not have
    the message, so it is looked for before it is sent again. `told_at`: the newest state that it shows. `file_id` is
    that of an uploaded picture ("chart:…").
    """

    __tablename__ = "slack_posts"

    destination_id: Mapped[int] = mapped_column(ForeignKey("destinations.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    begun_at: Mapped[Created]
    channel: Mapped[str] = mapped_column(default="", server_default="")
    ts: Mapped[str] = mapped_column(default="", server_default="")
    file_id: Mapped[str] = mapped_column(default="", server_default="")
    made_by: Mapped[UUID | None]
    """The delivery that made it."""
    told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SlackPace(Base):
    """From when on the next message may go to a Slack channel, over all our processes (one a second)."""

    __tablename__ = "slack_paces"

    channel: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[Moment]


class SlackClick(Base):
    """A press of a button that Slack told us, by the hash of its signature: none is taken twice."""

    __tablename__ = "slack_clicks"

    signature: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[Created]

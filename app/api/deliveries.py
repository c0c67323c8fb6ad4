"""Deliveries and the built-in inbox."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts import outbox
from app.api.shapes import Body, Moment
from app.audit import record
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.reading import deliveries as reading
from app.reading import latency

router = APIRouter(tags=["deliveries"], dependencies=[allow("viewer", change="admin")])


class DeliveryOut(BaseModel):
    """One message to one destination; `id` is the same at every try (webhook-id)."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    app_id: int
    incident_id: UUID | None
    destination_id: int
    kind: str
    message: dict[str, Any]
    state: str = Field(description="queued, sending, sent or dead")
    tries: int
    due_at: datetime
    attempts: list[dict[str, Any]]
    last_error: str
    created_at: datetime
    sent_at: datetime | None


class Deliveries(BaseModel):
    """Newest first."""

    items: list[DeliveryOut]
    next: UUID | None = Field(description="give it as `before` for the next page")


class Replay(Body):
    """Deliveries made in [from, to) that were given up are sent again, under the same ids."""

    start: Annotated[Moment, Field(alias="from")]
    end: Annotated[Moment, Field(alias="to")]
    destination_id: Annotated[int, Field(ge=1, lt=2**63)] | None = None


class Replayed(BaseModel):
    """How many are on their way again."""

    count: int


class InboxOut(BaseModel):
    """The exact body that a receiver would have seen."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    delivery_id: UUID
    kind: str
    received_at: datetime
    headers: dict[str, Any]
    body: dict[str, Any]


class Inbox(BaseModel):
    """Newest first."""

    items: list[InboxOut]
    next: int | None = Field(description="give it as `before` for the next page")


@router.get("/deliveries")
def list_deliveries(
    session: DB,
    state: Literal["queued", "sending", "sent", "dead"] | None = None,
    destination_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    incident_id: UUID | None = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Deliveries:
    """What was sent, waits, or was given up."""
    found = reading.find(
        session, state=state, destination_id=destination_id, incident_id=incident_id, before=before, limit=limit + 1
    )
    following = found[limit - 1].id if len(found) > limit else None
    return Deliveries(items=[DeliveryOut.model_validate(delivery) for delivery in found[:limit]], next=following)


class LatencyOut(BaseModel):
    """Seconds in which half and 19 of 20 messages of the last 30 days arrived; `destination_id` null: all together."""

    model_config = ConfigDict(from_attributes=True)
    destination_id: int | None
    name: str
    n: int
    p50: float
    p95: float


class CanaryOut(BaseModel):
    """The newest canary at one destination; `arrived` null: not yet."""

    model_config = ConfigDict(from_attributes=True)
    name: str
    sent_off: datetime
    arrived: datetime | None
    state: str


class Promptness(BaseModel):
    """How quick the telling is."""

    latencies: list[LatencyOut]
    canaries: list[CanaryOut]
    states: dict[str, int]


@router.get("/deliveries/promptness")
def promptness(session: DB) -> Promptness:
    """From the finding to the receiver's 2xx, by destination, and the day's canary."""
    return Promptness(
        latencies=[LatencyOut.model_validate(one) for one in latency.latencies(session)],
        canaries=[CanaryOut.model_validate(one) for one in latency.canaries(session)],
        states=latency.states(session),
    )


@router.post("/deliveries/replay")
def replay(body: Replay, request: Request, session: DB) -> Replayed:
    """Send again what was given up in a period."""
    if body.start >= body.end:
        raise Problem(422, "The period ends before it begins.", where="body.from")
    count = outbox.revive(session, body.start, body.end, destination_id=body.destination_id)
    record(
        session,
        request,
        "delivery.replayed",
        start=body.start,
        end=body.end,
        destination=body.destination_id,
        count=count,
    )
    return Replayed(count=count)


@router.get("/inbox")
def list_inbox(
    session: DB,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Inbox:
    """What the built-in inbox received."""
    found = reading.inbox(session, before=before, limit=limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return Inbox(items=[InboxOut.model_validate(message) for message in found[:limit]], next=following)

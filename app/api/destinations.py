"""Destinations: where alerts go. Secrets go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import destinations as making
from app.api.shapes import Body, Name, RowId, Text
from app.auth import allow
from app.db import DB
from app.errors import Problem, not_found
from app.reading import deliveries as reading
from models.incidents import Destination

router = APIRouter(tags=["destinations"], dependencies=[allow("viewer", change="admin")])
Levels = Annotated[list[Literal["watch", "alert"]], Field(min_length=1, max_length=2)]


class DestinationOut(BaseModel):
    """Where alerts go; `app_id` None means every app."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    app_id: int | None
    kind: str
    name: str
    config: dict[str, Any]
    enabled: bool
    disabled_reason: str
    created_at: datetime


class Destinations(BaseModel):
    """By name."""

    items: list[DestinationOut]


class MailServer(Body):
    """A mail server and who writes to whom; its password goes into `secret`. `port` None: 587, or 465 with ssl."""

    host: Annotated[Text, Field(max_length=255)]
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    tls: Literal["starttls", "ssl", "none"] = "starttls"
    user: Annotated[Text, Field(max_length=255)] = ""
    sender: Annotated[Text, Field(max_length=254)]
    to: Annotated[list[Annotated[Text, Field(max_length=254)]], Field(min_length=1, max_length=50)]


RemindHours = Annotated[int, Field(ge=1, le=168)]
Quiet = Annotated[Text, Field(max_length=20)]
Zone = Annotated[Text, Field(max_length=60)]
Letters = Annotated[list[Literal["daily", "weekly"]], Field(max_length=2)]
Hour = Annotated[Text, Field(max_length=5)]
Language = Literal["fr", "en"]


class NewDestination(Body):
    """`url` is the address of Slack, Teams or apprise (kept sealed) or the webhook's.

    `secret` is a webhook's whsec_ key, made if not given, the password of the mail server, or a Slack bot's token
    (xoxb-…), which posts to `channel` (its id) and has buttons if the app's `signing_secret` is given.
    `remind_hours`: again every so many hours until somebody acknowledges. `quiet`: 22:00-07:00 in `zone`, kept back
    and sent after. `digest`: letters, sent at `digest_at` (08:00) in `zone`, in `language` (that of the app).
    """

    kind: making.Kind
    name: Annotated[Name, Field(max_length=100)]
    url: Text = ""
    secret: Text = ""
    app_id: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    levels: Levels = ["alert"]  # noqa: RUF012  pydantic copies it
    mail: MailServer | None = None
    channel: Annotated[Text, Field(max_length=40)] = ""
    signing_secret: Annotated[Text, Field(max_length=200)] = ""
    remind_hours: RemindHours | None = None
    quiet: Quiet = ""
    zone: Zone = ""
    digest: Letters = []  # noqa: RUF012  pydantic copies it
    digest_at: Hour = ""
    language: Language | None = None


class DestinationMade(DestinationOut):
    """`signing_key` is told this once, when we made it."""

    signing_key: str | None


class DestinationChange(Body):
    """What to change; `remind_hours` 0 and `quiet` "" switch these off."""

    name: Annotated[Name, Field(max_length=100)] | None = None
    enabled: bool | None = None
    levels: Levels | None = None
    remind_hours: Annotated[int, Field(ge=0, le=168)] | None = None
    quiet: Quiet | None = None
    zone: Zone | None = None
    digest: Letters | None = None
    digest_at: Hour | None = None
    language: Language | None = None


class TestSent(BaseModel):
    """The test alert is in the outbox; follow it at /deliveries?destination_id=…"""

    delivery_id: UUID | None


def _or_404(session: Session, destination_id: int) -> Destination:
    destination = session.get(Destination, destination_id)
    if destination is None:
        raise not_found("destination")
    return destination


@router.get("/destinations")
def list_destinations(session: DB) -> Destinations:
    """All of them."""
    return Destinations(items=[DestinationOut.model_validate(found) for found in reading.destinations(session)])


@router.post("/destinations", status_code=201)
def create_destination(body: NewDestination, request: Request, response: Response, session: DB) -> DestinationMade:
    """Add one."""
    made, key = making.add(
        session,
        request.app.state.seal,
        kind=body.kind,
        name=body.name,
        url=body.url,
        app_id=body.app_id,
        levels=tuple(body.levels),
        secret=body.secret,
        mail={**body.mail.model_dump(exclude={"sender"}), "from": body.mail.sender} if body.mail else None,
        channel=body.channel,
        signing=body.signing_secret,
        rhythm=body.model_dump(include=making.RHYTHM),
    )
    response.headers["Location"] = f"/api/v1/destinations/{made.id}"
    return DestinationMade(**DestinationOut.model_validate(made).model_dump(), signing_key=key)


@router.get("/destinations/{destination_id}")
def get_destination(destination_id: RowId, session: DB) -> DestinationOut:
    """One of them."""
    return DestinationOut.model_validate(_or_404(session, destination_id))


@router.patch("/destinations/{destination_id}")
def change_destination(destination_id: RowId, body: DestinationChange, session: DB) -> DestinationOut:
    """Switch it on or off, rename it, or choose its levels, reminders and quiet hours."""
    destination = _or_404(session, destination_id)
    if body.name is not None:
        taken = select(Destination.id).where(Destination.name == body.name, Destination.id != destination_id)
        if session.scalar(taken) is not None:
            raise Problem(409, f"There is already a destination called “{body.name}”.", where="body.name")
        destination.name = body.name
    if body.enabled is not None:
        destination.enabled, destination.disabled_reason = body.enabled, ""
    if body.levels is not None:
        destination.config = {**destination.config, "levels": sorted(set(body.levels))}
    making.change_rhythm(session, destination, body.model_dump(include=making.RHYTHM, exclude_none=True))
    session.flush()
    return DestinationOut.model_validate(destination)


@router.delete("/destinations/{destination_id}", status_code=204)
def delete_destination(destination_id: RowId, session: DB) -> None:
    """Delete it with its deliveries."""
    session.delete(_or_404(session, destination_id))
    session.flush()


@router.post("/destinations/{destination_id}/test", status_code=202)
def test_destination(destination_id: RowId, request: Request, session: DB) -> TestSent:
    """Send a test alert through the real outbox."""
    base_url = request.app.state.settings.base_url
    return TestSent(delivery_id=making.send_test(session, _or_404(session, destination_id), base_url, "fr"))

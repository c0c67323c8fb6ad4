"""What an existing destination is sent and when, as forms: levels, reminders, quiet hours, letters, routes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from app import destinations as making
from app import ways
from app.api.shapes import OptionalText, RowId, Text
from app.auth import allow
from app.db import DB
from app.errors import not_found
from app.pages.common import go
from models.incidents import Destination, Route

router = APIRouter(dependencies=[allow("viewer", change="admin")])


@router.post("/destinations/{destination_id}/settings")
def change(
    destination_id: RowId,
    session: DB,
    watch: Annotated[bool, Form()] = False,
    remind_hours: Annotated[Text, Form(max_length=10)] = "",
    quiet: Annotated[Text, Form(max_length=20)] = "",
    zone: Annotated[Text, Form(max_length=60)] = "",
    digest: Annotated[list[Literal["daily", "weekly"]] | None, Form()] = None,
    digest_at: Annotated[Text, Form(max_length=5)] = "",
    canary: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    """Change them; what cannot be used is said in a sentence."""
    destination = _or_404(session, destination_id)
    levels = ["alert", "watch"] if watch else ["alert"]
    kept = {name: value for name, value in destination.config.items() if name != "canary"}
    destination.config = {**kept, "levels": levels, **({"canary": True} if canary else {})}
    given = {"remind_hours": making.hours(remind_hours), "quiet": quiet, "zone": zone}
    making.change_rhythm(session, destination, {**given, "digest": digest or [], "digest_at": digest_at})
    session.flush()
    return go("/destinations", "saved")


@router.post("/destinations/{destination_id}/routes")
def add_route(
    destination_id: RowId,
    session: DB,
    app_id: Annotated[OptionalText, Form()] = None,
    rules: Annotated[list[Text] | None, Form(max_length=30)] = None,
    floor: Annotated[Literal["watch", "alert"], Form()] = "alert",
    manner: Annotated[Literal["now", "digest"], Form()] = "now",
    wakes: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    """Add a route to it."""
    number = int(app_id) if app_id and app_id.isdecimal() and len(app_id) < 19 else None
    chosen = [rule for rule in rules or [] if rule]
    destination = _or_404(session, destination_id)
    ways.add(session, destination, app_id=number, rules=chosen, floor=floor, manner=manner, wakes=wakes)
    return go("/destinations", "saved")


@router.post("/destinations/{destination_id}/routes/{route_id}/delete")
def remove_route(destination_id: RowId, route_id: RowId, session: DB) -> RedirectResponse:
    """Remove it."""
    found = session.get(Route, route_id)
    if found is None or found.destination_id != destination_id:
        raise not_found("route")
    session.delete(found)
    return go("/destinations", "saved")


def _or_404(session: DB, destination_id: int) -> Destination:
    destination = session.get(Destination, destination_id)
    if destination is None:
        raise not_found("destination")
    return destination

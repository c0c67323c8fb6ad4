"""Which incidents a destination is told of: by rule, app and severity, at once or in its letter, at night or not.

A destination without routes is told of everything of its app at its `levels`. Once it has routes, they alone decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.incidents import Destination, Incident, Route

DEFAULT_LEVELS = ("alert",)
"""Severities that a destination without routes is told of, unless its config has its own `levels`."""
LANES = {"urgent": ("urgent",)}
"""Names for a group of rules that a route can be made for: the urgent lane (fraud, a blocked account, lost money)."""


@dataclass(frozen=True, slots=True)
class Way:
    """A destination that is told of an incident at once; `wakes`: in its quiet hours too."""

    destination: Destination
    wakes: bool


def ways(session: Session, destinations: Sequence[Destination], incident: Incident) -> list[Way]:
    """Return who of these is told of an incident at once."""
    by_destination: dict[int, list[Route]] = {}
    for route in session.scalars(select(Route).where(Route.destination_id.in_([one.id for one in destinations]))):
        by_destination.setdefault(route.destination_id, []).append(route)
    found = []
    for destination in destinations:
        routes = by_destination.get(destination.id)
        if routes is None:
            if incident.severity in destination.config.get("levels", DEFAULT_LEVELS):
                found.append(Way(destination, False))
            continue
        now = [route for route in routes if route.manner == "now" and matches(route, incident)]
        if now:
            found.append(Way(destination, any(route.wakes for route in now)))
    return found


def matches(route: Route, incident: Incident) -> bool:
    """Whether an incident goes this way: its own rule, or one that supports it, on the route's app, severe enough."""
    if route.app_id is not None and route.app_id != incident.app_id:
        return False
    if route.floor == "alert" and incident.severity != "alert":
        return False
    support: list[dict[str, Any]] = incident.evidence.get("support", [])
    return not route.rules or bool({incident.rule, *(one["rule"] for one in support)} & set(route.rules))

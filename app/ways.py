"""Routes: making and removing them, for the pages and the API alike."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.saying import known_rules
from app.digests import AT, wanted
from app.errors import Problem
from models.apps import App
from models.incidents import Destination, Route

MOST = 30
"""Routes of one destination."""


def add(
    session: Session,
    destination: Destination,
    *,
    app_id: int | None = None,
    rules: Sequence[str] = (),
    floor: str = "alert",
    manner: str = "now",
    wakes: bool = False,
) -> Route:
    """Make a route. One into the letter makes sure that there is a letter. Raises Problem."""
    unknown = [rule for rule in rules if rule not in known_rules()]
    if unknown:
        raise Problem(422, f"There is no rule called “{unknown[0]}”.", where="body.rules")
    if app_id is not None and session.get(App, app_id) is None:
        raise Problem(422, "There is no such app.", where="body.app_id")
    if app_id is not None and destination.app_id not in {None, app_id}:
        raise Problem(422, "This destination is another app's.", where="body.app_id")
    if len(of(session, destination.id)) >= MOST:
        raise Problem(409, f"A destination has at most {MOST} routes.")
    made = Route(
        destination_id=destination.id,
        app_id=app_id,
        rules=sorted(set(rules)),
        floor=floor,
        manner=manner,
        wakes=wakes and manner == "now",
    )
    session.add(made)
    if manner == "digest" and not wanted(destination.config):
        destination.config = {**destination.config, "digest": ["daily"], "digest_at": AT}
    session.flush()
    return made


def of(session: Session, destination_id: int | None = None) -> Sequence[Route]:
    """The routes of a destination, or all."""
    query = select(Route).order_by(Route.destination_id, Route.id)
    if destination_id is not None:
        query = query.where(Route.destination_id == destination_id)
    return session.scalars(query).all()

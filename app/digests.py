"""When letters are written: once a day or a week for each destination that wants one, in its own time zone.

A destination's config: {"digest": ["daily", "weekly"], "digest_at": "08:00", "zone": "Europe/Paris"}. The outbox row
is keyed by destination and day, so that it is written once whatever dies. A day that was missed is not made up for:
only the newest letter is written, and only while it is news (12 hours; a weekly one for two days).
"""

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.outbox import enqueue
from alerts.quiet import ZONE, read_zone
from app.reading.apps import all_apps
from models.apps import App
from models.incidents import Delivery, Destination

if TYPE_CHECKING:
    from app.letter import Every

LETTERS = UUID("6f0b5b9e-6c3b-4c0e-9a55-0d8f3f9a7d21")
EVERY: tuple["Every", ...] = ("daily", "weekly")
AT = "08:00"
NEWS = {"daily": timedelta(hours=12), "weekly": timedelta(hours=48)}
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def read_time(text: str) -> time:
    """Read "08:00". Raises ValueError for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("The hour of a letter is written as 08:00.")
    return time(int(found[1]), int(found[2]))


def write_letters(session: Session, now: datetime, *, base_url: str) -> int:
    """Write the letters that are due at `now` (the story's clock) and are not yet; return how many."""
    written = 0
    for destination in session.scalars(
        select(Destination).where(Destination.enabled, Destination.config.has_key("digest"))
    ):
        for every in EVERY:
            if every in wanted(destination.config) and (due := due_at(destination.config, every, now)) is not None:
                written += write_letter(session, destination, every, due, base_url=base_url) is not None
    return written


def wanted(config: dict[str, Any]) -> "tuple[Every, ...]":
    """Which letters a destination wants."""
    given = config.get("digest")
    return tuple(every for every in EVERY if isinstance(given, list) and every in given)


def due_at(config: dict[str, Any], every: "Every", now: datetime) -> datetime | None:
    """Return the local moment of the newest letter that is still news, None where there is none.

    Letters of a week come on Mondays. Settings that cannot be read are those that everybody has.
    """
    try:
        zone, at = read_zone(str(config.get("zone") or ZONE)), read_time(str(config.get("digest_at") or AT))
    except ValueError:
        zone, at = read_zone(ZONE), read_time(AT)
    here = now.astimezone(zone)
    day = here.date()
    if datetime.combine(day, at, zone) > here:
        day -= timedelta(days=1)
    if every == "weekly":
        day -= timedelta(days=day.weekday())
    due = datetime.combine(day, at, zone)
    return due if here - due <= NEWS[every] else None


def write_letter(
    session: Session, destination: Destination, every: "Every", due: datetime, *, base_url: str
) -> UUID | None:
    """Write the letter of the day `due` for one destination; None when it was written before."""
    apps = all_apps(session) if destination.app_id is None else [session.get_one(App, destination.app_id)]
    event = uuid5(LETTERS, f"{every}:{due.date()}")
    if _written(session, destination, event):
        return None
    language = str(destination.config.get("language") or (apps[0].language if apps else "fr"))
    zone = str(due.tzinfo)
    from app.letter import letter  # its pages import the destinations, which import this

    message = letter(session, apps, every, due.date(), language=language, zone=zone, base_url=base_url)
    return enqueue(
        session,
        app_id=destination.app_id or 0,
        destination_id=destination.id,
        kind=message.kind,
        event_id=event,
        message=message,
    )


def _written(session: Session, destination: Destination, event: UUID) -> bool:
    return (
        session.scalar(
            select(Delivery.id).where(
                Delivery.event_id == event,
                Delivery.destination_id == destination.id,
                Delivery.app_id == (destination.app_id or 0),
            )
        )
        is not None
    )

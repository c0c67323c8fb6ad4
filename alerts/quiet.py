"""Quiet hours of a destination: config {"quiet": "22:00-07:00", "zone": "Europe/Paris"}; what is due then waits."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ZONE = "Europe/Paris"
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def read_span(text: str) -> tuple[time, time]:
    """Read "22:00-07:00". Raises ValueError for anything else, and for a span that never ends."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError("Quiet hours are written as 22:00-07:00.")
    first, last = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if first == last:
        raise ValueError("Quiet hours end at another time than they begin.")
    return first, last


def read_zone(name: str) -> ZoneInfo:
    """Read a time zone's name. Raises ValueError for one that is not known."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("There is no such time zone; write it as Europe/Paris.") from error


def quiet_until(config: Mapping[str, Any], at: datetime) -> datetime | None:
    """Return when the quiet hours that `at` lies in end (UTC), None outside them.

    The first minute is quiet, the last is not. Settings that cannot be read keep nothing back: rather loud than lost.
    """
    if not config.get("quiet"):
        return None
    try:
        (first, last), zone = read_span(str(config["quiet"])), read_zone(str(config.get("zone") or ZONE))
    except ValueError:
        return None
    here = at.astimezone(zone)
    over_night = last < first
    now = here.time().replace(tzinfo=None)
    if not ((now >= first or now < last) if over_night else first <= now < last):
        return None
    day = here.date() + timedelta(days=1) if over_night and now >= first else here.date()
    # fold=1: of the hour that comes twice in autumn, the second is the end
    return max(datetime.combine(day, last, zone).replace(fold=1).astimezone(UTC), at)

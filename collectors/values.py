"""Small readers of values that every format shares: sound text, stars, moments, quarantined bytes."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from models.records import QuarantinedRow

# The App Store opened in July 2008 and Android Market in October: nothing said about an app is older.
OLDEST = datetime(2008, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)  # a clock may be wrong, a date without a zone be that of another day
_UNSOUND = re.compile("[\x00\ud800-\udfff]")


class RowFault(ValueError):  # noqa: N818
    """One row cannot be read; the message is the reason that the quarantine shows."""


def sound(value: object) -> str:
    """Return the value as text that any UTF-8 store accepts: without NUL and lone surrogates, trimmed; None is ''."""
    return "" if value is None else _UNSOUND.sub("", str(value)).strip()


def plausible(moment: datetime, what: str = "date") -> datetime:
    """Return the moment as aware UTC, or raise RowFault when no app could have had it."""
    if moment.tzinfo is None:
        raise RowFault(f"the {what} {moment.isoformat()} has no time zone")
    try:
        moment = moment.astimezone(UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise RowFault(f"the {what} is out of range") from error
    if moment < OLDEST:
        raise RowFault(f"the {what} {moment:%Y-%m-%d} is before there were app stores (2008)")
    if moment > datetime.now(UTC) + AHEAD:
        raise RowFault(f"the {what} {moment:%Y-%m-%d} lies in the future")
    return moment


def from_iso(text: object, reason: str = "") -> datetime:
    """Read ISO 8601 as aware UTC; raise RowFault where it cannot be read (with this reason) or is not plausible."""
    try:
        read = datetime.fromisoformat(sound(text))
    except ValueError as error:
        raise RowFault(reason or f"the moment {sound(text)[:30]!r} cannot be read") from error
    return plausible(read)


def from_epoch(seconds: object, what: str = "date") -> datetime:
    """Read unix seconds as aware UTC; raise RowFault where they are no number or not plausible."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise RowFault(f"the {what} is not a number of seconds")
    try:
        return plausible(datetime.fromtimestamp(seconds, UTC), what)
    except (OverflowError, ValueError, OSError) as error:
        if isinstance(error, RowFault):
            raise
        raise RowFault(f"the {what} {seconds} is out of range") from error


def whole_stars(value: object) -> int:
    """Read 1 to 5 stars given as a number or as digits; raise RowFault for anything else."""
    text = sound(value)
    if re.fullmatch(r"[1-5](\.0+)?", text) and not isinstance(value, bool):
        return int(text[0])
    raise RowFault(f"the stars {text[:20]!r} are not 1 to 5")


def small_count(value: object) -> int | None:
    """Read a count of votes; None where it is missing or no sound number."""
    text = sound(value)
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) and not isinstance(value, bool) else None


def quarantine(row: Any, reason: str) -> QuarantinedRow:
    """Keep a row that could not be read, as JSON bytes where it is not bytes already."""
    if isinstance(row, bytes):
        return QuarantinedRow(row, reason)
    return QuarantinedRow(json.dumps(row, ensure_ascii=True, default=str).encode(), reason)

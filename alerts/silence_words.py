"""What alerts say of a source that is silent, of reviews about to be lost, and of the end of both."""

from datetime import date, datetime, timedelta
from typing import Any

from babel.dates import format_datetime

from alerts.leading import Told
from alerts.saying import counted, day_name, full_stop, say

HOURS_TOLD = 48


def headline(app: str, told: Told, language: str) -> str:
    """Which source, and since when it has been silent; or when reviews will be lost."""
    source = _source(told)
    values = {"app": app, "source": str(source.get("name", ""))}
    if told.rule == "loss_ahead":
        return say(language, "loss_ahead", **values, day=_moment(language, source.get("deadline")))
    long = _long(language, int(source.get("hours", 0)))
    return say(language, "silent_source" if source.get("spoke") else "silent_never", **values, long=long)


def lead(told: Told, language: str) -> str:
    """When it was last read, why it says nothing, and what that means."""
    source = _source(told)
    why = say(language, f"silent_why.{_why(str(source.get('outcome', '')))}")
    if told.rule == "loss_ahead":
        return say(language, "loss_lead", day=_moment(language, source.get("deadline")), why=why)
    key = "silent_lead" if source.get("spoke") else "silent_never_lead"
    return say(language, key, day=_moment(language, source.get("since")), why=why)


def ended(app: str, told: Told, language: str, opened: date, last: date) -> tuple[str, str]:
    """The title and the sentence of its end."""
    source = _source(told)
    title = say(language, "resolved_silent", app=app, source=str(source.get("name", "")))
    hours = int(source.get("hours", 0))
    long = max(timedelta(hours=hours), last - opened)
    words = say(
        language,
        "resolved_silent_lead",
        long=_long(language, int(long.total_seconds() // 3600)),
        day=full_stop(day_name(language, opened)),
    )
    return title, words


def _source(told: Told) -> dict[str, Any]:
    found = told.evidence.get("source")
    return found if isinstance(found, dict) else {}


def _why(outcome: str) -> str:
    return outcome if outcome in {"failed", "throttled", "empty_unconfirmed"} else "unread"


def _long(language: str, hours: int) -> str:
    return counted(language, "hours", hours) if hours < HOURS_TOLD else counted(language, "days", hours // 24)


def _moment(language: str, told: Any) -> str:
    """A moment as "mardi 17 nov., 14:05 UTC": a source's clock is nobody's in particular."""
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        return "–"
    return format_datetime(at, "EEEE d MMM, HH:mm 'UTC'", locale="fr_FR" if language == "fr" else "en_GB")

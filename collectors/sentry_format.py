"""What Sentry answers, read into records. Pure: no HTTP."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from collectors.base import SourceError
from collectors.values import RowFault, from_iso, plausible, quarantine, sound
from models.records import (
    CrashIssueRecord,
    CrashKind,
    DailyCrashesRecord,
    DailySessionsRecord,
    IssueState,
    QuarantinedRow,
)

STATES: dict[str, IssueState] = {"unresolved": "open", "resolved": "resolved", "ignored": "ignored"}
_RELEASE = re.compile(r"(?:[^@]+@)?([^+]+)(?:\+.*)?")


def version_of(release: str) -> str:
    """Return the version that customers know of a release such as "com.example.bank@7.2.0+720"."""
    matched = _RELEASE.fullmatch(release.strip())
    return matched[1].strip() if matched else release.strip()


def next_cursor(link: str) -> str:
    """Read the cursor of the next page from a Link header; '' where there is none ("results" is false)."""
    for part in link.split(","):
        if 'rel="next"' in part and 'results="true"' in part:
            found = re.search(r'cursor="([^"]{1,200})"', part)
            return found[1] if found else ""
    return ""


def read_sessions(
    document: Mapping[str, Any], bad: list[QuarantinedRow], *, by_release: bool = False
) -> list[DailySessionsRecord]:
    """Read an answer of release health: sessions, users and shares without a crash by day, and by version.

    Days without a session are left out. Builds of one version are one: their sessions add up, their users do not.
    Raises SourceError(format) where the answer is no release health.
    """
    intervals, groups = document.get("intervals"), document.get("groups")
    if not isinstance(intervals, list) or not isinstance(groups, list):
        raise SourceError("Sentry's release health holds no intervals or no groups: its format has changed.", "format")
    found: dict[tuple[str, str], DailySessionsRecord] = {}
    for group in groups:
        try:
            version = version_of(sound(group["by"]["release"])) if by_release else ""
            for row in _days(group["series"], intervals, version):
                key = (row.day.isoformat(), version)
                found[key] = _together(found[key], row) if key in found else row
        except (KeyError, TypeError, RowFault) as fault:
            reason = str(fault) if isinstance(fault, RowFault) else "the group has no release or no series"
            bad.append(quarantine(group, reason))
    return list(found.values())


def _days(series: Mapping[str, Any], intervals: list[Any], version: str) -> list[DailySessionsRecord]:
    columns = [
        series.get(name) or [None] * len(intervals)
        for name in ("sum(session)", "count_unique(user)", "crash_free_rate(session)", "crash_free_rate(user)")
    ]
    if any(len(column) != len(intervals) for column in columns):
        raise RowFault("the series has another length than the intervals")
    found = []
    for at, *values in zip(intervals, *columns, strict=True):
        sessions, users, free, free_users = (_number(value) for value in values)
        if not sessions and not users:
            continue
        ran, people = round(sessions or 0), None if users is None else round(users)
        for rate in (free, free_users):
            if rate is not None and not 0 <= rate <= 1:
                raise RowFault(f"the crash-free rate {rate} is no share")
        found.append(
            DailySessionsRecord(
                day=from_iso(at).date(),
                version=version,
                sessions=ran,
                users=people,
                crashed_sessions=None if free is None else round(ran * (1 - free)),
                crashed_users=None if free_users is None or people is None else round(people * (1 - free_users)),
                crash_free_sessions=free,
                crash_free_users=free_users,
                zone="UTC",
            )
        )
    return found


def _together(one: DailySessionsRecord, two: DailySessionsRecord) -> DailySessionsRecord:
    ran = (one.sessions or 0) + (two.sessions or 0)
    crashed = None
    if one.crashed_sessions is not None and two.crashed_sessions is not None:
        crashed = one.crashed_sessions + two.crashed_sessions
    return DailySessionsRecord(
        day=one.day,
        version=one.version,
        sessions=ran,
        crashed_sessions=crashed,
        crash_free_sessions=1 - crashed / ran if crashed is not None and ran else None,
        zone="UTC",
    )


def issue_record(row: Any) -> CrashIssueRecord:
    """Read an issue. Raises RowFault where it has no id or no moment that can be read."""
    if not isinstance(row, dict) or not sound(row.get("id")):
        raise RowFault("the issue has no id")
    url = sound(row.get("permalink"))
    return CrashIssueRecord(
        external_id=sound(row["id"]),
        kind=kind_of(row),
        title=sound(row.get("title")),
        subtitle=sound(row.get("culprit")),
        first_version=_release(row.get("firstRelease")),
        last_version=_release(row.get("lastRelease")),
        first_seen_at=from_iso(row.get("firstSeen")),
        last_seen_at=from_iso(row.get("lastSeen")),
        state=STATES.get(sound(row.get("status")), ""),
        url=url if url.startswith(("https://", "http://")) else None,
    )


def kind_of(row: Mapping[str, Any]) -> CrashKind:
    """Tell an ANR, a hang and a crash from an error that the app survived."""
    metadata = row.get("metadata")
    what = sound(metadata.get("type") if isinstance(metadata, dict) else "") or sound(row.get("title"))
    if "ApplicationNotResponding" in what or what.startswith("ANR"):
        return "anr"
    if "App Hang" in what or "AppHang" in what:
        return "hang"
    return "crash" if row.get("level") == "fatal" or row.get("isUnhandled") is True else "error"


def issue_days(row: Mapping[str, Any], issue: CrashIssueRecord) -> list[DailyCrashesRecord]:
    """Read an issue's events by day (UTC), as far back as Sentry tells them; hours of a day add up."""
    stats = row.get("stats")
    days: dict[Any, int] = {}
    for series in stats.values() if isinstance(stats, dict) else ():
        for pair in series if isinstance(series, list) else ():
            if not isinstance(pair, list) or len(pair) != 2 or not all(type(each) is int for each in pair):
                raise RowFault("the days of the issue cannot be read")
            day = plausible(datetime.fromtimestamp(pair[0], UTC)).date()
            days[day] = days.get(day, 0) + pair[1]
    return [DailyCrashesRecord(day, count, issue.kind, issue=issue.external_id) for day, count in days.items() if count]


def _release(told: Any) -> str:
    return version_of(sound(told.get("version"))) if isinstance(told, dict) else ""


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124  NaN
        raise RowFault(f"{str(value)[:20]!r} is no figure")
    return float(value)

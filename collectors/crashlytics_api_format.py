"""What the Crashlytics API answers, read into records. Pure: no HTTP."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from collectors.values import RowFault, from_iso, quarantine, sound
from models.records import (
    CrashIssueRecord,
    CrashKind,
    DailyCrashesRecord,
    DailySessionsRecord,
    IssueState,
    QuarantinedRow,
)

STATES: dict[str, IssueState] = {"OPEN": "open", "CLOSED": "resolved", "MUTED": "ignored"}
ERRORS: dict[str, CrashKind] = {"FATAL": "crash", "ANR": "anr", "NON_FATAL": "error"}


def read_versions(
    groups: Sequence[Mapping[str, Any]], kind: CrashKind, zone: ZoneInfo, bad: list[QuarantinedRow]
) -> tuple[list[DailyCrashesRecord], list[DailySessionsRecord]]:
    """Read topVersions by day: events, and for crashes the sessions and users that they are a share of.

    Builds of one version are one: events and sessions add up, users do not.
    """
    crashes: dict[tuple[date, str], DailyCrashesRecord] = {}
    sessions: dict[tuple[date, str], DailySessionsRecord] = {}
    for group in groups:
        try:
            version = sound((group.get("version") or {}).get("displayVersion"))
            if not version:
                raise RowFault("the group names no version")  # noqa: TRY301
            for metrics in group.get("metrics") or []:
                day = _day(metrics, zone)
                key, before = (day, version), crashes.get((day, version))
                events, users = _count(metrics, "eventsCount") or 0, _count(metrics, "impactedUsersCount")
                crashes[key] = DailyCrashesRecord(
                    day,
                    events + (before.events if before else 0),
                    kind,
                    version,
                    users=None if before else users,
                )
                if kind == "crash" and (ran := _sessions(metrics, day, version)) is not None:
                    sessions[key] = _together(sessions[key], ran) if key in sessions else ran
        except (RowFault, AttributeError, TypeError) as fault:
            bad.append(quarantine(dict(group), str(fault)))
    return list(crashes.values()), list(sessions.values())


def _sessions(metrics: Mapping[str, Any], day: date, version: str) -> DailySessionsRecord | None:
    sessions, users = _count(metrics, "totalSessionsCount"), _count(metrics, "totalUsersCount")
    if sessions is None and users is None:
        return None
    crashed, hit = _count(metrics, "impactedSessionsCount"), _count(metrics, "impactedUsersCount")
    if sessions is not None and (crashed or 0) > sessions:
        raise RowFault("more sessions crashed than there were")
    # Google leaves out what is zero.
    crashed, hit = crashed or 0, hit or 0
    return DailySessionsRecord(
        day=day,
        version=version,
        sessions=sessions,
        users=users,
        crashed_sessions=crashed if sessions is not None else None,
        crashed_users=hit if users is not None else None,
        crash_free_sessions=_share(metrics, "crashFreeSessionsPercentage", crashed, sessions),
        crash_free_users=_share(metrics, "crashFreeUsersPercentage", hit, users),
    )


def _share(metrics: Mapping[str, Any], name: str, hit: int, total: int | None) -> float | None:
    """The share that is told as a percentage, or that follows from its counts."""
    told = metrics.get(name)
    if isinstance(told, int | float) and not isinstance(told, bool):
        if not 0 <= told <= 100:
            raise RowFault(f"{name} is {told}, no percentage")
        return float(told) / 100
    return 1 - min(hit / total, 1.0) if total else None


def _together(one: DailySessionsRecord, two: DailySessionsRecord) -> DailySessionsRecord:
    ran = (one.sessions or 0) + (two.sessions or 0)
    crashed = (one.crashed_sessions or 0) + (two.crashed_sessions or 0)
    return DailySessionsRecord(
        one.day,
        one.version,
        sessions=ran or None,
        crashed_sessions=crashed if ran else None,
        crash_free_sessions=1 - crashed / ran if ran else None,
    )


def read_issues(
    groups: Sequence[Mapping[str, Any]], kind: CrashKind, zone: ZoneInfo, bad: list[QuarantinedRow]
) -> tuple[list[CrashIssueRecord], list[DailyCrashesRecord]]:
    """Read topIssues by day."""
    issues: list[CrashIssueRecord] = []
    crashes: list[DailyCrashesRecord] = []
    for group in groups:
        try:
            issue = _issue(group.get("issue") or {}, kind)
            told = [
                DailyCrashesRecord(
                    _day(metrics, zone),
                    _count(metrics, "eventsCount") or 0,
                    issue.kind,
                    issue=issue.external_id,
                    users=_count(metrics, "impactedUsersCount"),
                )
                for metrics in group.get("metrics") or []
            ]
        except (RowFault, AttributeError, TypeError) as fault:
            bad.append(quarantine(dict(group), str(fault)))
            continue
        issues.append(issue)
        crashes += [row for row in told if row.events]
    return issues, crashes


def _issue(told: Mapping[str, Any], kind: CrashKind) -> CrashIssueRecord:
    name = sound(told.get("id")) or sound(told.get("name")).rpartition("/")[2]
    if not name:
        raise RowFault("the issue has no id")
    url = sound(told.get("uri"))
    return CrashIssueRecord(
        external_id=name,
        kind=ERRORS.get(sound(told.get("errorType")), kind),
        title=sound(told.get("title")),
        subtitle=sound(told.get("subtitle")),
        first_version=_version(told.get("firstSeenVersion")),
        last_version=_version(told.get("lastSeenVersion")),
        first_seen_at=_moment(told.get("firstSeenTime")),
        last_seen_at=_moment(told.get("lastSeenTime")),
        state=STATES.get(sound(told.get("state")), ""),
        url=url if url.startswith("https://") else None,
    )


def _version(told: Any) -> str:
    """The version without its build: "1.2.3 (456)" is 1.2.3."""
    return sound(told).partition(" (")[0]


def _count(metrics: Mapping[str, Any], name: str) -> int | None:
    """A count, which Google writes as text; None where it is not told."""
    told = metrics.get(name)
    if told is None:
        return None
    text = sound(told)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise RowFault(f"{name} is {text[:20]!r}, no count")
    return int(text)


def _day(metrics: Mapping[str, Any], zone: ZoneInfo) -> date:
    """The local day in which the grain begins, whether it begins at the local midnight or at UTC's."""
    moment = _moment(metrics.get("startTime"))
    if moment is None:
        raise RowFault("the figures name no day")
    return moment.astimezone(zone).date()


def _moment(told: Any) -> datetime | None:
    return from_iso(told) if told else None

"""The questions that are put to a Crashlytics export, in BigQuery's SQL; exported files are asked the very same.

Source: Firebase, "Crashlytics BigQuery dataset schema", and the columns of real exported tables where they differ.
Only columns named here are read: users, custom keys, logs and breadcrumbs stay where they are.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from collectors.base import Page
from collectors.values import RowFault, plausible, quarantine, sound
from models.records import (
    CrashIssueRecord,
    CrashKind,
    DailyCrashesRecord,
    DailySessionsRecord,
    QuarantinedRow,
    ReplacedDays,
)

EVENT_COLUMNS = {
    "event_id": "STRING",
    "error_type": "STRING",
    "is_fatal": "BOOL",
    "issue_id": "STRING",
    "issue_title": "STRING",
    "issue_subtitle": "STRING",
    "event_timestamp": "TIMESTAMP",
    "received_timestamp": "TIMESTAMP",
    "application.display_version": "STRING",
    "installation_uuid": "STRING",
    "firebase_session_id": "STRING",
}
SESSION_COLUMNS = {
    "session_id": "STRING",
    "instance_id": "STRING",
    "event_timestamp": "TIMESTAMP",
    "application.display_version": "STRING",
}
NEEDED_EVENTS = ("event_id", "event_timestamp")
NEEDED_SESSIONS = ("session_id", "event_timestamp")
KINDS: dict[str, CrashKind] = {"FATAL": "crash", "ANR": "anr", "NON_FATAL": "error"}


Days = Sequence[tuple[date, datetime, datetime]]
"""Local days, each with the moments (UTC) when it begins and ends."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as SQL spells it, its columns, and whether it is the live one (its rows give way to the batch)."""

    name: str
    columns: frozenset[str]
    live: bool = False


def span(first: date, last: date, zone: ZoneInfo) -> Days:
    """Return the days from `first` to `last` with the moments (UTC) when each begins and ends in `zone`."""
    found = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        begins = datetime.combine(day, time(), zone).astimezone(UTC)
        found.append((day, begins, datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)))
    return found


def read_days(
    ask: Callable[[str], Sequence[Mapping[str, Any]]],
    first: date,
    last: date,
    zone: ZoneInfo,
    events: Collection[Table],
    sessions: Collection[Table],
) -> Page:
    """Ask an export for all figures of the days from `first` to `last`, with sessions where it has tables of them."""
    days = span(first, last, zone)
    issues, crashes, bad = read_crashes(ask(crashes_sql(days, events)))
    replaced = [ReplacedDays(first, last, "crashes"), ReplacedDays(first, last, "issues")]
    ran: list[DailySessionsRecord] = []
    worse: list[QuarantinedRow] = []
    if sessions:
        ran, worse = read_sessions(ask(sessions_sql(days, sessions, events)))
        replaced.append(ReplacedDays(first, last, "sessions"))
    return Page(
        crash_issues=tuple(issues),
        daily_crashes=tuple(crashes),
        daily_sessions=tuple(ran),
        replaced=tuple(replaced),
        quarantined=(*bad, *worse),
        reaches=days[0][1],
    )


def crashes_sql(days: Days, events: Collection[Table]) -> str:
    """Ask for events, people and sessions by day and kind, each also by version, by issue, and by both."""
    return f"""WITH {_days(days)}, {_events(days, events)}
SELECT
  d.day AS day, e.kind AS kind, e.version AS version, e.issue_id AS issue_id,
  GROUPING(e.version) AS all_versions, GROUPING(e.issue_id) AS all_issues,
  COUNT(*) AS events, COUNT(DISTINCT e.installation) AS users,
  MAX(e.title) AS title, MAX(e.subtitle) AS subtitle,
  UNIX_MICROS(MIN(e.event_timestamp)) AS first_seen, UNIX_MICROS(MAX(e.event_timestamp)) AS last_seen
FROM events AS e JOIN days AS d ON e.event_timestamp >= d.begins AND e.event_timestamp < d.ends
GROUP BY GROUPING SETS (
  (d.day, e.kind), (d.day, e.kind, e.version), (d.day, e.kind, e.issue_id), (d.day, e.kind, e.version, e.issue_id)
)
ORDER BY day, kind, all_versions, version, all_issues, issue_id"""


def sessions_sql(days: Days, sessions: Collection[Table], events: Collection[Table]) -> str:
    """Ask for sessions and people by day and by version, and how many of them met a crash or an ANR.

    A session counts on the day it began. Crashes of sessions that are not in the export (sampled out, too old) are in
    no share: numerator and denominator are the same sessions.
    """
    return f"""WITH {_days(days)}, {_events(days, events)},
told AS ({_told(days, sessions, SESSION_COLUMNS)}),
sessions AS (
  SELECT session_id, MIN(event_timestamp) AS begun, MAX(instance_id) AS instance,
    COALESCE(MAX(application_display_version), '') AS version
  FROM told WHERE session_id IS NOT NULL GROUP BY session_id
),
hurt AS (
  SELECT session, MAX(CASE WHEN kind = 'FATAL' THEN 1 ELSE 0 END) AS crashed,
    MAX(CASE WHEN kind = 'ANR' THEN 1 ELSE 0 END) AS hung
  FROM events WHERE session IS NOT NULL GROUP BY session
)
SELECT
  d.day AS day, s.version AS version, GROUPING(s.version) AS all_versions,
  COUNT(*) AS sessions, COUNT(DISTINCT s.instance) AS users,
  SUM(COALESCE(h.crashed, 0)) AS crashed_sessions,
  COUNT(DISTINCT CASE WHEN h.crashed = 1 THEN s.instance END) AS crashed_users,
  COUNT(DISTINCT CASE WHEN h.hung = 1 THEN s.instance END) AS hung_users
FROM sessions AS s
JOIN days AS d ON s.begun >= d.begins AND s.begun < d.ends
LEFT JOIN hurt AS h ON h.session = s.session_id
GROUP BY GROUPING SETS ((d.day), (d.day, s.version))
ORDER BY day, all_versions, version"""


def _days(days: Days) -> str:
    """The days with their moments, so that the question needs no time zone and a day of 23 hours is one."""
    rows = ", ".join(
        f"STRUCT(DATE '{day}' AS day, {_moment(begins)} AS begins, {_moment(ends)} AS ends)"
        for day, begins, ends in days
    )
    return f"days AS (SELECT u.day AS day, u.begins AS begins, u.ends AS ends FROM UNNEST([{rows}]) AS u)"


def _moment(moment: datetime) -> str:
    return f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}+00:00'"


def _told(days: Days, tables: Collection[Table], columns: Mapping[str, str]) -> str:
    """The rows of the tables in those days; a column that a table does not have is NULL."""

    def column(table: Table, name: str, kind: str) -> str:
        known = name if name.partition(".")[0] in table.columns else f"CAST(NULL AS {kind})"
        return f"{known} AS {name.replace('.', '_')}"

    # A day more at the end: a session that began before midnight may crash after it.
    begins, ends = _moment(days[0][1]), _moment(days[-1][2] + timedelta(days=1))
    return " UNION ALL ".join(
        f"SELECT {', '.join(column(table, name, kind) for name, kind in columns.items())}, {int(table.live)} AS live "
        f"FROM {table.name} WHERE event_timestamp >= {begins} AND event_timestamp < {ends}"
        for table in tables
    )


def _events(days: Days, tables: Collection[Table]) -> str:
    """Each event once: the batch table and the live one overlap, and each may repeat a row."""
    return f"""raw_events AS ({_told(days, tables, EVENT_COLUMNS)}),
events AS (
  SELECT event_id, event_timestamp, issue_id, issue_title AS title, issue_subtitle AS subtitle,
    COALESCE(error_type, CASE WHEN is_fatal THEN 'FATAL' ELSE 'NON_FATAL' END) AS kind,
    COALESCE(application_display_version, '') AS version, installation_uuid AS installation,
    firebase_session_id AS session
  FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY live, received_timestamp DESC) AS place
    FROM raw_events
  ) AS numbered WHERE place = 1
)"""


def read_crashes(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[list[CrashIssueRecord], list[DailyCrashesRecord], list[QuarantinedRow]]:
    """Read the answer of `crashes_sql`: issues with their first and last version, and daily figures."""
    issues: dict[str, CrashIssueRecord] = {}
    crashes: list[DailyCrashesRecord] = []
    bad: list[QuarantinedRow] = []
    for row in rows:
        try:
            record = _crashes(row)
            if record is not None:
                crashes.append(record)
                if record.issue:
                    _learn(issues, row, record)
        except RowFault as fault:
            bad.append(quarantine(dict(row), str(fault)))
    return list(issues.values()), crashes, bad


def _crashes(row: Mapping[str, Any]) -> DailyCrashesRecord | None:
    """Read one row; None for one of events without a version or an issue: those are in the totals only."""
    kind = KINDS.get(sound(row.get("kind")))
    if kind is None:
        raise RowFault(f"the kind of error {sound(row.get('kind'))[:40]!r} is not known")
    version, issue = sound(row.get("version")), sound(row.get("issue_id"))
    every_version, every_issue = bool(_count(row, "all_versions")), bool(_count(row, "all_issues"))
    if (not every_version and not version) or (not every_issue and not issue):
        return None
    return DailyCrashesRecord(
        day=_day(row),
        events=_count(row, "events"),
        kind=kind,
        version="" if every_version else version,
        issue="" if every_issue else issue,
        users=_count(row, "users") or None,
    )


def _learn(issues: dict[str, CrashIssueRecord], row: Mapping[str, Any], told: DailyCrashesRecord) -> None:
    """Know an issue's first and last moment, and the versions that had it then."""
    first, last = _seen(row, "first_seen"), _seen(row, "last_seen")
    known = issues.get(told.issue) or CrashIssueRecord(told.issue, told.kind)
    known = replace(
        known,
        title=sound(row.get("title")) or known.title,
        subtitle=sound(row.get("subtitle")) or known.subtitle,
    )
    # The rows of all versions tell the moments; those of one version tell whose moment it was.
    if known.first_seen_at is None or first < known.first_seen_at:
        known = replace(known, first_seen_at=first, first_version="")
    if known.last_seen_at is None or last > known.last_seen_at:
        known = replace(known, last_seen_at=last, last_version="")
    if told.version and first == known.first_seen_at and not known.first_version:
        known = replace(known, first_version=told.version)
    if told.version and last == known.last_seen_at and not known.last_version:
        known = replace(known, last_version=told.version)
    issues[told.issue] = known


def read_sessions(rows: Sequence[Mapping[str, Any]]) -> tuple[list[DailySessionsRecord], list[QuarantinedRow]]:
    """Read the answer of `sessions_sql`."""
    found: list[DailySessionsRecord] = []
    bad: list[QuarantinedRow] = []
    for row in rows:
        try:
            record = _sessions(row)
        except RowFault as fault:
            bad.append(quarantine(dict(row), str(fault)))
            continue
        if record is not None:
            found.append(record)
    return found, bad


def _sessions(row: Mapping[str, Any]) -> DailySessionsRecord | None:
    """Read one row; None for one of sessions without a version: those are in the totals only."""
    version, every = sound(row.get("version")), bool(_count(row, "all_versions"))
    if not every and not version:
        return None
    sessions, users = _count(row, "sessions"), _count(row, "users")
    crashed, hit, hung = (_count(row, name) for name in ("crashed_sessions", "crashed_users", "hung_users"))
    if crashed > sessions or max(hit, hung) > users:
        raise RowFault("more sessions or people crashed than there were")
    return DailySessionsRecord(
        day=_day(row),
        version="" if every else version,
        sessions=sessions,
        users=users or None,
        crashed_sessions=crashed,
        crashed_users=hit if users else None,
        crash_free_sessions=1 - crashed / sessions if sessions else None,
        crash_free_users=1 - hit / users if users else None,
        anr_free_users=1 - hung / users if users else None,
    )


def _day(row: Mapping[str, Any]) -> date:
    told = row.get("day")
    if isinstance(told, date):
        return told
    try:
        return date.fromisoformat(sound(told))
    except ValueError as error:
        raise RowFault(f"the day {sound(told)[:20]!r} cannot be read") from error


def _count(row: Mapping[str, Any], name: str) -> int:
    text = sound(row.get(name))
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise RowFault(f"{name} is {text[:20]!r}, no count")
    return int(text)


def _seen(row: Mapping[str, Any], name: str) -> datetime:
    """A moment that the question gives in microseconds since 1970, which every engine writes in one way."""
    try:
        return plausible(datetime.fromtimestamp(_count(row, name) / 1e6, UTC), name)
    except (OverflowError, OSError) as error:
        raise RowFault(f"{name} is no moment") from error

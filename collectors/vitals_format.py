"""What the Play Developer Reporting API answers, read into records. Pure: no HTTP."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from collectors.base import SourceError
from collectors.values import RowFault, plausible, quarantine, sound
from models.records import (
    CrashIssueRecord,
    CrashKind,
    DailyCrashesRecord,
    DailySessionsRecord,
    QuarantinedRow,
    SignalRecord,
)

ZONE = "America/Los_Angeles"
KINDS: dict[str, CrashKind] = {
    "CRASH": "crash",
    "APPLICATION_NOT_RESPONDING": "anr",
    "ANR": "anr",
    "NON_FATAL": "error",
}
_DEFAULT_NAME = re.compile(r"\d+ \((.+)\)")
"""How the console names a release by itself: "720 (7.2.0)"."""


@dataclass(slots=True)
class VersionNames:
    """The names of version codes; codes without one are kept in brackets, as what they are."""

    known: dict[str, str]
    unknown: set[str] = field(default_factory=set)

    def of(self, code: str) -> str:
        """Return the name that customers know."""
        if code in self.known:
            return self.known[code]
        self.unknown.add(code)
        return f"({code})"

    def unknown_note(self) -> list[str]:
        """One sentence on the codes without a name, once."""
        codes, self.unknown = sorted(self.unknown), set()
        if not codes:
            return []
        shown = ", ".join(codes[:5]) + ("…" if len(codes) > 5 else "")
        return [f"Play no longer names the version codes {shown}: the setting versions can (code=name)"]


def read_names(document: Mapping[str, Any]) -> dict[str, str]:
    """Read fetchReleaseFilterOptions: the name of each version code that Play serves."""
    found: dict[str, str] = {}
    for track in rows_of(document, "tracks"):
        for release in rows_of(track, "servingReleases"):
            name = sound(release.get("displayName"))
            matched = _DEFAULT_NAME.fullmatch(name)
            for code in release.get("versionCodes") or []:
                if name:
                    found.setdefault(sound(code), matched[1] if matched else name)
    return found


def rows_of(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects of an answer; Google leaves out what is empty. Raises SourceError(format)."""
    rows = document.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceError(f"Play's answer holds no list of {name}: its format has changed.", "format")
    return rows


def freshness(document: Mapping[str, Any]) -> date:
    """Read the last day that is finished: the end of the newest data is exclusive. Raises SourceError(format)."""
    info = document.get("freshnessInfo")
    for each in rows_of(info if isinstance(info, dict) else {}, "freshnesses"):
        if each.get("aggregationPeriod") == "DAILY":
            try:
                ends = day_of(each.get("latestEndTime"))
                return date.fromordinal(ends.toordinal() - 1)
            except (RowFault, ValueError) as fault:
                raise SourceError(
                    f"Play does not say up to when its vitals are finished: {fault}.", "format"
                ) from fault
    raise SourceError("Play does not say up to when its vitals are finished.", "format")


def day_of(told: Any) -> date:
    """Read a google.type.DateTime as a day. Raises RowFault."""
    try:
        return date(int(told["year"]), int(told["month"]), int(told["day"]))
    except (TypeError, KeyError, ValueError) as error:
        raise RowFault("the row has no day that can be read") from error


@dataclass(frozen=True, slots=True)
class _Cell:
    """One row of a metric set: its day, its dimensions and its metrics as numbers."""

    day: date
    dimensions: dict[str, str]
    metrics: dict[str, float]


def _cell(row: Mapping[str, Any]) -> _Cell:
    dimensions = {}
    for each in row.get("dimensions") or []:
        told = each.get("int64Value", each.get("stringValue"))
        dimensions[sound(each.get("dimension"))] = sound(told)
    metrics = {}
    for each in row.get("metrics") or []:
        value = (each.get("decimalValue") or {}).get("value")
        if value is not None:
            metrics[sound(each.get("metric"))] = _decimal(value)
    return _Cell(day_of(row.get("startTime")), dimensions, metrics)


def _decimal(value: Any) -> float:
    text = sound(value) or "0"
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text):
        raise RowFault(f"the figure {text[:20]!r} is no number")
    return float(text)


def _share(metrics: Mapping[str, float], name: str) -> float | None:
    rate = metrics.get(name)
    if rate is None:
        return None
    if not 0 <= rate <= 1:
        raise RowFault(f"the {name} {rate} is no share of users")
    return 1 - rate


def _cells(rows: Sequence[Mapping[str, Any]], bad: list[QuarantinedRow]) -> list[_Cell]:
    found = []
    for row in rows:
        try:
            found.append(_cell(row))
        except (RowFault, AttributeError, TypeError) as fault:
            bad.append(quarantine(dict(row), str(fault)))
    return found


def read_rates(
    days: Sequence[date],
    crash_rows: Sequence[Mapping[str, Any]],
    anr_rows: Sequence[Mapping[str, Any]],
    names: VersionNames,
    bad: list[QuarantinedRow],
) -> list[DailySessionsRecord]:
    """Read crash and ANR rates by day and version. A day without a rate is withheld: Play hides what few people met."""
    crash = _by_key(_cells(crash_rows, bad), "crashRate", names, bad)
    anr = _by_key(_cells(anr_rows, bad), "anrRate", names, bad)
    found = []
    for day, version in sorted({(day, "") for day in days} | set(crash) | set(anr)):
        if not days[0] <= day <= days[-1]:
            continue
        users, free = crash.get((day, version), (None, None))
        anr_users, anr_free = anr.get((day, version), (None, None))
        found.append(
            DailySessionsRecord(
                day=day,
                version=version,
                users=users if users is not None else anr_users,
                users_rounded=True,
                crash_free_users=free,
                anr_free_users=anr_free,
                withheld=free is None,
                zone=ZONE,
            )
        )
    return found


def _by_key(
    cells: Sequence[_Cell], metric: str, names: VersionNames, bad: list[QuarantinedRow]
) -> dict[tuple[date, str], tuple[int | None, float | None]]:
    """Users and share without, by day and version. Several codes of one version share a weighted rate, no users."""
    parts: dict[tuple[date, str], list[tuple[int | None, float | None]]] = {}
    for cell in cells:
        code = cell.dimensions.get("versionCode")
        version = names.of(code) if code else ""
        try:
            free = _share(cell.metrics, metric)
        except RowFault as fault:
            told = {"day": str(cell.day), **cell.dimensions, **cell.metrics}
            bad.append(quarantine(told, str(fault)))
            continue
        users = cell.metrics.get("distinctUsers")
        parts.setdefault((cell.day, version), []).append((None if users is None else round(users), free))
    return {key: told[0] if len(told) == 1 else (None, _weighted(told)) for key, told in parts.items()}


def _weighted(parts: Sequence[tuple[int | None, float | None]]) -> float | None:
    """The mean of the shares by their users: one person may be in two of them, so the users have no sum to show."""
    if any(free is None or users is None for users, free in parts):
        return None
    weight = sum(users or 0 for users, _ in parts)
    return sum((users or 0) * (free or 0.0) for users, free in parts) / weight if weight else None


def read_counts(
    rows: Sequence[Mapping[str, Any]], names: VersionNames, bad: list[QuarantinedRow]
) -> list[DailyCrashesRecord]:
    """Read error counts by day and kind, and by version or issue where asked so."""
    found: dict[tuple[date, str, str, str], DailyCrashesRecord] = {}
    for cell in _cells(rows, bad):
        kind = KINDS.get(cell.dimensions.get("reportType", ""))
        if kind is None:
            told = {"day": str(cell.day), **cell.dimensions}
            bad.append(quarantine(told, f"the kind of error {cell.dimensions.get('reportType', '')!r} is not known"))
            continue
        code, issue = cell.dimensions.get("versionCode"), cell.dimensions.get("issueId", "")
        version = names.of(code) if code else ""
        users = cell.metrics.get("distinctUsers")
        key = (cell.day, version, issue, kind)
        before = found.get(key)
        found[key] = DailyCrashesRecord(
            day=cell.day,
            events=round(cell.metrics.get("errorReportCount", 0.0)) + (before.events if before else 0),
            kind=kind,
            version=version,
            issue=issue,
            # Two codes of one version: their people may be the same.
            users=None if users is None or before else round(users),
        )
    return list(found.values())


def issue_records(
    rows: Sequence[Mapping[str, Any]], names: VersionNames, bad: list[QuarantinedRow]
) -> list[CrashIssueRecord]:
    """Read the groups of errors with their first and last version in the days that were asked."""
    found = []
    for row in rows:
        kind, name = KINDS.get(sound(row.get("type"))), sound(row.get("name")).rpartition("/")[2]
        if kind is None or not name:
            bad.append(quarantine(dict(row), "the issue has no name or no kind that is known"))
            continue
        try:
            last = _moment(row.get("lastErrorReportTime"))
        except RowFault as fault:
            bad.append(quarantine(dict(row), str(fault)))
            continue
        url = sound(row.get("issueUri"))
        found.append(
            CrashIssueRecord(
                external_id=name,
                kind=kind,
                title=sound(row.get("location")) or sound(row.get("cause")),
                subtitle=sound(row.get("cause")),
                first_version=_version(row.get("firstAppVersion"), names),
                last_version=_version(row.get("lastAppVersion"), names),
                last_seen_at=last,
                url=url if url.startswith("https://") else None,
            )
        )
    return found


def _version(told: Any, names: VersionNames) -> str:
    code = sound(told.get("versionCode")) if isinstance(told, dict) else ""
    return names.of(code) if code else ""


def _moment(told: Any) -> datetime | None:
    if not told:
        return None
    try:
        return plausible(datetime.fromisoformat(sound(told)).astimezone(UTC))
    except ValueError as error:
        raise RowFault("the time of the last report cannot be read") from error


def anomalies(rows: Sequence[Mapping[str, Any]], names: VersionNames) -> list[SignalRecord]:
    """Read what Play itself calls anomalous; rows without a name or a day say nothing and are left out."""
    found = []
    for row in rows:
        name, metric = sound(row.get("name")), row.get("metric") or {}
        spec = row.get("timelineSpec") or {}
        try:
            day = day_of(spec.get("startTime"))
            value = _decimal((metric.get("decimalValue") or {}).get("value"))
        except (RowFault, AttributeError):
            continue
        where = row.get("dimensions") or []
        code = next((sound(each.get("int64Value")) for each in where if each.get("dimension") == "versionCode"), "")
        found.append(
            SignalRecord(
                external_id=name.rpartition("/")[2],
                kind="anomaly",
                at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
                title=f"{sound(metric.get('metric'))}: {value:.4g}",
                version=names.of(code) if code else "",
            )
        )
    return [each for each in found if each.external_id]

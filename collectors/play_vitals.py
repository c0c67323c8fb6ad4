"""Play vitals: the share of users who met a crash or an ANR, error counts and issues, as Android measures them.

Source: Google, Play Developer Reporting API v1beta1. Days are those of Los Angeles (the only ones there are), versions
are version codes, users are rounded, and what too few people met is withheld.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from typing import Any

from collectors.access import get_json, post_json, reworded, safe_url, said
from collectors.base import Page, Probe, SourceError
from collectors.google_access import GoogleToken, read_service_account
from collectors.http import Http, Walk, host_of
from collectors.play_format import package_name
from collectors.vitals_format import (
    ZONE,
    VersionNames,
    anomalies,
    freshness,
    issue_records,
    read_counts,
    read_names,
    read_rates,
    rows_of,
)
from models.records import CrashIssueRecord, DailyCrashesRecord, QuarantinedRow, ReplacedDays, SignalRecord

PLAY_REPORTING = "https://playdeveloperreporting.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/playdeveloperreporting"
PAGE_ROWS = 10_000
MOST_PAGES = 200
FIRST_DAYS, LATER_DAYS = 7, 28
RIGHT = "View app information and download bulk reports (read-only)"


@dataclass(slots=True)
class _Walk:
    """What one walk knows: its names of versions, and the days that Play has finished."""

    walk: Walk
    names: VersionNames
    last: date
    notes: list[str] = field(default_factory=list)


class PlayVitals:
    """The vitals of one app, from the newest finished day back `days`.

    `versions` names version codes that Play no longer serves ("700": "7.0.0"); others stay codes, in brackets.
    """

    kind = "play_vitals"

    def __init__(
        self,
        app_id: str,
        key_file: str,
        base_url: str = PLAY_REPORTING,
        *,
        http: Http,
        days: int = 90,
        versions: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app_id = package_name(app_id)
        self._base = safe_url(base_url, "address of the Play Developer Reporting API") + f"/v1beta1/apps/{self.app_id}"
        self._account = read_service_account(key_file)
        self._token = GoogleToken(self._account, SCOPE, clock)
        self._http = http
        self._days = max(FIRST_DAYS, min(days, 1000))
        self._versions = dict(versions or {})

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of days from the newest finished one backwards, or from the day before `resume`.

        Raises SourceError: refused with the right that is missing, gone, throttled, unreachable, format.
        """
        with self._http.walk() as walk:
            state = self._begin(walk)
            oldest = state.last - timedelta(days=self._days - 1)
            last = date.fromisoformat(resume) - timedelta(days=1) if resume else state.last
            first_page = resume is None
            while last >= oldest:
                first = max(last - timedelta(days=(FIRST_DAYS if first_page else LATER_DAYS) - 1), oldest)
                page = self._page(state, first, last, signals=first_page)
                done = first == oldest
                yield replace(
                    page,
                    until=_noon(state.last),
                    resume=None if done else first.isoformat(),
                    end="source_limit" if done else None,
                    progress=((state.last - first).days + 1) / self._days,
                )
                last, first_page = first - timedelta(days=1), False

    def probe(self) -> list[Probe]:
        """Exchange the key, then ask how fresh the vitals are: two rights, told apart."""
        name = "Play vitals"
        with self._http.walk() as walk:

            def ask() -> str:
                return f"The newest finished day is {self._freshness(walk)} (Los Angeles)."

            return self._token.probe_both(walk, f"{name}: key", f"{name}: {self.app_id}", ask)

    def _begin(self, walk: Walk) -> _Walk:
        last = self._freshness(walk)
        state = _Walk(walk, VersionNames(dict(self._versions)), last)
        try:
            document, _ = get_json(walk, f"{self._base}:fetchReleaseFilterOptions", self._token, self._explain)
            state.names = VersionNames(read_names(document) | self._versions)
        except SourceError as error:
            if error.kind in {"throttled", "unreachable"}:
                raise
            state.notes.append(f"read without the names of versions: {error.message}")
        return state

    def _freshness(self, walk: Walk) -> date:
        document, _ = get_json(walk, f"{self._base}/crashRateMetricSet", self._token, self._explain)
        return freshness(document)

    def _page(self, state: _Walk, first: date, last: date, *, signals: bool) -> Page:
        bad: list[QuarantinedRow] = []

        def ask(metric_set: str, metrics: list[str], dimensions: list[str]) -> list[dict[str, Any]]:
            return self._query(state.walk, metric_set, metrics, dimensions, first, last)

        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        crash, anr = ["crashRate", "distinctUsers"], ["anrRate", "distinctUsers"]
        sessions = read_rates(
            days,
            ask("crashRateMetricSet", crash, []) + ask("crashRateMetricSet", crash, ["versionCode"]),
            ask("anrRateMetricSet", anr, []) + ask("anrRateMetricSet", anr, ["versionCode"]),
            state.names,
            bad,
        )
        counts: list[DailyCrashesRecord] = []
        for more in ([], ["versionCode"], ["issueId"]):
            rows = ask("errorCountMetricSet", ["errorReportCount", "distinctUsers"], ["reportType", *more])
            counts += read_counts(rows, state.names, bad)
        issues = _dated(issue_records(self._issues(state.walk, first, last), state.names, bad), counts)
        told: list[SignalRecord] = []
        if signals:
            told = self._anomalies(state, first)
        notes, state.notes = "; ".join([*state.notes, *state.names.unknown_note()]), []
        return Page(
            crash_issues=tuple(issues),
            daily_crashes=tuple(counts),
            daily_sessions=tuple(sessions),
            signals=tuple(told),
            replaced=tuple(ReplacedDays(first, last, part) for part in ("crashes", "issues", "sessions")),
            quarantined=tuple(bad),
            reaches=_noon(first),
            note=notes,
        )

    def _query(
        self, walk: Walk, metric_set: str, metrics: list[str], dimensions: list[str], first: date, last: date
    ) -> list[dict[str, Any]]:
        body: dict[str, Any] = {
            "timelineSpec": {
                "aggregationPeriod": "DAILY",
                "startTime": _google_day(first),
                "endTime": _google_day(last + timedelta(days=1)),
            },
            "metrics": metrics,
            "dimensions": dimensions,
            "pageSize": PAGE_ROWS,
        }
        rows: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            document = post_json(walk, f"{self._base}/{metric_set}:query", self._token, self._explain, body)
            rows += rows_of(document, "rows")
            token = document.get("nextPageToken")
            if not token:
                return rows
            if body.get("pageToken") == token:
                raise SourceError("Play sends the same page of vitals again and again.", "repeated")
            body["pageToken"] = token
        raise SourceError(f"Play's {metric_set} does not end after {MOST_PAGES} pages.", "repeated")

    def _issues(self, walk: Walk, first: date, last: date) -> list[dict[str, Any]]:
        """The groups of errors that were reported in these days, those with most reports first, a thousand at most."""
        params = {"pageSize": "1000", "orderBy": "errorReportCount desc"}
        for name, day in (("startTime", first), ("endTime", last + timedelta(days=1))):
            for part, value in _google_day(day).items():
                if part != "timeZone":
                    params[f"interval.{name}.{part}"] = str(value)
            params[f"interval.{name}.timeZone.id"] = ZONE
        document, _ = get_json(walk, f"{self._base}/errorIssues:search", self._token, self._explain, params)
        return rows_of(document, "errorIssues")

    def _anomalies(self, state: _Walk, first: date) -> list[SignalRecord]:
        params = {"filter": f'activeBetween("{first}T00:00:00Z", UNBOUNDED)', "pageSize": "100"}
        try:
            document, _ = get_json(state.walk, f"{self._base}/anomalies", self._token, self._explain, params)
        except SourceError as error:
            if error.kind in {"throttled", "unreachable"}:
                raise
            state.notes.append(f"read without anomalies: {error.message}")
            return []
        return anomalies(rows_of(document, "anomalies"), state.names)

    def _explain(self, error: SourceError) -> SourceError:
        """Say a refusal in words that name the right which is missing."""
        who = self._account.email
        if error.status == 401:
            return reworded(error, f"Google does not accept the token of {who} (answer 401).")
        if error.status == 429 or "RESOURCE_EXHAUSTED" in error.excerpt:
            throttled = reworded(error, "The quota of the Play Developer Reporting API is used up.", "throttled")
            throttled.retry_after = error.retry_after or self._http.pace.hold(host_of(self._base), None)
            return throttled
        if "SERVICE_DISABLED" in error.excerpt or "accessNotConfigured" in error.excerpt:
            text = "The Google Play Developer Reporting API is switched off in the project of the service account."
            return reworded(error, f"{text} Switch it on in Google Cloud, APIs and Services.")
        if error.status == 403:
            text = f"The service account {who} may not read the vitals of {self.app_id} (answer 403)"
            return reworded(error, f"{text}: give it the right “{RIGHT}” in the Play Console, Users and permissions.")
        if error.status == 404:
            return reworded(error, f"Google Play knows no app {self.app_id} in this developer account.")
        return error if error.status != 400 else self._not_taken(error)

    def _not_taken(self, error: SourceError) -> SourceError:
        return reworded(error, f"Play does not take the question: {said(error, 'message')[:300]}", "format")


def _google_day(day: date) -> dict[str, Any]:
    """A whole day as the API wants it: without hours, in its own zone."""
    return {"year": day.year, "month": day.month, "day": day.day, "timeZone": {"id": ZONE}}


def _noon(day: date) -> datetime:
    """A moment that is within the day of this date for every reader: Play's days keep their names here."""
    return datetime.combine(day, day_time(12), UTC)


def _dated(issues: list[CrashIssueRecord], counts: list[DailyCrashesRecord]) -> list[CrashIssueRecord]:
    """Give issues the first day that has reports of them: the API tells the last moment only."""
    days: dict[str, date] = {}
    for row in counts:
        if row.issue and row.events:
            days[row.issue] = min(row.day, days.get(row.issue, row.day))
    return [
        replace(each, first_seen_at=_noon(days[each.external_id])) if each.external_id in days else each
        for each in issues
    ]


def setting_of_versions(text: str) -> dict[str, str]:
    """Read the setting `versions` ("700=7.0.0, 710=7.1.0"). Raises ValueError."""
    found = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        matched = re.fullmatch(r"(\d{1,12})\s*=\s*(\S{1,60})", part)
        if matched is None:
            raise ValueError(f"versions are code=name with commas (700=7.0.0), not {part!r}")
        found[matched[1]] = matched[2]
    return found

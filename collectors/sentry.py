"""Sentry, hosted or self-hosted: release health by day and release, and issues by frequency.

Source: Sentry, API reference (sessions, issues), OpenAPI description 0.272. Days are UTC's. Pages are led by the cursor
of the Link header; its address is never followed, because it may name another host.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from collectors.access import read_key_file, reworded, safe_url, said
from collectors.base import Page, Probe, SourceError
from collectors.http import Answer, Http, Walk
from collectors.json_api import HeaderKey
from collectors.sentry_format import issue_days, issue_record, next_cursor, read_sessions
from collectors.values import RowFault, quarantine, sound
from models.records import CrashIssueRecord, DailyCrashesRecord, QuarantinedRow, ReplacedDays

SENTRY = "https://sentry.io"
FIRST_DAYS, LATER_DAYS = 7, 28
ISSUE_DAYS = 14
"""As far back as Sentry tells the days of an issue."""
ISSUE_PAGES = 5
DESCRIBED = 25
FIELDS = ("sum(session)", "count_unique(user)", "crash_free_rate(session)", "crash_free_rate(user)")


class Sentry:
    """One project of one organization. `environment` "" is all of them.

    Health comes by day and release. Issues are the 500 most frequent of the last 14 days with their days; the 25 most
    frequent are asked for their first and last release.
    """

    kind = "sentry"

    def __init__(
        self,
        organization: str,
        project: str,
        token_file: str,
        base_url: str = SENTRY,
        *,
        http: Http,
        environment: str = "",
        days: int = 90,
    ) -> None:
        for name, value in (("organization", organization), ("project", project)):
            if not re.fullmatch(r"[a-zA-Z0-9_-]{1,100}", value):
                raise ValueError(f"{name} is the name in Sentry's address (a slug or a number), not {value!r}")
        self._base = safe_url(base_url, "address of Sentry") + f"/api/0/organizations/{organization}"
        self._organization, self._project = organization, project
        self._token = HeaderKey(read_key_file(token_file))
        self._environment = environment
        self._http = http
        self._days = max(FIRST_DAYS, min(days, 90))

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of days from today backwards, or from the day before `resume`; issues come with the first.

        Raises SourceError: refused with the scope that is missing, gone, throttled, unreachable, format.
        """
        now = self._http.now().astimezone(UTC)
        oldest = now.date() - timedelta(days=self._days - 1)
        last = date.fromisoformat(resume) - timedelta(days=1) if resume else now.date()
        first_page = resume is None
        with self._http.walk() as walk:
            while last >= oldest:
                first = max(last - timedelta(days=(FIRST_DAYS if first_page else LATER_DAYS) - 1), oldest)
                page = self._health(walk, first, last, now)
                if first_page:
                    page = self._with_issues(walk, page)
                done = first == oldest
                yield replace(
                    page,
                    until=now,
                    resume=None if done else first.isoformat(),
                    end="source_limit" if done else None,
                    progress=((now.date() - first).days + 1) / self._days,
                )
                last, first_page = first - timedelta(days=1), False

    def probe(self) -> list[Probe]:
        """Ask for one day of health and for one issue: each needs a scope of its own."""
        probes = []
        today = self._http.now().astimezone(UTC).date()
        with self._http.walk() as walk:
            for name, ask in (
                ("Sentry: release health", lambda: self._sessions(walk, today, today, self._http.now(), [])),
                ("Sentry: issues", lambda: self._get(walk, "issues", [("limit", "1"), ("query", "")])),
            ):
                try:
                    ask()
                except SourceError as error:
                    probes.append(Probe(name, False, error.message))
                    if error.status == 401 or error.kind in {"unreachable", "throttled"}:
                        break
                else:
                    probes.append(Probe(name, True, f"The token may read it of {self._organization}/{self._project}."))
        return probes

    def _health(self, walk: Walk, first: date, last: date, now: datetime) -> Page:
        bad: list[QuarantinedRow] = []
        told = [
            self._sessions(walk, first, last, now, []),
            self._sessions(walk, first, last, now, ["release"]),
        ]
        sessions = read_sessions(told[0], bad) + read_sessions(told[1], bad, by_release=True)
        # Sentry counts sessions that crashed, and each crash ends its session.
        crashes = [
            DailyCrashesRecord(row.day, row.crashed_sessions, version=row.version, users=row.crashed_users)
            for row in sessions
            if row.crashed_sessions is not None
        ]
        return Page(
            daily_crashes=tuple(crashes),
            daily_sessions=tuple(sessions),
            replaced=(ReplacedDays(first, last, "crashes"), ReplacedDays(first, last, "sessions")),
            quarantined=tuple(bad),
            reaches=datetime.combine(first, datetime.min.time(), UTC),
        )

    def _sessions(self, walk: Walk, first: date, last: date, now: datetime, group: list[str]) -> dict[str, Any]:
        ends = min(datetime.combine(last + timedelta(days=1), datetime.min.time(), UTC), now.astimezone(UTC))
        params = [("field", name) for name in FIELDS] + [("groupBy", name) for name in group]
        params += [
            ("interval", "1d"),
            ("start", f"{first}T00:00:00"),
            ("end", f"{ends:%Y-%m-%dT%H:%M:%S}"),
            ("includeTotals", "0"),
        ]
        document, _ = self._get(walk, "sessions", params)
        if not isinstance(document, dict):
            raise SourceError("Sentry sent something else than its release health.", "format")
        return document

    def _with_issues(self, walk: Walk, page: Page) -> Page:
        """Add the issues: what cannot be read of them does not hold up the health."""
        try:
            issues, days, bad = self._issues(walk)
        except SourceError as error:
            if error.kind in {"throttled", "unreachable"}:
                raise
            return replace(page, note=f"read without issues: {error.message}")
        return replace(
            page,
            crash_issues=tuple(issues),
            daily_crashes=(*page.daily_crashes, *days),
            quarantined=(*page.quarantined, *bad),
        )

    def _issues(self, walk: Walk) -> tuple[list[CrashIssueRecord], list[DailyCrashesRecord], list[QuarantinedRow]]:
        issues: list[CrashIssueRecord] = []
        days: list[DailyCrashesRecord] = []
        bad: list[QuarantinedRow] = []
        cursor, seen = "", set()
        for _ in range(ISSUE_PAGES):
            params = [("query", ""), ("sort", "freq"), ("limit", "100"), ("statsPeriod", f"{ISSUE_DAYS}d")]
            params += [("groupStatsPeriod", f"{ISSUE_DAYS}d")] + ([("cursor", cursor)] if cursor else [])
            rows, answer = self._get(walk, "issues", params)
            if not isinstance(rows, list):
                raise SourceError("Sentry sent something else than a list of issues.", "format")
            for row in rows:
                try:
                    issue = issue_record(row)
                    told = issue_days(row, issue)
                except RowFault as fault:
                    bad.append(quarantine(row, str(fault)))
                    continue
                issues.append(issue)
                days += told
            cursor = next_cursor(answer.headers.get("link", ""))
            if not cursor:
                break
            if cursor in seen:
                raise SourceError("Sentry leads to the same page of issues again and again.", "repeated")
            seen.add(cursor)
        named = [self._named(walk, issue) for issue in issues[:DESCRIBED]]
        return named + issues[DESCRIBED:], days, bad

    def _named(self, walk: Walk, issue: CrashIssueRecord) -> CrashIssueRecord:
        """Ask for an issue's first and last release, which the list does not tell."""
        try:
            row, _ = self._get(walk, f"issues/{issue.external_id}", [])
            return replace(issue_record(row), state=issue.state)
        except SourceError as error:
            if error.kind in {"throttled", "unreachable"}:
                raise
            return issue
        except RowFault:
            return issue

    def _get(self, walk: Walk, path: str, params: list[tuple[str, str]]) -> tuple[Any, Answer]:
        if path in {"sessions", "issues"}:
            params = [*params, ("project", self._project)]
            params += [("environment", self._environment)] if self._environment else []
        shown = self._token.headers(walk) | {"Accept": "application/json"}
        try:
            answer = walk.get(f"{self._base}/{path}/", params=_repeated(params), headers=shown)
        except SourceError as error:
            raise self._explain(error, path) from error
        try:
            return json.loads(answer.body), answer
        except (ValueError, RecursionError) as error:
            text = "Sentry sent something else than JSON (cut off, changed, or a proxy's page)."
            raise SourceError(text, "format", excerpt=answer.text[:300]) from error

    def _explain(self, error: SourceError, path: str) -> SourceError:
        """Say a refusal in words that name the scope which is missing."""
        scope = "org:read" if path == "sessions" else "event:read"
        where = f"{self._organization}/{self._project}"
        if error.status == 401:
            text = "Sentry does not accept the token (answer 401): it was revoked, or the file holds another one."
            return reworded(error, text)
        if error.status == 403:
            text = f"The token may not read {path.partition('/')[0]} of {where} (answer 403): give it the scope {scope}"
            return reworded(error, f"{text} (Sentry, Settings, Developer Settings, or a personal token).")
        if error.status == 404:
            return reworded(error, f"Sentry knows no organization {self._organization} for this token.")
        if error.status == 400:
            told = sound(said(error, "detail"))[:300] or "no reason given"
            return reworded(error, f"Sentry does not take the question: {told}", "format")
        return error


def _repeated(params: list[tuple[str, str]]) -> Mapping[str, Any]:
    """Names with one value or a list of them, as the client writes repeated names."""
    found: dict[str, Any] = {}
    for name, value in params:
        found.setdefault(name, []).append(value)
    return found

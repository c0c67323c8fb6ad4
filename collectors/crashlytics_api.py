"""Crashlytics by its REST API, the quick path without BigQuery: versions by day with rates, and the top issues by day.

Source: Firebase Crashlytics API v1alpha (discovery revision 20261104), reports topVersions and topIssues. An alpha:
beside the BigQuery export it is the second choice; what it tells is by version only.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from typing import Any
from zoneinfo import ZoneInfo

from collectors.access import get_json, reworded, safe_url, said
from collectors.base import Page, Probe, SourceError
from collectors.crashlytics_api_format import read_issues, read_versions
from collectors.google_access import GoogleToken, read_service_account
from collectors.http import Http, Walk
from models.records import CrashKind, QuarantinedRow, ReplacedDays

CRASHLYTICS = "https://firebasecrashlytics.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
FIRST_DAYS, LATER_DAYS, OLDEST_DAYS = 7, 28, 90
GROUPS = 100
MOST_PAGES = 20
KINDS: tuple[tuple[str, CrashKind], ...] = (("FATAL", "crash"), ("ANR", "anr"))


class CrashlyticsApi:
    """One Firebase app ("1:1234567890:android:abcdef"), whose second part is the number of its project."""

    kind = "crashlytics_api"

    def __init__(
        self,
        firebase_app: str,
        key_file: str,
        base_url: str = CRASHLYTICS,
        *,
        http: Http,
        zone: str = "Europe/Paris",
        days: int = OLDEST_DAYS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        matched = re.fullmatch(r"1:([0-9]{4,20}):(android|ios):[0-9a-f]{6,40}", firebase_app)
        if matched is None:
            raise ValueError(
                f"firebase_app is the App ID of the Firebase console (1:12345:android:abcdef), not {firebase_app!r}"
            )
        self._app = firebase_app
        self._base = (
            safe_url(base_url, "address of Crashlytics") + f"/v1alpha/projects/{matched[1]}/apps/{firebase_app}"
        )
        self._project = matched[1]
        self._android = matched[2] == "android"
        self._account = read_service_account(key_file)
        self._token = GoogleToken(self._account, SCOPE, clock)
        self._http = http
        self._zone = ZoneInfo(zone)
        self._days = max(FIRST_DAYS, min(days, OLDEST_DAYS))

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of days from today backwards, or from the day before `resume`; 90 days is all that is kept.

        Raises SourceError: refused with the role that is missing, gone, throttled, unreachable, format.
        """
        now = self._http.now().astimezone(UTC)
        today = now.astimezone(self._zone).date()
        # The first day of the window would begin before the ninety days that the API allows.
        oldest = today - timedelta(days=self._days - 1)
        last = date.fromisoformat(resume) - timedelta(days=1) if resume else today
        first_page = resume is None
        with self._http.walk() as walk:
            while last >= oldest:
                first = max(last - timedelta(days=(FIRST_DAYS if first_page else LATER_DAYS) - 1), oldest)
                done = first == oldest
                yield replace(
                    self._page(walk, first, last, now),
                    until=now,
                    resume=None if done else first.isoformat(),
                    end="source_limit" if done else None,
                    progress=((today - first).days + 1) / self._days,
                )
                last, first_page = first - timedelta(days=1), False

    def probe(self) -> list[Probe]:
        """Exchange the key, then ask for one line of one report."""
        name = "Crashlytics"
        now = self._http.now().astimezone(UTC)
        today = now.astimezone(self._zone).date()
        with self._http.walk() as walk:

            def ask() -> str:
                self._report(walk, "topVersions", "FATAL", today, today, now, size=1)
                return f"It may read the reports of {self._app}."

            return self._token.probe_both(walk, f"{name}: key", f"{name}: reports", ask)

    def _page(self, walk: Walk, first: date, last: date, now: datetime) -> Page:
        bad: list[QuarantinedRow] = []
        crashes, sessions, issues = [], [], []
        for error_type, kind in KINDS if self._android else KINDS[:1]:
            groups = self._report(walk, "topVersions", error_type, first, last, now)
            counts, ran = read_versions(groups, kind, self._zone, bad)
            crashes += counts
            sessions += ran
            told, days = read_issues(
                self._report(walk, "topIssues", error_type, first, last, now, pages=1), kind, self._zone, bad
            )
            issues += told
            crashes += days
        return Page(
            crash_issues=tuple(issues),
            daily_crashes=tuple(crashes),
            daily_sessions=tuple(sessions),
            replaced=tuple(ReplacedDays(first, last, part) for part in ("crashes", "issues", "sessions")),
            quarantined=tuple(bad),
            reaches=self._begin(first),
        )

    def _begin(self, day: date) -> datetime:
        return datetime.combine(day, day_time(), self._zone).astimezone(UTC)

    def _report(
        self,
        walk: Walk,
        name: str,
        error_type: str,
        first: date,
        last: date,
        now: datetime,
        *,
        size: int = GROUPS,
        pages: int = MOST_PAGES,
    ) -> list[dict[str, Any]]:
        """Ask for the groups of one report by day, those with most events first."""
        ends = min(self._begin(last + timedelta(days=1)), now)
        params = {
            "filter.interval.startTime": f"{self._begin(first):%Y-%m-%dT%H:%M:%SZ}",
            "filter.interval.endTime": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            "filter.issue.errorTypes": error_type,
            "granularity": "TIME_GRANULARITY_DAY",
            "pageSize": str(size),
        }
        groups: list[dict[str, Any]] = []
        seen: set[str] = set()
        for _ in range(1 if size == 1 else pages):
            document, _ = get_json(walk, f"{self._base}/reports/{name}", self._token, self._explain, params)
            told = document.get("groups", [])
            if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
                raise SourceError(f"Crashlytics' report {name} holds no list of groups: its format changed.", "format")
            groups += told
            token = str(document.get("nextPageToken") or "")
            if not token:
                break
            if token in seen:
                raise SourceError(f"Crashlytics sends the same page of {name} again and again.", "repeated")
            seen.add(token)
            params["pageToken"] = token
        return groups

    def _explain(self, error: SourceError) -> SourceError:
        """Say a refusal in words that name the right which is missing."""
        who = self._account.email
        if error.status == 401:
            return reworded(error, f"Google does not accept the token of {who} (answer 401).")
        if error.status == 403:
            if "SERVICE_DISABLED" in error.excerpt or "accessNotConfigured" in error.excerpt:
                text = f"The Firebase Crashlytics API is switched off in the project {self._project}"
                return reworded(error, f"{text}: switch it on in Google Cloud, APIs and Services.")
            text = f"The service account {who} may not read Crashlytics of the project {self._project} (answer 403)"
            return reworded(error, f"{text}: give it the role Firebase Crashlytics Viewer.")
        if error.status == 404:
            return reworded(error, f"Crashlytics knows no app {self._app}.")
        if error.status == 400:
            return reworded(error, f"Crashlytics does not take the question: {said(error, 'message')[:300]}", "format")
        return error

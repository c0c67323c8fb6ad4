"""Crashlytics by its BigQuery export: crashes, ANRs and errors by day, version and issue, with sessions where exported.

Source: Firebase, "Export Crashlytics data to BigQuery". One table an app and platform in `firebase_crashlytics` (and
in `firebase_sessions`), a second one ending in _REALTIME where streaming is on; the two overlap.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from collectors.base import Page, Probe, SourceError
from collectors.bigquery import BIGQUERY, BigQuery, TableInfo
from collectors.crashlytics_sql import Table, crashes_sql, read_days, span
from collectors.google_access import read_service_account
from collectors.http import Http, Walk

FIRST_DAYS = 5
"""Days of the first page, which every walk reads: today, and those that late devices still change."""
LATER_DAYS = 14
PLATFORMS = {"android": "ANDROID", "ios": "IOS"}


def table_name(bundle: str, platform: str) -> str:
    """Return the name that Firebase gives an app's table: signs other than letters and digits become _."""
    return f"{re.sub(r'[^A-Za-z0-9]', '_', bundle)}_{PLATFORMS[platform]}"


class CrashlyticsBigQuery:
    """One app on one platform. Days are those of `zone`; a walk goes back `days` at most.

    `max_gigabytes` is the most that one question may read; each page puts one, or two with sessions.
    """

    kind = "crashlytics_bigquery"

    def __init__(
        self,
        project: str,
        bundle: str,
        platform: str,
        key_file: str,
        base_url: str = BIGQUERY,
        *,
        http: Http,
        dataset: str = "firebase_crashlytics",
        sessions_dataset: str = "firebase_sessions",
        zone: str = "Europe/Paris",
        days: int = 90,
        max_gigabytes: float = 20.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not re.fullmatch(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", project):
            raise ValueError(f"project is the id of the Google Cloud project, such as bank-prod, not {project!r}")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", bundle):
            raise ValueError(f"app_id is the bundle or package name, such as com.example.bank, not {bundle!r}")
        if platform not in PLATFORMS:
            raise ValueError(f"platform is android or ios, not {platform!r}")
        for name in (dataset, sessions_dataset):
            if not re.fullmatch(r"[A-Za-z0-9_]{1,200}", name):
                raise ValueError(f"{name!r} is no name of a dataset")
        self._account = read_service_account(key_file)
        self._big = BigQuery(project, self._account, base_url, max_bytes=int(max_gigabytes * 1e9), clock=clock)
        self._project, self._bundle = project, bundle
        self._dataset, self._sessions = dataset, sessions_dataset
        self._table = table_name(bundle, platform)
        self._zone = ZoneInfo(zone)
        self._days = max(FIRST_DAYS, min(days, 400))
        self._http = http

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of days from today backwards (five, then fourteen each), or from the day before `resume`.

        Raises SourceError: refused with the role that is missing or the cost that is too high, gone where there is no
        export, throttled, unreachable, format.
        """
        now = self._http.now().astimezone(UTC)
        today = now.astimezone(self._zone).date()
        oldest = today - timedelta(days=self._days - 1)
        last = date.fromisoformat(resume) - timedelta(days=1) if resume else today
        with self._http.walk() as walk:
            events, sessions, until, note = self._tables(walk, now)
            first_page = resume is None
            while last >= oldest:
                first = max(last - timedelta(days=(FIRST_DAYS if first_page else LATER_DAYS) - 1), oldest)
                page = read_days(partial(self._big.ask, walk), first, last, self._zone, events, sessions)
                done = first == oldest
                yield replace(
                    page,
                    until=until,
                    resume=None if done else first.isoformat(),
                    end="source_limit" if done else None,
                    progress=((today - first).days + 1) / self._days,
                    note=note if first_page else "",
                )
                last, first_page = first - timedelta(days=1), False

    def probe(self) -> list[Probe]:
        """Exchange the key, describe the tables, price one question: three rights, told apart; nothing is paid."""
        name = "Crashlytics in BigQuery"
        with self._http.walk() as walk:
            key = self._big.probe_key(walk, f"{name}: key")
            if not key.works:
                return [key]
            try:
                events, sessions, _, note = self._tables(walk, self._http.now())
            except SourceError as error:
                return [key, Probe(f"{name}: tables", False, error.message)]
            tables = Probe(f"{name}: tables", True, f"The export of {self._bundle} is there ({self._table}).")
            probes = [key, tables, Probe(f"{name}: sessions", bool(sessions), note or "Sessions are exported too.")]
            today = self._http.now().astimezone(self._zone).date()
            sql = crashes_sql(span(today - timedelta(days=FIRST_DAYS - 1), today, self._zone), events)
            try:
                size = self._big.size(walk, sql)
            except SourceError as error:
                return [*probes, Probe(f"{name}: questions", False, error.message)]
        text = f"A question about {FIRST_DAYS} days reads {size / 1e6:.0f} MB."
        return [*probes, Probe(f"{name}: questions", True, text)]

    def _tables(self, walk: Walk, now: datetime) -> tuple[list[Table], list[Table], datetime, str]:
        """Find the tables of events and of sessions, and up to when the events can be complete."""
        events, changed, live = self._pair(walk, self._dataset)
        if not events:
            raise SourceError(
                f"There is no table {self._table} in {self._project}.{self._dataset}: switch the BigQuery export of "
                "Crashlytics on (Firebase console, Project settings, Integrations), or check app_id and platform.",
                "gone",
            )
        until = now
        if not live:
            # The batch is written once a day with the days before: what it does not hold yet is not calm.
            done = datetime.fromtimestamp(changed, UTC).astimezone(self._zone).date()
            until = min(now, datetime.combine(done, datetime.min.time(), self._zone).astimezone(UTC))
            until -= timedelta(seconds=1)
        try:
            sessions, _, _ = self._pair(walk, self._sessions)
        except SourceError as error:
            if error.kind != "refused":
                raise
            return events, [], until, f"read without sessions, so without rates: {error.message}"
        note = "" if sessions else (
            f"read without sessions, so without rates: there is no table {self._table} in {self._sessions} "
            "(switch the sessions of the Crashlytics export on)"
        )  # fmt: skip
        return events, sessions, until, note

    def _pair(self, walk: Walk, dataset: str) -> tuple[list[Table], float, bool]:
        """The batch table and the live one of a dataset, as far as they are there; when the batch last changed."""
        found: list[Table] = []
        changed, streams = 0.0, False
        for suffix, live in (("", False), ("_REALTIME", True)):
            info: TableInfo | None = self._big.table(walk, dataset, self._table + suffix)
            if info is not None:
                found.append(Table(f"`{self._project}.{dataset}.{self._table}{suffix}`", info.columns, live))
                changed, streams = (changed, True) if live else (info.changed_at, streams)
        return found, changed, streams

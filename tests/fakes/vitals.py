"""A stateful Play Developer Reporting API over real HTTP: rates by day and version code, error counts, issues."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.play_api import JSON, Answered, FakePlayApi, refusal
from tests.fakes.stores import Request

ZONE = "America/Los_Angeles"


@dataclass
class VitalsDay:
    """One day of one version code: users in truth, and how many met a crash or an ANR; `hidden`: too few to be told."""

    users: int
    crashed: int
    hung: int = 0
    hidden: bool = False


@dataclass
class VitalsIssue:
    """A group of errors with its reports by day."""

    name: str
    kind: str
    cause: str
    location: str
    first: int
    last: int
    reports: dict[date, int] = field(default_factory=dict)


class FakeVitals(FakePlayApi):
    """One app. `days` is by (day, version code); `last` is the newest finished day."""

    scope = "https://www.googleapis.com/auth/playdeveloperreporting"

    def __init__(self, now: datetime, last: date) -> None:
        super().__init__(now=now)
        self.last = last
        self.days: dict[tuple[date, int], VitalsDay] = {}
        self.hidden_days: set[date] = set()
        self.issues: list[VitalsIssue] = []
        self.names: dict[int, str] = {}
        self.anomalies: list[dict[str, Any]] = []
        self.rows_a_page = 10_000
        self.circle = False

    def answer(self, request: Request) -> Answered:
        if refused := self.unknown(request):
            return refused
        if self.forbidden:
            status, code = (429, "RESOURCE_EXHAUSTED") if self.forbidden == "quota" else (403, "PERMISSION_DENIED")
            return refusal(status, code, self.forbidden, "No. " + self.forbidden)
        parts = urlsplit(request.path)
        head, _, what = parts.path.removeprefix("/v1beta1/apps/").partition("/")
        if head.partition(":")[0] != self.app_id:
            return refusal(404, "NOT_FOUND", "notFound", "App not found")
        if head.endswith(":fetchReleaseFilterOptions"):
            return self._json({"tracks": [{"displayName": "Production", "type": "PRODUCTION", **self._releases()}]})
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if what == "crashRateMetricSet":
            return self._json({"name": f"apps/{self.app_id}/{what}", "freshnessInfo": self._freshness()})
        if what == "errorIssues:search":
            return self._search(query)
        if what == "anomalies":
            return self._json({"anomalies": self.anomalies} if self.anomalies else {})
        return self._query(what.removesuffix(":query"), json.loads(request.body))

    def _json(self, document: dict[str, Any]) -> Answered:
        self.change(document)
        return 200, JSON, json.dumps(document).encode()

    def _releases(self) -> dict[str, Any]:
        served = [{"displayName": name, "versionCodes": [str(code)]} for code, name in self.names.items()]
        return {"servingReleases": served} if served else {}

    def _freshness(self) -> dict[str, Any]:
        ends = self.last + timedelta(days=1)
        hourly = {"aggregationPeriod": "HOURLY", "latestEndTime": {"year": 2026, "timeZone": {"id": "UTC"}}}
        return {"freshnesses": [hourly, {"aggregationPeriod": "DAILY", "latestEndTime": google_day(ends)}]}

    def _query(self, metric_set: str, body: dict[str, Any]) -> Answered:
        spec = body["timelineSpec"]
        first, end = (read_day(spec[name]) for name in ("startTime", "endTime"))
        if spec["aggregationPeriod"] != "DAILY" or spec["startTime"]["timeZone"]["id"] != ZONE:
            return refusal(400, "INVALID_ARGUMENT", "badRequest", "Unsupported timezone")
        if end > self.last + timedelta(days=1):
            return refusal(400, "INVALID_ARGUMENT", "badRequest", "endTime is after the freshness")
        if metric_set == "errorCountMetricSet" and "reportType" not in body["dimensions"]:
            return refusal(400, "INVALID_ARGUMENT", "badRequest", "reportType dimension is required")
        rows = self._counts(body, first, end) if metric_set == "errorCountMetricSet" else self._rates(body, first, end)
        begin = int(body.get("pageToken") or 0)
        document: dict[str, Any] = {}
        shown = rows[begin : begin + min(self.rows_a_page, body["pageSize"])]
        if shown:
            document["rows"] = shown
        if begin + len(shown) < len(rows) or self.circle:
            document["nextPageToken"] = "1" if self.circle else str(begin + len(shown))
        return self._json(document)

    def _rates(self, body: dict[str, Any], first: date, end: date) -> list[dict[str, Any]]:
        by_code = "versionCode" in body["dimensions"]
        groups: dict[tuple[date, int], list[VitalsDay]] = {}
        for (day, code), told in self.days.items():
            if first <= day < end and not (day in self.hidden_days and not by_code):
                groups.setdefault((day, code if by_code else 0), []).append(told)
        rows = []
        for (day, code), parts in sorted(groups.items()):
            users = sum(part.users for part in parts)
            metrics = [{"metric": "distinctUsers", "decimalValue": {"value": str(round(users, -1))}}]
            if not all(part.hidden for part in parts):
                name = next(metric for metric in body["metrics"] if metric.endswith("Rate"))
                hit = sum(part.crashed if name == "crashRate" else part.hung for part in parts)
                metrics.append({"metric": name, "decimalValue": {"value": f"{hit / users:.6f}"}})
            rows.append(self._row(day, metrics, [("versionCode", code)] if by_code else []))
        return rows

    def _counts(self, body: dict[str, Any], first: date, end: date) -> list[dict[str, Any]]:
        rows = []
        for issue in self.issues:
            for day, reports in issue.reports.items():
                if first <= day < end:
                    extra: list[tuple[str, Any]] = []
                    if "versionCode" in body["dimensions"]:
                        extra = [("versionCode", issue.last)]
                    if "issueId" in body["dimensions"]:
                        extra = [("issueId", issue.name)]
                    metrics = [
                        {"metric": "errorReportCount", "decimalValue": {"value": str(reports)}},
                        {"metric": "distinctUsers", "decimalValue": {"value": str(reports)}},
                    ]
                    rows.append(self._row(day, metrics, [("reportType", issue.kind), *extra]))
        return rows

    def _row(self, day: date, metrics: list[dict[str, Any]], dimensions: list[tuple[str, Any]]) -> dict[str, Any]:
        told = [
            {"dimension": name, "int64Value": str(value)}
            if isinstance(value, int)
            else {"dimension": name, "stringValue": value}
            for name, value in dimensions
        ]
        return {
            "aggregationPeriod": "DAILY",
            "startTime": google_day(day),
            "metrics": metrics,
            **({"dimensions": told} if told else {}),
        }

    def _search(self, query: dict[str, str]) -> Answered:
        first = date(*(int(query[f"interval.startTime.{part}"]) for part in ("year", "month", "day")))
        end = date(*(int(query[f"interval.endTime.{part}"]) for part in ("year", "month", "day")))
        assert query["interval.startTime.timeZone.id"] == ZONE
        found = []
        for issue in self.issues:
            reports = {day: count for day, count in issue.reports.items() if first <= day < end}
            if reports:
                told = {
                    "name": f"apps/{self.app_id}/{issue.name}",
                    "type": issue.kind,
                    "cause": issue.cause,
                    "location": issue.location,
                    "errorReportCount": str(sum(reports.values())),
                    "distinctUsers": str(sum(reports.values())),
                    "firstAppVersion": {"versionCode": str(issue.first)},
                    "lastAppVersion": {"versionCode": str(issue.last)},
                    "lastErrorReportTime": f"{max(reports)}T20:00:00Z",
                    "issueUri": f"https://play.google.com/console/issue/{issue.name}",
                }
                found.append(told)
        return self._json({"errorIssues": found} if found else {})


def google_day(day: date) -> dict[str, Any]:
    return {"year": day.year, "month": day.month, "day": day.day, "timeZone": {"id": ZONE}}


def read_day(told: dict[str, Any]) -> date:
    assert not {"hours", "minutes", "seconds"} & set(told)
    return date(told["year"], told["month"], told["day"])

"""A stateful Crashlytics API (v1alpha reports) over real HTTP."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.play_api import JSON, Answered, FakePlayApi, refusal
from tests.fakes.stores import Request

APP = "1:123456789:android:abcdef123456"


@dataclass
class Build:
    """One build on one day: sessions and users, and what crashed."""

    version: str
    build: str
    begins: datetime
    sessions: int
    users: int
    events: int
    crashed: int
    hit: int
    anrs: int = 0


class FakeCrashlytics(FakePlayApi):
    """One Firebase app."""

    scope = "https://www.googleapis.com/auth/cloud-platform"

    def __init__(self, now: datetime) -> None:
        super().__init__(now=now)
        self.builds: list[Build] = []
        self.issues: list[tuple[dict[str, Any], list[tuple[datetime, int]]]] = []
        self.groups_a_page = 100

    def answer(self, request: Request) -> Answered:
        if refused := self.unknown(request):
            return refused
        if self.forbidden:
            return refusal(403, "PERMISSION_DENIED", self.forbidden, "No. " + self.forbidden)
        parts = urlsplit(request.path)
        pieces = unquote(parts.path).strip("/").split("/")
        assert pieces[:4] == ["v1alpha", "projects", "123456789", "apps"]
        if pieces[4] != APP:
            return refusal(404, "NOT_FOUND", "notFound", "No such app")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        start, end = (datetime.fromisoformat(query[f"filter.interval.{name}Time"]) for name in ("start", "end"))
        if end - start > timedelta(days=90):
            return refusal(400, "INVALID_ARGUMENT", "badRequest", "Interval is longer than 90 days")
        assert query["granularity"] == "TIME_GRANULARITY_DAY"
        report, kind = pieces[6], query["filter.issue.errorTypes"]
        groups = self._versions(start, end, kind) if report == "topVersions" else self._issues(start, end, kind)
        begin, size = int(query.get("pageToken", "0")), min(int(query["pageSize"]), self.groups_a_page)
        document: dict[str, Any] = {"name": f"projects/123456789/apps/{APP}/reports/{report}", "displayName": report}
        if shown := groups[begin : begin + size]:
            document["groups"] = shown
        if begin + size < len(groups):
            document["nextPageToken"] = str(begin + size)
        self.change(document)
        return 200, JSON, json.dumps(document).encode()

    def _versions(self, start: datetime, end: datetime, kind: str) -> list[dict[str, Any]]:
        groups: dict[tuple[str, str], list[Build]] = {}
        for each in self.builds:
            if start <= each.begins < end:
                groups.setdefault((each.version, each.build), []).append(each)
        return [
            {
                "version": {
                    "displayVersion": version,
                    "buildVersion": build,
                    "displayName": f"{version} ({build})",
                },
                "metrics": [_metrics(each, kind) for each in parts],
            }
            for (version, build), parts in groups.items()
        ]

    def _issues(self, start: datetime, end: datetime, kind: str) -> list[dict[str, Any]]:
        found = []
        for issue, days in self.issues:
            metrics = [
                {"startTime": zulu(at), "endTime": zulu(at + timedelta(days=1)), "eventsCount": str(count)}
                for at, count in days
                if start <= at < end
            ]
            if metrics and issue["errorType"] == kind:
                found.append({"issue": issue, "metrics": metrics})
        return found


def _metrics(each: Build, kind: str) -> dict[str, Any]:
    """As Google writes them: 64-bit counts as text, and nothing where it is zero."""
    told: dict[str, Any] = {"startTime": zulu(each.begins), "endTime": zulu(each.begins + timedelta(days=1))}
    if kind == "ANR":
        return told | ({"eventsCount": str(each.anrs)} if each.anrs else {})
    counts = {"eventsCount": each.events, "impactedUsersCount": each.hit, "impactedSessionsCount": each.crashed}
    counts |= {"totalSessionsCount": each.sessions, "totalUsersCount": each.users}
    told |= {name: str(value) for name, value in counts.items() if value}
    told["crashFreeSessionsPercentage"] = 100 * (1 - each.crashed / each.sessions)
    told["crashFreeUsersPercentage"] = 100 * (1 - each.hit / each.users)
    return told


def zulu(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

"""A stateful Sentry over real HTTP: release health, issues by pages, a token with scopes."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.stores import FakeStore, Fault, Request

JSON = [("content-type", "application/json")]
Answered = tuple[int, list[tuple[str, str]], bytes]


@dataclass
class Health:
    """One day of one release."""

    sessions: int
    users: int
    crashed: int
    hit: int


@dataclass
class Issue:
    """A group of events; `days` is events by UTC midnight."""

    id: str
    title: str
    level: str = "fatal"
    unhandled: bool = True
    status: str = "unresolved"
    metadata: dict[str, Any] = field(default_factory=dict)
    first: str = "com.example.bank@7.1.0+710"
    last: str = "com.example.bank@7.2.0+720"
    days: dict[datetime, int] = field(default_factory=dict)


class FakeSentry(FakeStore):
    """One organization with one project. `scopes` are those of the token."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now
        self.token = "sntrys_example"
        self.scopes = {"org:read", "event:read"}
        self.health: dict[tuple[datetime, str], Health] = {}
        self.issues: list[Issue] = []
        self.page_size = 100
        self.circle = False
        self.answers: list[tuple[Request, Answered]] = []

    def respond(self, request: Request, fault: Fault | None) -> Answered:
        answered = self._answer_to(request)
        self.answers.append((request, answered))
        return answered

    def _answer_to(self, request: Request) -> Answered:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return 401, JSON, json.dumps({"detail": "Invalid token"}).encode()
        parts = urlsplit(request.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        pieces = parts.path.strip("/").split("/")
        assert parts.path.endswith("/")
        if pieces[:4] != ["api", "0", "organizations", "bank"]:
            return 404, JSON, json.dumps({"detail": "The requested resource does not exist"}).encode()
        scope = "org:read" if pieces[4] == "sessions" else "event:read"
        if scope not in self.scopes:
            return 403, JSON, json.dumps({"detail": "You do not have permission to perform this action."}).encode()
        if pieces[4] == "sessions":
            return self._sessions(query)
        if len(pieces) > 5:
            return self._described(pieces[5])
        return self._issues(query)

    def _sessions(self, query: dict[str, list[str]]) -> Answered:
        start, end = (datetime.fromisoformat(query[name][0]).replace(tzinfo=UTC) for name in ("start", "end"))
        days = []
        while start < end:
            days.append(start)
            start += timedelta(days=1)
        by_release = query.get("groupBy") == ["release"]
        groups: dict[str, list[Health]] = {}
        names = sorted({name for _, name in self.health}) if by_release else [""]
        for name in names:
            groups[name] = [
                _sum(
                    [
                        told
                        for (at, release), told in self.health.items()
                        if at == day and release in {name, name or release}
                    ]
                )
                for day in days
            ]
        document = {
            "groups": [
                {
                    "by": {"release": name} if by_release else {},
                    "totals": {},
                    "series": {metric: [_metric(metric, each) for each in told] for metric in query["field"]},
                }
                for name, told in groups.items()
            ],
            "intervals": [f"{day:%Y-%m-%dT%H:%M:%SZ}" for day in days],
            "start": f"{days[0]:%Y-%m-%dT%H:%M:%SZ}",
            "end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "query": "",
        }
        return 200, JSON, json.dumps(document).encode()

    def _issues(self, query: dict[str, list[str]]) -> Answered:
        assert query["query"] == [""]
        begin = int(query.get("cursor", ["0:0:0"])[0].split(":")[1])
        size = min(int(query["limit"][0]), self.page_size)
        ranked = sorted(self.issues, key=lambda each: -sum(each.days.values()))
        shown, more = ranked[begin : begin + size], begin + size < len(ranked) or self.circle
        following = 0 if self.circle else begin + size
        # The address is of another host: only its cursor may be used.
        link = (
            f'<https://internal.example.invalid/?cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", '
            f'<https://internal.example.invalid/?cursor=0:{following}:0>; rel="next"; '
            f'results="{str(more).lower()}"; cursor="0:{following}:0"'
        )
        return 200, [*JSON, ("link", link)], json.dumps([self._row(each) for each in shown]).encode()

    def _described(self, name: str) -> Answered:
        found = next((each for each in self.issues if each.id == name), None)
        if found is None:
            return 404, JSON, b'{"detail": "gone"}'
        row = self._row(found) | {"firstRelease": {"version": found.first}, "lastRelease": {"version": found.last}}
        return 200, JSON, json.dumps(row).encode()

    def _row(self, issue: Issue) -> dict[str, Any]:
        at = sorted(issue.days) or [self.now]
        return {
            "id": issue.id,
            "shortId": f"BANK-{issue.id}",
            "title": issue.title,
            "culprit": "LoginViewModel.signIn",
            "permalink": f"{self.url}/organizations/bank/issues/{issue.id}/",
            "level": issue.level,
            "status": issue.status,
            "isUnhandled": issue.unhandled,
            "metadata": issue.metadata,
            "firstSeen": f"{at[0]:%Y-%m-%dT%H:%M:%SZ}",
            "lastSeen": f"{at[-1]:%Y-%m-%dT%H:%M:%S.%fZ}",
            "count": str(sum(issue.days.values())),
            "userCount": 3,
            "stats": {"14d": [[int(day.timestamp()), count] for day, count in sorted(issue.days.items())]},
        }


def _sum(parts: list[Health]) -> Health:
    return Health(*(sum(getattr(part, name) for part in parts) for name in ("sessions", "users", "crashed", "hit")))


def _metric(name: str, told: Health) -> float | None:
    if name == "sum(session)":
        return told.sessions
    if name == "count_unique(user)":
        return told.users
    part, whole = (told.crashed, told.sessions) if name.endswith("(session)") else (told.hit, told.users)
    return 1 - part / whole if whole else None

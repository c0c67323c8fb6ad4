"""A crash tool's answers in Sentry's real format: release health (sessions) and issues, as a self-hosted one gives.

Source: Sentry, API reference (sessions, issues). One project a platform; what has not happened yet is not told.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from typing import Any

from app.demo.crashes import ISSUES, Crashes, Health, Issue, Platform

ORGANIZATION = "mesange"
PROJECTS: Mapping[str, Platform] = {"mesange-ios": "ios", "mesange-android": "android"}
Query = Mapping[str, Sequence[str]]
_PATH = re.compile(rf"/api/0/organizations/{ORGANIZATION}/(?:(sessions|issues)/|issues/(\d+)/)")
_ISSUE_DAYS = 14
_HEALTH: Mapping[str, Callable[[Health], float | None]] = {
    "sum(session)": lambda h: h.sessions,
    "count_unique(user)": lambda h: h.users,
    "crash_free_rate(session)": lambda h: 1 - h.crashed / h.sessions if h.sessions else None,
    "crash_free_rate(user)": lambda h: 1 - h.hit / h.users if h.users else None,
}


class SentryDesk:
    """Answers Sentry's questions about one story."""

    def __init__(self, crashes: Crashes, package: str) -> None:
        self._crashes = crashes
        self._package = package

    def answer(self, path: str, query: Query, authorization: str, now: datetime, base: str) -> tuple[int, bytes]:
        """Status and JSON body of a GET under /api/0/."""
        if not authorization.startswith("Bearer "):
            return 401, _json({"detail": "Authentication credentials were not provided."})
        asked = _PATH.fullmatch(path)
        if asked is None:
            return 404, _json({"detail": "The requested resource does not exist"})
        if asked[2]:
            return self._described(int(asked[2]), now, base)
        platform = PROJECTS.get("".join(query.get("project", ())))
        if platform is None:
            return 400, _json({"detail": "Invalid project."})
        if asked[1] == "issues":
            told = [self._issue(platform, issue, now, base) for issue in ISSUES[platform]]
            rows = sorted((row for row in told if row), key=lambda row: -int(row["count"]))
            return 200, _json(rows[: int("".join(query.get("limit", ())) or 100)])
        return self._sessions(platform, query, now)

    def page(self, path: str) -> bytes | None:
        """The page that an issue links to, None for any other path."""
        asked = re.fullmatch(rf"/organizations/{ORGANIZATION}/issues/(\d+)/", path)
        told = (issue for issues in ISSUES.values() for issue in issues if asked and issue.number == int(asked[1]))
        issue = next(told, None)
        if issue is None:
            return None
        words = f"<h1>{escape(issue.title)}</h1><p>{escape(issue.culprit)}</p><p>A made-up crash of the demo.</p>"
        return f'<!doctype html><html lang="en"><title>{escape(issue.title)}</title>{words}</html>'.encode()

    def _sessions(self, platform: Platform, query: Query, now: datetime) -> tuple[int, bytes]:
        try:
            start, end = (datetime.fromisoformat(query[name][0]).replace(tzinfo=UTC) for name in ("start", "end"))
            metrics = {name: _HEALTH[name] for name in query["field"]}
        except (KeyError, IndexError, ValueError):
            return 400, _json({"detail": "Invalid start, end or field."})
        days = [start.date() + timedelta(days=at) for at in range(-((start - end) // timedelta(days=1)))]
        told = [self._day(platform, day, now) for day in days]
        none = Health(0, 0, 0, 0)
        if "release" in query.get("groupBy", ()):
            versions = dict.fromkeys(version for day in told for version in day)
            groups = [({"release": self._release(v)}, [day.get(v, none) for day in told]) for v in versions]
        else:
            groups = [({}, [_sum(day) for day in told])]
        document = {
            "groups": [
                {
                    "by": by,
                    "totals": {},
                    "series": {name: [read(each) for each in series] for name, read in metrics.items()},
                }
                for by, series in groups
            ],
            "intervals": [_moment(day) for day in days],
            "start": _moment(days[0]) if days else None,
            "end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "query": "",
        }
        return 200, _json(document)

    def _day(self, platform: Platform, day: date, now: datetime) -> dict[str, Health]:
        part = _over(day, now)
        return {name: told.share(part) for name, told in self._crashes.health(platform, day).items()} if part else {}

    def _described(self, number: int, now: datetime, base: str) -> tuple[int, bytes]:
        for platform, issues in ISSUES.items():
            for issue in issues:
                if issue.number == number and (row := self._issue(platform, issue, now, base)):
                    _, _, last = self._crashes.seen(platform, issue, now.date()) or (None, None, issue.first)
                    releases = {"firstRelease": issue.first, "lastRelease": last}
                    return 200, _json(row | {k: {"version": self._release(v)} for k, v in releases.items()})
        return 404, _json({"detail": "The requested resource does not exist"})

    def _issue(self, platform: Platform, issue: Issue, now: datetime, base: str) -> dict[str, Any] | None:
        seen = self._crashes.seen(platform, issue, now.date())
        if seen is None:
            return None
        first, last, _ = seen
        stats = []
        for back in range(_ISSUE_DAYS - 1, -1, -1):
            day = now.date() - timedelta(days=back)
            count = int(sum(self._crashes.events(platform, issue, day).values()) * _over(day, now))
            stats.append([int(datetime.combine(day, time(), UTC).timestamp()), count])
        mended = bool(issue.mended) and self._crashes.first_day(platform, issue.mended) <= now.date()
        return {
            "id": str(issue.number),
            "shortId": f"MESANGE-{issue.number}",
            "title": issue.title,
            "culprit": issue.culprit,
            "permalink": f"{base}/organizations/{ORGANIZATION}/issues/{issue.number}/",
            "level": issue.level,
            "status": "resolved" if mended else "unresolved",
            "isUnhandled": issue.level == "fatal",
            "metadata": {"type": issue.kind, "value": issue.title.partition(": ")[2]},
            "firstSeen": _moment(first, 9),
            "lastSeen": min(_moment(last, 20), f"{now:%Y-%m-%dT%H:%M:%SZ}"),
            "count": str(sum(count for _, count in stats)),
            "userCount": int(0.8 * sum(count for _, count in stats)),
            "stats": {f"{_ISSUE_DAYS}d": stats},
        }

    def _release(self, version: str) -> str:
        return f"{self._package}@{version}+{version.replace('.', '')}"


def _over(day: date, now: datetime) -> float:
    """How much of a day is over, 0 to 1."""
    return min(max((now - datetime.combine(day, time(), UTC)) / timedelta(days=1), 0.0), 1.0)


def _sum(day: Mapping[str, Health]) -> Health:
    told = day.values()
    return Health(*(sum(getattr(h, part) for h in told) for part in ("sessions", "users", "crashed", "hit")))


def _moment(day: date, hour: int = 0) -> str:
    return f"{day}T{hour:02d}:00:00Z"


def _json(document: object) -> bytes:
    return json.dumps(document).encode()

"""The story's crashes: sessions, users and crashes by day and version, and the issues behind them, from a seed.

One version of the past (7.0) crashed clearly more than its neighbours, and so did 6.0 on Android; the release that
breaks the login crashes as little as any: nothing here is to be alerted in the story's last days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Literal

from app.demo import plot
from app.demo.facts import Story
from app.demo.plot import Channel

Platform = Literal["ios", "android"]
CHANNELS: Mapping[Platform, Channel] = {"ios": "app_store", "android": "google_play"}
_SESSIONS: Mapping[Platform, int] = {"ios": 61_000, "android": 48_000}
_RATES: Mapping[Platform, float] = {"ios": 0.0011, "android": 0.0019}
"""Crashes per session on an ordinary day: 99.89 and 99.81 % of sessions end without one."""
_WORSE: Mapping[Platform, Mapping[str, float]] = {
    "ios": {"7.0": 2.6, "6.6": 1.2, "7.2": 0.95},
    "android": {"6.0": 8.0, "7.0": 4.2, "6.6": 1.15, "7.2": 0.95},
}
_WEEK = (1.06, 1.03, 1.0, 1.01, 1.08, 0.94, 0.88)  # Monday first


@dataclass(frozen=True, slots=True)
class Health:
    """One day of one version: sessions, people, sessions that crashed, people who met a crash."""

    sessions: int
    users: int
    crashed: int
    hit: int

    def share(self, part: float) -> "Health":
        """What of a day is told when so much of it (0 to 1) is over."""
        return Health(*(int(part * n) for n in (self.sessions, self.users, self.crashed, self.hit)))


@dataclass(frozen=True, slots=True)
class Issue:
    """A group of events. `share` is of the crashed sessions of its versions, from `first` until before `mended`."""

    number: int
    title: str
    kind: str
    culprit: str
    share: float
    first: str
    mended: str = ""
    level: str = "fatal"


ISSUES: Mapping[Platform, tuple[Issue, ...]] = {
    "ios": (
        Issue(4101, "EXC_BAD_ACCESS: themeDidChange", "EXC_BAD_ACCESS", "Theme.apply", 0.52, "7.0", "7.1"),
        Issue(4017, "SIGABRT: index 0 beyond bounds", "SIGABRT", "TransactionList.cell", 0.27, "6.3"),
        Issue(4046, "EXC_BREAKPOINT: unexpectedly found nil", "EXC_BREAKPOINT", "TransferForm.submit", 0.17, "6.6"),
        Issue(4102, "App Hanging: blocked for 2000 ms", "App Hanging", "SearchIndex.rebuild", 0.18, "7.0", "", "error"),
    ),
    "android": (
        Issue(5209, "OutOfMemoryError: dark theme bitmap", "OutOfMemoryError", "ThemeCache.load", 0.62, "7.0", "7.1"),
        Issue(5120, "NullPointerException: account label", "NullPointerException", "AccountAdapter.bind", 0.2, "6.0"),
        Issue(5164, "IllegalStateException: no fragment", "IllegalStateException", "Transfer.confirm", 0.12, "6.6"),
        Issue(5188, "CameraAccessException: camera in use", "CameraAccessException", "ChequeScanner.open", 0.05, "6.8"),
        Issue(
            5210, "ANR: input timed out", "ApplicationNotResponding", "SearchIndex.rebuild", 0.26, "7.0", "", "error"
        ),
    ),
}


class Crashes:
    """What a crash tool knows of a story, day by day, drawn when it is asked for."""

    def __init__(self, story: Story, seed: int) -> None:
        self._story = story
        self._seed = seed
        self._out = {
            platform: [(r.released_at.date(), r.version) for r in story.releases if r.channel == channel]
            for platform, channel in CHANNELS.items()
        }
        self.health = cache(self._health)

    def first_day(self, platform: Platform, version: str) -> date:
        """The day a version came out."""
        return next(day for day, name in self._out[platform] if name == version)

    def _health(self, platform: Platform, day: date) -> dict[str, Health]:
        """A whole day by version, the newest first; empty outside of the story."""
        if not self._story.first_day <= day <= self._story.today:
            return {}
        rng = Random(f"{self._seed}/crashes/{platform}/{day}")  # noqa: S311 - a story, not a secret
        everyone = _SESSIONS[platform] * _WEEK[day.weekday()] * rng.gauss(1, 0.03)
        weather = rng.gauss(1, 0.04)
        found = {}
        for version, share in self._uptake(platform, day):
            sessions = round(everyone * share)
            usual = sessions * _RATES[platform] * _WORSE[platform].get(version, 1.0) * weather
            crashed = max(0, round(rng.gauss(usual, usual**0.5)))
            users = round(sessions / rng.gauss(2.3, 0.03))
            found[version] = Health(sessions, users, crashed, min(users, round(crashed * 0.86)))
        return found

    def _uptake(self, platform: Platform, day: date) -> list[tuple[str, float]]:
        out = [(at, name) for at, name in self._out[platform] if at <= day][-3:][::-1]
        left, until, found = 1.0, day, []
        for at, name in out:  # who has not taken the newest version is on the one before, as on that day
            share = left * _taken((until - at).days) if (at, name) != out[-1] else left
            found.append((name, share))
            left, until = left - share, at
        return found

    def events(self, platform: Platform, issue: Issue, day: date) -> dict[str, int]:
        """An issue's events on a whole day, by version."""
        versions = [name for _, name in self._out[platform]]
        since = versions.index(issue.first)
        until = versions.index(issue.mended) if issue.mended else len(versions)
        there = set(versions[since:until])
        told = {v: round(issue.share * h.crashed) for v, h in self.health(platform, day).items() if v in there}
        return {version: n for version, n in told.items() if n}

    def seen(self, platform: Platform, issue: Issue, until: date) -> tuple[date, date, str] | None:
        """The first day, the last day and the last version of an issue up to a day; None before it was seen."""
        first = max(self.first_day(platform, issue.first), self._story.first_day)
        day = until
        while day >= first:
            if told := self.events(platform, issue, day):
                return first, day, next(iter(told))
            day -= timedelta(days=1)
        return None


def _taken(days: int) -> float:
    """The share of people on a release so many days after it came out."""
    return plot.UPTAKE[days] if days < len(plot.UPTAKE) else 0.95

"""Irritants from daily counts: where each began, with which release, whether it was mended, and whether it is gone.

Pure: the same days give the same episodes, whatever was found on an earlier run, so that an irritant keeps its
identity by its key and its days. The scan's scores come from the caller (`alerts.detectors.new_irritant`).
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

State = Literal["emerging", "ongoing", "fix_shipped", "gone", "back"]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Each at most one false irritant a year and app over all its keys, at every volume (`python -m benchmarks.emergence`).
NOTICED: dict[float, float] = {2: 3.5, 5: 3.7, 10: 4.0, 20: 4.25, 40: 4.25, 80: 4.2, 300: 4.1}
"""Of a topic: reviews a day → score, in between by the logarithm of the volume. Few reviews give few chances of five
mentions by accident; of many, the least share and rise hold back what the score lets through."""
NOTICED_CHANNEL = 0.3  # more on one channel alone, by its own volume: there are several
NOTICED_PHRASE = 3.9  # of a phrase: there are hundreds, but few ever reach `LEAST_SHARE`
NOTICED_PART = 3.9  # of a fault within a topic
NOTICED_SLOW: dict[float, float] = {5: 3.3, 10: 3.5, 20: 3.8, 40: 3.5, 80: 3.3}
"""Of slow growth, in the same way."""
AFTER_RELEASE, RELEASE_DAYS = 0.35, 5
"""Less is asked for in the first days of a release, when most irritants begin."""
VOLUME_DAYS, RECENT_DAYS = 56, 14  # before each day, and up to it, that say its volume
LEAST_MENTIONS = 5
LEAST_SHARE = 0.015  # of the reviews: below, nobody would call it an irritant
LEAST_RISE = 1.6  # times its usual share
CALM_DAYS = 14
BACK_DAYS = 90  # after which the same complaints are a new irritant with a past
FROZEN_DAYS = 180  # after which a level has become the usual one
NEW_DAYS = 14  # since noticed, in which it is emerging
BEFORE_DAYS, AFTER_DAYS = 7, 2  # around its first day, in which a release may be its cause
TOGETHER_DAYS = 6
SAME = 0.5  # share of verbatims in common from which two topics are one irritant
GENERIC = frozenset({"topic:update", "topic:outage", "topic:compatibility"})
SAME_GENERIC = 0.15
LEAST_PART = 10  # verbatims of a fault that is told apart from another of the same topic
PART_SHARE = 0.15  # of the topic's verbatims
DISTINCT = 0.2  # share of the smaller one's verbatims in common up to which two faults are two
STANDING_SHARE = 0.015
STANDING_LEAST = 12


@dataclass(frozen=True, slots=True)
class Scan:
    """The scan of one key at every day, as arrays (days,): its score, loudest window and the share before it."""

    score: Floats
    window: Ints
    before: Floats


@dataclass(frozen=True, slots=True)
class Launch:
    """A version, the day on which a channel began to offer it, and the topics that its notes say it mends."""

    channel: str
    version: str
    day: date
    mends: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Episode:
    """An irritant's life in the counts. Shares are of all reviews. `ended` is its last day where it is gone,
    `returned` the day on which it came back after having been gone."""

    key: str
    began: date
    noticed: date
    ended: date | None
    score: float
    share_before: float
    share_peak: float
    channels: tuple[str, ...] = ()
    returned: date | None = None
    version: str = ""
    fixed_version: str = ""
    fixed: date | None = None
    announced: bool = False
    slow: bool = False
    """It grew over months: no release began it."""

    def state(self, today: date) -> tuple[State, date]:
        """Its state on a day, and since when."""
        if self.ended is not None:
            return "gone", self.ended + timedelta(days=1)
        if self.fixed is not None and self.fixed <= today and self.fixed > (self.returned or date.min):
            return "fix_shipped", self.fixed
        if self.returned is not None:
            return "back", self.returned
        if (today - self.noticed).days < NEW_DAYS:
            return "emerging", self.noticed
        return "ongoing", self.noticed + timedelta(days=NEW_DAYS)


def thresholds(curve: Mapping[float, float], reviews: Ints, judged: NDArray[np.bool_] | None = None) -> Floats:
    """The score that a curve (reviews a day → score) asks for on each day (days,): the higher one of two volumes.

    These are the volumes of the 56 days before and of the last 14: a campaign that brings five times the reviews
    brings as many more chances. Days that are not `judged` are left out; where nothing was written, the highest score
    is asked for.
    """
    seen = np.ones(len(reviews)) if judged is None else judged.astype(np.float64)
    written, days = (np.concatenate([[0.0], np.cumsum(part)]) for part in (reviews * seen, seen))
    looks = np.arange(len(reviews))

    def asked(start: Ints, end: Ints) -> Floats:
        volume = (written[end] - written[start]) / np.maximum(days[end] - days[start], 1.0)
        known = np.log(np.array(list(curve)))
        found: Floats = np.interp(np.log(np.maximum(volume, 1e-3)), known, np.array(list(curve.values())))
        return np.where(volume > 0, found, max(curve.values()))

    before = asked(np.maximum(looks - VOLUME_DAYS, 0), looks)
    return np.maximum(before, asked(np.maximum(looks + 1 - RECENT_DAYS, 0), looks + 1))


def eased(launches: Iterable[date], first_day: date, days: int) -> Floats:
    """By how much less is asked for on each day (days,): `AFTER_RELEASE` on the first days of a release, else 0."""
    less = np.zeros(days)
    for launch in launches:
        at = (launch - first_day).days
        less[max(at, 0) : max(at + RELEASE_DAYS, 0)] = AFTER_RELEASE
    return less


def episodes(
    key: str, mentions: Ints, reviews: Ints, scan: Scan, first_day: date, threshold: float | Floats
) -> list[Episode]:
    """Episodes of one key, oldest first, from its mentions a day and all reviews a day (days,).

    `threshold` is one score, or that of each day. An episode begins with the loudest window of the first day whose
    score reaches it on enough mentions; from there the share before is frozen, and it ends after 14 days in which no
    week is clearly above that share.
    """
    said, written = np.concatenate([[0], np.cumsum(mentions)]), np.concatenate([[0], np.cumsum(reviews)])
    found: list[Episode] = []
    loud = np.flatnonzero(scan.score >= threshold)
    after = -1
    for day in loud.tolist():
        if day <= after:
            continue
        start = max(day + 1 - int(scan.window[day]), after + 1, 0)
        y, n = int(said[day + 1] - said[start]), int(written[day + 1] - written[start])
        before = float(scan.before[day])
        if y < LEAST_MENTIONS or y < LEAST_SHARE * n or y < LEAST_RISE * before * n:
            continue
        last, peak, calm = day, y / max(n, 1), False
        for at in range(day, len(mentions)):
            week = max(at - 6, start)
            y, n = int(said[at + 1] - said[week]), int(written[at + 1] - written[week])
            usual = before * n
            if y >= 3 and y > usual + 2 * sqrt(usual * (1 + 0.16 * usual) + 0.25):
                last = at
                peak = max(peak, y / max(n, 1))
            elif at - last >= CALM_DAYS:
                calm = True
                break
            if at - start >= FROZEN_DAYS:
                calm = True
                break
        # A week that is above ends up to six days after the last loud day: what is told is the last day with mentions.
        while calm and last > day and not mentions[last]:
            last -= 1
        found.append(
            Episode(
                key,
                first_day + timedelta(days=start),
                first_day + timedelta(days=day),
                first_day + timedelta(days=last) if calm else None,
                float(np.nanmax(scan.score[start : last + 1])),
                before,
                peak,
            )
        )
        after = last + CALM_DAYS if calm else len(mentions)
    return joined(found)


def joined(found: Sequence[Episode]) -> list[Episode]:
    """Episodes of one key without overlap: those that touch or come back within 90 days of the end are one."""
    kept: list[Episode] = []
    for one in sorted(found, key=lambda episode: (episode.began, episode.noticed)):
        last = kept[-1] if kept else None
        if last is None or (last.ended is not None and (one.began - last.ended).days > BACK_DAYS):
            kept.append(one)
            continue
        overlap = last.ended is None or one.began <= last.ended + timedelta(days=1)
        ended = None if last.ended is None and overlap else one.ended
        if overlap and last.ended is not None and one.ended is not None:
            ended = max(last.ended, one.ended)
        kept[-1] = replace(
            last,
            noticed=min(last.noticed, one.noticed),
            ended=ended,
            score=max(last.score, one.score),
            share_peak=max(last.share_peak, one.share_peak),
            channels=last.channels if set(one.channels) <= set(last.channels) else (*last.channels, *one.channels),
            returned=last.returned if overlap else one.began,
        )
    return kept


def with_release(episode: Episode, launches: Sequence[Launch], by_version: Mapping[tuple[str, str], int]) -> Episode:
    """Name the release where it began, and the one that mends it as far as its notes say.

    `by_version` counts its mentions by (channel, version) from its first day on. A release is its cause when it came
    at most 7 days before the first day (2 days after it was noticed) and carries most mentions that name a version.
    """
    near = (
        []
        if episode.slow
        else [
            launch
            for launch in launches
            if timedelta(days=-BEFORE_DAYS) <= launch.day - episode.began
            and launch.day - episode.noticed <= timedelta(days=AFTER_DAYS)
            and (not episode.channels or launch.channel in episode.channels)
        ]
    )
    told: dict[str, int] = {}
    for (_, version), count in by_version.items():
        if version:
            told[version] = told.get(version, 0) + count
    named = {launch.version: told.get(launch.version, 0) for launch in near}
    if not named:
        return episode
    version = max(named, key=lambda name: (named[name], max(one.day for one in near if one.version == name)))
    if told and named[version] < 0.3 * sum(told.values()):
        return episode
    began = min(launch.day for launch in near if launch.version == version)
    return replace(episode, version=version, began=began, noticed=max(began, episode.noticed))


def with_fix(
    episode: Episode,
    launches: Sequence[Launch],
    rate: Mapping[date, tuple[int, int]],
    today: date,
    keys: Iterable[str] = (),
) -> Episode:
    """Name the release that mends it: one whose notes say so, or one after which its share fell by half for sure.

    `rate` gives (mentions, reviews) of each day; `keys` are those whose notes count, its own among them.
    """
    topics = {key.removeprefix("topic:") for key in (episode.key, *keys)}
    since = episode.returned or episode.began
    end = episode.ended or today
    later = sorted(
        (launch for launch in launches if since < launch.day <= end and launch.version != episode.version),
        key=lambda launch: (launch.day, launch.version),
    )
    for launch in later:
        if launch.mends & topics and launch.day > episode.began:
            return replace(episode, fixed_version=launch.version, fixed=launch.day, announced=True)
        settled = launch.day + timedelta(days=2)
        before = _rate(rate, since, launch.day - timedelta(days=1))
        after = _rate(rate, settled, min(settled + timedelta(days=13), today))
        if before[1] and after[1] >= 20:
            expected = before[0] / before[1] * after[1]
            if expected >= 4 and after[0] <= 0.5 * expected and after[0] < expected - 2 * sqrt(expected):
                return replace(episode, fixed_version=launch.version, fixed=launch.day)
    return episode


def _rate(rate: Mapping[date, tuple[int, int]], first: date, last: date) -> tuple[int, int]:
    days = [rate.get(first + timedelta(days=n), (0, 0)) for n in range((last - first).days + 1)]
    return sum(y for y, _ in days), sum(n for _, n in days)


def absorbed(
    found: Sequence[tuple[Episode, int]],
    together: Mapping[tuple[int, int], int],
    kept: Container[int] = frozenset(),
) -> tuple[dict[int, int], dict[int, int]]:
    """Which episodes say the same as a larger one, and which only seem to: both as index of the smaller → the larger.

    `found` has each episode with its verbatims, `together[i, j]` (i < j) how many verbatims two have in common in the
    weeks where both began. Two that began within six days of each other are one irritant where half of the smaller
    speak of both; a general complaint (the update, "nothing works") joins with fewer.

    Where a larger one already holds a precise fault (signing in, by SMS code) and another with few verbatims in common
    with that would join (by Face ID), these are two faults: the second stays apart. So do those in `kept`, which were
    told apart before.
    """
    order = sorted(range(len(found)), key=lambda i: (_general(found[i][0]), -found[i][1], found[i][0].key))
    into: dict[int, int] = {}
    apart: dict[int, int] = {}

    def common(i: int, j: int) -> int:
        return together.get((min(i, j), max(i, j)), 0)

    def other_fault(small: int, large: int) -> bool:
        size = found[small][1]
        held = [i for i, to in into.items() if to == large and not _general(found[i][0])]
        return (
            any(found[i][1] >= LEAST_PART for i in held)
            and size >= max(LEAST_PART, PART_SHARE * found[large][1])
            and all(common(i, small) <= DISTINCT * min(found[i][1], size) for i in held)
        )

    for place, small in enumerate(order):
        one, size = found[small]
        for large in order[:place]:
            other, _ = found[large]
            if large in into or other.key == one.key or abs((other.began - one.began).days) > TOGETHER_DAYS:
                continue
            if common(small, large) >= max((SAME_GENERIC if _general(one) else SAME) * max(size, 1), 3):
                if not _general(one) and (small in kept or other_fault(small, large)):
                    apart[small] = large
                else:
                    into[small] = large
                break
    return into, apart


def _general(episode: Episode) -> bool:
    return episode.key in GENERIC


def standing(mentions: Ints, reviews: Ints, free: NDArray[np.bool_], days: int = 84) -> float | None:
    """The usual share of a key over its last `days` days outside episodes (`free`), None where it is no irritant."""
    recent = slice(max(len(mentions) - days, 0), None)
    y, n = int((mentions * free)[recent].sum()), int((reviews * free)[recent].sum())
    if n == 0 or y < STANDING_LEAST or y < STANDING_SHARE * n:
        return None
    return y / n


def points_at_stake(all_stars: tuple[int, int], without: tuple[int, int]) -> float | None:
    """By how much the mean star would rise without an irritant's verbatims.

    Both are (sum of stars, verbatims with stars): of all, and of the irritant's. None without stars.
    """
    total, rated = all_stars
    theirs, many = without
    if rated <= 0 or rated - many <= 0:
        return None
    return (total - theirs) / (rated - many) - total / rated


def likeness(one: Iterable[str], other: Iterable[str]) -> float:
    """How alike two irritants' keys and telling words are: shared ones over all (Jaccard), 0 to 1."""
    a, b = set(one), set(other)
    return len(a & b) / len(a | b) if a or b else 0.0

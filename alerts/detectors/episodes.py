"""The life of an alarm over days: one episode until 14 calm days in a row, its baseline frozen before it began."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.rating_drop import scan
from alerts.detectors.stars import Bools, Floats, star_sums

CALM_DAYS = 14
LONGEST_FREEZE = 84  # days after which the new level is the usual one, and the baseline moves again


@dataclass(frozen=True, slots=True)
class Episode:
    """Indices of days: first and last day at or above the threshold; `closed` is the day it ended, None while open."""

    start: int
    last: int
    closed: int | None
    peak: float
    peak_day: int


def episodes(scores: Floats, threshold: float, calm_days: int = CALM_DAYS) -> list[Episode]:
    """Group the days of one stream's `scores` (days,) at or above `threshold` into episodes.

    An episode ends once the score has stayed below for `calm_days` judged days; a NaN day (not judged, or too thin) is
    neither loud nor calm, so that silence never closes an incident. Raises ValueError if calm_days < 1.
    """
    if calm_days < 1:
        raise ValueError("an episode needs at least one calm day to end")
    judged_until = np.cumsum(~np.isnan(scores))
    with np.errstate(invalid="ignore"):
        loud = np.flatnonzero(scores >= threshold)
    if not loud.size:
        return []
    breaks = np.flatnonzero(np.diff(judged_until[loud]) > calm_days)
    found = []
    for days in np.split(loud, breaks + 1):
        after = np.flatnonzero(judged_until >= judged_until[days[-1]] + calm_days)
        peak = int(days[np.argmax(scores[days])])
        closed = int(after[0]) if after.size else None
        found.append(Episode(int(days[0]), int(days[-1]), closed, float(scores[peak]), peak))
    return found


def replay_rating_drop(
    counts: NDArray[np.integer],
    threshold: float,
    *,
    judged: Bools | None = None,
    calm_days: int = CALM_DAYS,
    longest_freeze: int = LONGEST_FREEZE,
) -> list[Episode]:
    """Replay the rule over the past of one stream, (days, 5): every opening it would have made, baseline frozen.

    From the day of an alarm the baseline ends the day before it, until the episode closes or `longest_freeze` days have
    passed: a lasting fall is then the usual level, and the next one is measured from there.
    """
    sums = star_sums(counts[None], judged)
    days = np.arange(counts.shape[0])
    free = scan(sums, days).score[0]
    found: list[Episode] = []
    begin = 0
    while begin < len(days):
        with np.errstate(invalid="ignore"):
            loud = np.flatnonzero(free[begin:] >= threshold)
        if not loud.size:
            break
        start = begin + int(loud[0])
        thaw = min(start + longest_freeze, len(days))
        held = scan(sums, days[start:thaw], np.array([start])).score[0]
        told = np.concatenate([held, free[thaw:]])
        first = episodes(np.where(np.arange(len(told)) == 0, free[start], told), threshold, calm_days)[0]
        found.append(
            Episode(
                start,
                start + first.last,
                None if first.closed is None else start + first.closed,
                first.peak,
                start + first.peak_day,
            )
        )
        if first.closed is None:
            break
        begin = start + first.closed + 1
    return found

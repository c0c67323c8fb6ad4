"""The share without a crash, with its 95 % interval, and whether two versions differ in it.

The noise is that of the crash alerts: beyond counting, a day's crash rate is off by about 10 %, and so is a version's,
without any fault. Intervals are Wilson's at the number of sessions that counts as much with that noise, differences
Newcombe's (`analysis.nps`).
"""

from dataclasses import dataclass
from typing import Literal

from alerts.detectors.crash_spike import DAY_NOISE, LASTING_NOISE
from analysis.nps import Difference, Share, difference, wilson

KNOWN = 0.5  # half-width, as a part of the earlier version's crash rate, at which two versions are called the same


@dataclass(frozen=True, slots=True)
class CrashCounts:
    """What crashed of what ran, over `days` with both figures.

    `people`: users by day instead of sessions. The same people come back the next day, so that all days together tell
    no more than the people of one: their interval is never narrower.
    """

    crashed: float
    ran: float
    days: int
    people: bool


CrashVerdict = Literal["worse", "better", "alike", "too_noisy"]


@dataclass(frozen=True, slots=True)
class CrashChange:
    """The crash-free share of one version less that of another, −1 to 1, with its interval and what it says."""

    difference: float
    low: float
    high: float
    verdict: CrashVerdict


def crash_free_share(counts: CrashCounts, lasting: float = 0.0) -> Share:
    """Return the share without a crash (0 to 1); `lasting` is a relative variance that no number of days averages out.

    Raises ValueError where nothing ran.
    """
    if counts.ran <= 0 or counts.days < 1:
        raise ValueError("a share needs something that ran")
    crashed = min(counts.crashed / counts.ran, 1.0)
    n = counts.ran / counts.days if counts.people else counts.ran
    # As much as so many sessions without the noise: p(1 − p)/n + p²(1 − p)²·noise is the variance.
    worth = n / (1 + n * crashed * (1 - crashed) * (lasting + DAY_NOISE / counts.days))
    low, high = wilson(1 - crashed, worth)
    return Share(1 - crashed, low, high, round(counts.ran - counts.crashed), round(counts.ran))


def crash_free_change(this: CrashCounts, that: CrashCounts) -> CrashChange:
    """Compare two versions, each allowed the 10 % by which versions differ without a fault."""
    mine, theirs = crash_free_share(this, LASTING_NOISE), crash_free_share(that, LASTING_NOISE)
    found = difference(mine, theirs)
    return CrashChange(found.difference, found.low, found.high, _verdict(found, 1 - theirs.share))


def _verdict(found: Difference, usual: float) -> CrashVerdict:
    if found.proven:
        return "better" if found.low > 0 else "worse"
    return "alike" if (found.high - found.low) / 2 <= KNOWN * usual else "too_noisy"

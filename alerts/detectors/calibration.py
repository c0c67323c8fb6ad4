"""From a score to "once in N years", and from a noise budget to thresholds.

Each rule has a line log10(false alarms per stream-year) = intercept − slope · score, fitted on simulated run lengths
with episodes of 14 calm days (benchmarks/detectors.py prints the same figures measured anew). Outside the range where
a line was measured it is an extrapolation: it is kept between `MOST_A_YEAR` and once in
`RAREST_YEARS`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import log10
from typing import Literal

from alerts.detectors.judgement import Rule, Thresholds

RAREST_YEARS = 1000.0
MOST_A_YEAR = 24.0  # an episode lasts 14 calm days or more


@dataclass(frozen=True, slots=True)
class Line:
    """log10(false alarms per stream-year) = intercept − slope · score."""

    intercept: float
    slope: float


# A crash score has two lines: the guard of a new version looks less often than the scan over the whole app. So has a
# burst: of all bad reviews, and of those that name one topic.
Calibrated = Rule | Literal["release_crash_spike", "topic_burst", "together"]

# One stream-year is: of a star series; of an app's releases; of one topic; of an app's crash counts; of hourly
# counts; of an app's hourly topics, all together; of an app's parts added up.
LINES: dict[Calibrated, Line] = {
    "rating_drop": Line(2.41, 0.83),
    "bad_release": Line(0.97, 0.48),
    "new_irritant": Line(2.70, 0.954),
    "crash_spike": Line(2.83, 1.0),
    "release_crash_spike": Line(1.83, 0.75),
    "burst": Line(3.77, 0.83),
    "topic_burst": Line(4.95, 1.10),
    "together": Line(1.30, 0.68),
}

DEFAULT_THRESHOLDS: dict[Calibrated, Thresholds] = {
    "rating_drop": Thresholds(3.0, 4.0),
    "bad_release": Thresholds(2.5, 3.75),
    "new_irritant": Thresholds(3.16, 3.66),
    "crash_spike": Thresholds(2.8, 3.5),
    "release_crash_spike": Thresholds(2.3, 3.1),
    "burst": Thresholds(4.6, 5.3),
    "topic_burst": Thresholds(4.8, 5.1),
    "together": Thresholds(1.9, 3.4),
}


@dataclass(frozen=True, slots=True)
class Chance:
    """How often a score as high comes without a real change: in years on one stream, in months over all of yours."""

    years_on_one_stream: float
    months_over_yours: float
    streams: int


def false_alarms_per_stream_year(rule: Calibrated, score: float) -> float:
    """Return the calibrated number of false episodes a year on one stream at a threshold of `score`."""
    line = LINES[rule]
    return float(min(max(10 ** (line.intercept - line.slope * score), 1 / RAREST_YEARS), MOST_A_YEAR))


def false_alarm_years(rule: Calibrated, score: float) -> float:
    """Return N of "once in N years on one stream" (at most RAREST_YEARS)."""
    return 1 / false_alarms_per_stream_year(rule, score)


def chance(rule: Calibrated, score: float, streams: int = 1) -> Chance:
    """Return the numbers of the honest sentence for a score, for somebody who watches `streams` streams (≥ 1)."""
    if streams < 1:
        raise ValueError("chance needs at least one stream")
    yearly = false_alarms_per_stream_year(rule, score)
    return Chance(1 / yearly, 12 / (yearly * streams), streams)


def threshold_for_budget(rule: Calibrated, per_month: float, streams: int) -> float:
    """Return the score at which `streams` streams together give `per_month` false alarms a month.

    h = (intercept − log10(12 · per_month / streams)) / slope. Raises ValueError unless both are positive.
    """
    if per_month <= 0 or streams < 1:
        raise ValueError("a noise budget and a number of streams are positive")
    line = LINES[rule]
    return (line.intercept - log10(12 * per_month / streams)) / line.slope


def split_budget(
    per_month: float, watched: Mapping[tuple[Calibrated, str], int]
) -> dict[tuple[Calibrated, str], float]:
    """Return the threshold of each (rule, level of detail), e.g. ("rating_drop", "app"), for one budget over them all.

    `watched` says how many streams each has; those with none are left out. The budget is split evenly over the rules,
    then over the levels of a rule, so that a hundred storefronts cannot drown the five apps they belong to.
    """
    kept = {key: streams for key, streams in watched.items() if streams > 0}
    levels = Counter(rule for rule, _ in kept)
    return {
        (rule, level): threshold_for_budget(rule, per_month / len(levels) / levels[rule], streams)
        for (rule, level), streams in kept.items()
    }

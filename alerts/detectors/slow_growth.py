"""Has a topic grown over months? Its last four weeks against the weeks that ended two months before them.

A complaint that grows a little each week never rises over the 56 days before it, because these grew as well.
"""

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.excess import excess_score
from alerts.detectors.new_irritant import DAY_NOISE, PRIOR_MENTIONS, PRIOR_REVIEWS, SLOW_NOISE
from alerts.detectors.stars import Bools, Floats, Ints, at, running

WINDOW = 28
LAG = 56  # days between the window and what it is compared with
BASELINE_DAYS = 84
HISTORY_DAYS = WINDOW + LAG + BASELINE_DAYS
LEAST_MENTIONS = 8
LEAST_BEFORE = 100  # reviews in the baseline


def scan_slow_growth(
    mentions: NDArray[np.integer], reviews: NDArray[np.integer], judged: Bools | None = None
) -> tuple[Floats, Floats]:
    """Score of every topic (topics, days) at the end of every day, and its share in the baseline of each.

    NaN before there are 168 days, or where counts are too thin. Both levels wander on their own over months, so the
    slow noise of the scan counts twice: z = dev/√(1 + μ(0.10/28 + 2·0.25²) + μ/(y_b + 1)). Raises ValueError on
    unequal days.
    """
    if mentions.shape[-1] != reviews.shape[-1]:
        raise ValueError("mentions and reviews cover the same days")
    looks: Ints = np.arange(reviews.shape[-1])
    seen = np.ones(len(looks)) if judged is None else judged.astype(np.float64)
    said = running(np.atleast_2d(mentions) * seen)
    written = np.broadcast_to(running(np.atleast_2d(reviews) * seen), said.shape)
    start = np.maximum(looks + 1 - WINDOW, 0)
    end = np.maximum(start - LAG, 0)
    first = np.maximum(end - BASELINE_DAYS, 0)
    y, n = (at(sums, looks + 1) - at(sums, start) for sums in (said, written))
    y_before, n_before = (at(sums, end) - at(sums, first) for sums in (said, written))
    share = (y_before + PRIOR_MENTIONS) / (n_before + PRIOR_REVIEWS)
    expected = share * n
    noise = DAY_NOISE / WINDOW + 2 * SLOW_NOISE
    score = excess_score(y, expected, expected * (noise + 1 / (y_before + PRIOR_MENTIONS)))
    enough = (y >= LEAST_MENTIONS) & (n_before >= LEAST_BEFORE) & (end - first >= BASELINE_DAYS)
    return np.where(enough, score, np.nan), share

"""The mean of a handful of stars, and how far it can be off."""

from collections.abc import Sequence
from math import sqrt

USUAL_VARIANCE = 1.9
"""Variance of stars in a typical store stream; it steadies the estimate where there are few reviews."""

DAY_SHOCK = 0.2
"""A day's common shock as a share of the stars' spread: tau squared = 0.2² s² / 2 (docs/detectors.md)."""


def mean_stars(stars: Sequence[int]) -> float | None:
    """The mean of the counts of one to five stars, or None without any."""
    n = sum(stars)
    return sum(star * count for star, count in enumerate(stars, 1)) / n if n else None


def half_width(stars: Sequence[int], days: int) -> float | None:
    """Half the 95 % interval of the mean, with the shock that the reviews of one day share. None without reviews.

    The variance is pulled towards `USUAL_VARIANCE` with the weight of four reviews, so that five times five stars do
    not pretend to be certain.
    """
    n, mean = sum(stars), mean_stars(stars)
    if mean is None:
        return None
    spread = sum(count * (star - mean) ** 2 for star, count in enumerate(stars, 1))
    variance = (spread + 4 * USUAL_VARIANCE) / (n + 3)
    shared = DAY_SHOCK**2 * variance / 2 / max(1, min(days, n))
    return 1.96 * sqrt(variance / n + shared)

"""Sums over days of star counts, and the two noises that a plain test forgets: the day's own and the slow drift.

Reviews of one day share a shock (an outage, a push, a mood): the daily mean wanders by more than sampling. And the mean
drifts over weeks. Both are estimated on the stream itself and shrunk towards what 17 real series show, because a
short or thin history says little. Arrays are (streams, days + 1): entry i sums the days before day i.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

STARS = np.arange(1.0, 6.0)
TYPICAL_DAYS = 56  # the days that say what a usual volume is
CAP = 3.0  # a baseline day weighs at most this many usual days (campaigns, release bursts)
CAP_FLOOR = 5.0  # reviews a day below which no day is called unusual
LEAST_VARIANCE = 0.4  # of one review's stars: an all-five-star month is not a promise
DAY_SD = 0.23  # prior day noise, for a star variance of 2
DAY_WEIGHT = 28.0  # days that the prior counts for
DRIFT_SD = 0.12  # prior drift of a 7-day mean
DRIFT_WEIGHT = 40.0  # weeks that the prior counts for
DRIFT_WEEKS = 12


@dataclass(frozen=True, slots=True)
class StarSums:
    """Running sums: reviews, their stars, squared daily counts; then the same with each day's weight capped."""

    reviews: Floats
    total: Floats
    squares: Floats
    capped: Floats
    capped_total: Floats
    capped_star_squares: Floats
    capped_squares: Floats
    capped_between: Floats  # Σ over days of (stars of the day)² / reviews of the day
    days: Floats  # days with at least one review
    drift: Floats  # κ² of the weeks that end before day i


@dataclass(frozen=True, slots=True)
class Spell:
    """Some days of reviews taken together: how many, their mean, and Σ n_d² / n² (1 / days when days are equal)."""

    reviews: Floats
    mean: Floats
    day_share: Floats


@dataclass(frozen=True, slots=True)
class Baseline:
    """The usual: a spell, the variance of one review's stars, and the variances of a day (τ²) and of drift (κ²)."""

    spell: Spell
    variance: Floats
    day: Floats
    drift: Floats


def star_sums(counts: NDArray[np.integer], judged: Bools | None = None) -> StarSums:
    """Sum star counts of shape (streams, days, 5), leaving out the days that `judged` denies.

    `judged` is (days,) or (streams, days). Raises ValueError on another shape or on a negative count.
    """
    if counts.ndim != 3 or counts.shape[2] != 5:
        raise ValueError("star counts have the shape (streams, days, 5)")
    if counts.size and counts.min() < 0:
        raise ValueError("a count of reviews cannot be negative")
    seen = np.ones(counts.shape[:2]) if judged is None else np.broadcast_to(judged, counts.shape[:2]).astype(np.float64)
    kept = counts * seen[:, :, None]
    reviews = kept.sum(axis=2)
    total = kept @ STARS
    star_squares = kept @ STARS**2
    between = np.divide(total**2, reviews, out=np.zeros_like(total), where=reviews > 0)
    weight = day_weights(reviews, seen)
    capped, capped_total = running(reviews * weight), running(total * weight)
    return StarSums(
        reviews=running(reviews),
        total=running(total),
        squares=running(reviews**2),
        capped=capped,
        capped_total=capped_total,
        capped_star_squares=running(star_squares * weight),
        capped_squares=running((reviews * weight) ** 2),
        capped_between=running(between * weight),
        days=running((reviews > 0).astype(np.float64)),
        drift=_drift(capped, capped_total, running(star_squares * weight)),
    )


def spell(sums: StarSums, start: Ints, end: Ints) -> Spell:
    """Take together the days start ≤ d < end; both are (looks,) or (streams, looks)."""
    reviews = between(sums.reviews, start, end)
    total, squares = between(sums.total, start, end), between(sums.squares, start, end)
    return Spell(reviews, _ratio(total, reviews), _ratio(squares, reviews**2))


def baseline(sums: StarSums, start: Ints, end: Ints) -> Baseline:
    """Describe the usual over the days start ≤ d < end, unusual volumes capped, with the noise of its days.

    τ² is the DerSimonian-Laird moment estimate over the days, shrunk to 0.23²·s²/2: the prior counts for 28 days, the
    estimate for as many as its volume makes telling.
    """
    reviews, total = between(sums.capped, start, end), between(sums.capped_total, start, end)
    squares, days = between(sums.capped_squares, start, end), between(sums.days, start, end)
    mean = _ratio(total, reviews)
    spread = _ratio(between(sums.capped_star_squares, start, end), reviews) - mean**2
    variance = np.maximum(spread, LEAST_VARIANCE)
    found = _excess(
        between(sums.capped_between, start, end), total, reviews, squares=squares, k=days, variance=variance
    )
    prior = DAY_SD**2 * variance / 2
    a_day = _ratio(reviews, days)
    own = days * a_day * prior / (a_day * prior + variance)
    day = (own * np.maximum(found, 0.0) + DAY_WEIGHT * prior) / (own + DAY_WEIGHT)
    return Baseline(Spell(reviews, mean, _ratio(squares, reviews**2)), variance, day, at(sums.drift, end))


def between(sums: Floats, start: Ints, end: Ints) -> Floats:
    """Return the sum over start ≤ d < end of each stream."""
    return at(sums, end) - at(sums, start)


def at(sums: Floats, index: Ints) -> Floats:
    """Read running sums at an index that all streams share (looks,) or of each stream's own (streams, looks)."""
    if index.ndim == 1:
        return sums[:, index]
    return np.take_along_axis(sums, index, axis=1)


def running(daily: NDArray[np.number]) -> Floats:
    """Return running sums (rows, days + 1) of daily figures (rows, days)."""
    sums = np.zeros((daily.shape[0], daily.shape[1] + 1))
    np.cumsum(daily, axis=1, out=sums[:, 1:])
    return sums


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def day_weights(reviews: Floats, seen: Floats) -> Floats:
    """Return each day's weight in a baseline: 1, or less where the day has over 3 times the volume of the 56 before."""
    roots, judged = running(np.sqrt(reviews)), running(seen)
    end = np.arange(reviews.shape[1])
    start = np.maximum(end - TYPICAL_DAYS, 0)
    history = between(judged, start, end)
    typical = _ratio(between(roots, start, end), history) ** 2
    cap = np.where(history >= 7, np.maximum(CAP * typical, CAP_FLOOR), np.inf)
    return np.minimum(1.0, np.divide(cap, reviews, out=np.ones_like(reviews), where=reviews > 0))


def _excess(groups: Floats, total: Floats, reviews: Floats, *, squares: Floats, k: Floats, variance: Floats) -> Floats:
    """Return the variance between groups beyond sampling (DerSimonian and Laird 1986); `groups` is Σ total_g²/n_g."""
    spread = groups - _ratio(total**2, reviews)
    room = reviews - _ratio(squares, reviews)
    return _ratio(spread - (k - 1) * variance, room)


def _drift(reviews: Floats, total: Floats, star_squares: Floats) -> Floats:
    """Return κ² for every end of day: the excess variance of the means of the 12 weeks before it, shrunk to 0.12²."""
    ends = np.arange(reviews.shape[1])
    shape = reviews.shape
    groups, sizes, squares, weeks = (np.zeros(shape) for _ in range(4))
    for week in range(DRIFT_WEEKS):
        end = np.maximum(ends - 7 * week, 0)
        start = np.maximum(end - 7, 0)
        size, stars = between(reviews, start, end), between(total, start, end)
        sizes += size
        squares += size**2
        groups += _ratio(stars**2, size)
        weeks += size > 0
    first = np.maximum(ends - 7 * DRIFT_WEEKS, 0)
    stars = between(total, first, ends)
    mean = _ratio(stars, sizes)
    variance = np.maximum(_ratio(between(star_squares, first, ends), sizes) - mean**2, LEAST_VARIANCE)
    found = np.maximum(_excess(groups, stars, sizes, squares=squares, k=weeks, variance=variance), 0.0)
    a_week = _ratio(sizes, weeks)
    own = weeks * a_week * DRIFT_SD**2 / (a_week * DRIFT_SD**2 + variance)
    return (own * found + DRIFT_WEIGHT * DRIFT_SD**2) / (own + DRIFT_WEIGHT)

"""Is one version rated differently from another? The difference of their stars with an interval that holds.

The interval carries the noise of days (τ²) and of drift (κ²), as every detector here does: reviews of one day share a
shock, and the mean wanders over weeks. A version's first users differ from those who wait, so the app's own mean
effect of early days, over its six releases before, is taken off (docs/detectors.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.stars import Bools, Floats, Spell, StarSums, baseline, spell, star_sums

TENURE_DAYS = 28  # days of a version that are compared, at most
NOISE_DAYS = 84  # days before the release from which the noise is read
EARLIER_RELEASES = 6
LEAST_THIS = 5
LEAST_THAT = 20
OWN_EARLY = 0.10  # stars (at a variance of 2) by which the first users of one release differ from those of the next
USUAL_EARLY = 0.10  # the same for an app's mean early effect: how far from 0 it is thought to lie
DRIFT_DAYS = 90.0  # over which the mean forgets itself
DRIFT_OF_WEEKS = 6.0  # the variance of two far moments, in units of κ² (that of 7-day means within 84 days)
SMALL_SAMPLE = 4.0  # reviews
WANTED = 0.5  # stars of half-width at which a comparison is called known
POWER = 2.8 / 1.96  # a change of so many half-widths is seen four times out of five

TOPIC_DRIFT = 0.25  # relative sd by which a topic's share wanders by itself, as in the scan for new irritants
TOPIC_DAY = 0.10  # relative variance of a topic's share on one day
LOUD = 2.58  # standard errors from which a topic is said to have risen or fallen: one false name in three looks at 31

Verdict = Literal["worse", "better", "alike", "too_early", "too_noisy"]


@dataclass(frozen=True, slots=True)
class Tenure:
    """A version's stars (days, 5), and its days as the newest: `start` ≤ day < `end`, indices of the same days."""

    counts: NDArray[np.integer]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """This version less that one, in stars: `difference` ± `half_width` (95 %), `early` having been taken off.

    `visible` is the smallest change that would be seen now, four times out of five. `more_reviews` and `more_days`
    say about when the half-width comes down to half a star; None where it already is, or never will.
    """

    before: float
    after: float
    n_before: int
    n_after: int
    early: float
    difference: float
    half_width: float
    visible: float
    verdict: Verdict
    more_reviews: int | None
    more_days: int | None


@dataclass(frozen=True, slots=True)
class Missing:
    """Why two versions cannot be compared yet: `version` is the one with too few reviews, `reviews` how many lack."""

    version: Literal["this", "that"]
    reviews: int


def compare_versions(
    this: Tenure,
    that: Tenure,
    every: NDArray[np.integer],
    earlier: Sequence[tuple[Tenure, Tenure]],
    *,
    judged: Bools | None = None,
) -> Comparison | Missing:
    """Compare `this` with `that`, from each one's first day as the newest, over 28 days at most.

    `every` (days, 5) are the stars of all versions, from which the noise is read; `earlier` are the app's releases
    before, newest last, each with the version that it followed; `judged` (days,) is False on incomplete days.
    """
    counts = [one.counts[None] for one in (this, that)]
    found = differences(
        _Side(counts[0], this.start, this.end),
        _Side(counts[1], that.start, that.end),
        every[None],
        [(_Side(a.counts[None], a.start, a.end), _Side(b.counts[None], b.start, b.end)) for a, b in earlier],
        judged=judged,
    )
    mine, theirs = found.this, found.that
    n_this, n_that = int(mine.reviews[0, 0]), int(theirs.reviews[0, 0])
    if n_this < LEAST_THIS:
        return Missing("this", LEAST_THIS - n_this)
    if n_that < LEAST_THAT:
        return Missing("that", LEAST_THAT - n_that)
    difference, half = float(found.difference[0, 0]), 1.96 * float(found.variance[0, 0]) ** 0.5
    reviews, days = _how_many_more(found, this)
    verdict: Verdict
    if abs(difference) > half:
        verdict = "worse" if difference < 0 else "better"
    elif half <= WANTED:
        verdict = "alike"
    else:
        verdict = "too_noisy" if reviews is None else "too_early"
    return Comparison(
        before=float(theirs.mean[0, 0]),
        after=float(mine.mean[0, 0]),
        n_before=n_that,
        n_after=n_this,
        early=float(found.early[0, 0]),
        difference=difference,
        half_width=half,
        visible=POWER * half,
        verdict=verdict,
        more_reviews=reviews if verdict == "too_early" else None,
        more_days=days if verdict == "too_early" else None,
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """A version in many streams at once: stars (streams, days, 5)."""

    counts: NDArray[np.integer]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Differences:
    """The same for many streams, all (streams, 1): what `compare_versions` is made of."""

    this: Spell
    that: Spell
    early: Floats
    difference: Floats
    variance: Floats
    star_variance: Floats
    day: Floats
    drift: Floats
    apart: float


def differences(
    this: _Side,
    that: _Side,
    every: NDArray[np.integer],
    earlier: Sequence[tuple[_Side, _Side]],
    *,
    judged: Bools | None = None,
) -> Differences:
    """Compare two versions in every stream at once (the arithmetic; thin streams are not left out)."""
    sums = star_sums(every, judged)
    raw = _raw(this, that, sums, judged)
    days = min(this.end - this.start, TENURE_DAYS)
    weight, total = np.zeros_like(raw.difference), np.zeros_like(raw.difference)
    own = OWN_EARLY**2 * raw.star_variance / 2
    for newer, older in earlier[-EARLIER_RELEASES:]:
        first = _Side(newer.counts, newer.start, min(newer.end, newer.start + days))
        past = _raw(first, older, sums, judged)
        enough = (past.this.reviews >= LEAST_THIS) & (past.that.reviews >= LEAST_THAT)
        w = np.where(enough, 1 / (past.variance + own), 0.0)
        weight += w
        total += w * np.clip(past.difference, -0.5, 0.5)
    # A mean over few or thin releases says little: it is drawn to 0 by what is thought of any app beforehand.
    prior = USUAL_EARLY**2 * raw.star_variance / 2
    early = total / (weight + 1 / prior)
    return Differences(
        this=raw.this,
        that=raw.that,
        early=early,
        difference=raw.difference - early,
        variance=raw.variance + own + 1 / (weight + 1 / prior),
        star_variance=raw.star_variance,
        day=raw.day,
        drift=raw.drift,
        apart=raw.apart,
    )


def _raw(this: _Side, that: _Side, sums: StarSums, judged: Bools | None) -> Differences:
    """The plain difference of two tenures, and its variance without the early days."""
    a, b = min(this.start + TENURE_DAYS, this.end), max(that.end - TENURE_DAYS, that.start)
    mine = _spell(this.counts, this.start, a, judged)
    theirs = _spell(that.counts, b, that.end, judged)
    end = np.array([min(this.start, sums.reviews.shape[1] - 1)])
    usual = baseline(sums, np.maximum(end - NOISE_DAYS, 0), end)
    apart = abs((this.start + a) - (b + that.end)) / 2
    variance = (
        _sampling(usual.variance, mine.reviews)
        + _sampling(usual.variance, theirs.reviews)
        + usual.day * (mine.day_share + theirs.day_share)
        + _drift(usual.drift, apart)
    )
    none = np.zeros_like(variance)
    difference = mine.mean - theirs.mean
    return Differences(mine, theirs, none, difference, variance, usual.variance, usual.day, usual.drift, apart)


def _drift(weeks: Floats, apart: float) -> Floats:
    """By how much (variance) the mean has wandered between two moments `apart` days from each other."""
    return weeks * (DRIFT_OF_WEEKS * (1 - exp(-apart / DRIFT_DAYS)))


def _sampling(variance: Floats, reviews: Floats) -> Floats:
    """The variance of a mean of so many stars; a handful is less sure than the formula for many says."""
    n = np.maximum(reviews, 1)
    return variance / n * (1 + SMALL_SAMPLE / n)


def _spell(counts: NDArray[np.integer], start: int, end: int, judged: Bools | None) -> Spell:
    kept = counts[:, start:end]
    seen = None if judged is None else judged[start:end]
    return spell(star_sums(kept, seen), np.array([0]), np.array([kept.shape[1]]))


def _how_many_more(found: Differences, this: Tenure) -> tuple[int | None, int | None]:
    """About how many more reviews, and days at the pace of its last week, until the half-width is half a star."""
    recent = this.counts[max(this.start, this.end - 7) : this.end].sum()
    pace = float(recent) / max(1, min(7, this.end - this.start))
    n, share = float(found.this.reviews[0, 0]), float(found.this.day_share[0, 0])
    sampling, day = float(found.star_variance[0, 0]), float(found.day[0, 0])
    rest = float((found.variance - _drift(found.drift, found.apart))[0, 0]) - day * share
    rest -= sampling / n * (1 + SMALL_SAMPLE / n)
    age = this.end - this.start
    if pace <= 0:
        return None, None
    for days in range(1, TENURE_DAYS - age + 1):
        all_of = n + pace * days
        shares = (share * n**2 + (pace * days) ** 2 / days) / all_of**2
        variance = rest + sampling / all_of * (1 + SMALL_SAMPLE / all_of) + day * shares
        variance += float(_drift(found.drift, found.apart + days / 2)[0, 0])
        if 1.96 * variance**0.5 <= WANTED:
            return ceil(pace * days), days
    return None, None


@dataclass(frozen=True, slots=True)
class ShareChange:
    """How a topic's share of the reviews changed: `ratio` (after / before), 95 % between `low` and `high`.

    `moved` is 1 where it rose, -1 where it fell beyond what chance does among some thirty topics, else 0.
    """

    before: float
    after: float
    ratio: float
    low: float
    high: float
    moved: int


def share_change(
    mentions: int, reviews: int, mentions_before: int, reviews_before: int, days: int, days_before: int
) -> ShareChange:
    """Compare a topic's negative mentions in two groups of reviews, with the noise of days and of drift.

    Half a mention is added to each side, so that a topic that was never spoken of has a ratio too. Raises ValueError
    without reviews.
    """
    if reviews <= 0 or reviews_before <= 0:
        raise ValueError("a share needs reviews on both sides")
    a, b = mentions + 0.5, mentions_before + 0.5
    se = (1 / a + 1 / b + TOPIC_DRIFT**2 + TOPIC_DAY * (1 / max(days, 1) + 1 / max(days_before, 1))) ** 0.5
    effect = log(a / (reviews + 1)) - log(b / (reviews_before + 1))
    return ShareChange(
        before=mentions_before / reviews_before,
        after=mentions / reviews,
        ratio=exp(effect),
        low=exp(effect - 1.96 * se),
        high=exp(effect + 1.96 * se),
        moved=(1 if effect > 0 else -1) if abs(effect) > LOUD * se else 0,
    )

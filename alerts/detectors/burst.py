"""Are bad reviews pouring in right now? Hourly counts of 1 and 2 stars against the usual of this hour and weekday."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.calibration import DEFAULT_THRESHOLDS, Calibrated, false_alarm_years
from alerts.detectors.excess import surge_score
from alerts.detectors.judgement import Effect, Judgement, Thresholds
from alerts.detectors.stars import Floats, Ints, between, day_weights, running

WINDOWS = (1, 2, 3, 4, 6, 9, 12, 18, 24)  # hours
HOURS = 28 * 24
LEAST_NEGATIVES = 5
VOLUME_NOISE = 0.3  # prior of the relative variance of a window's volume, which its good reviews tell better
ODDS_NOISE = 0.10  # prior of the relative variance of a day's odds of a negative review
NOISE_DAYS = 28  # that the prior counts for, and that the stream's own noise is estimated on
PROFILE_WEIGHT = 4.0  # days of even profile in the hour and weekday profiles
BUSY = 80.0  # reviews a day from which false alarms are as frequent as anywhere
SMALL = 0.6  # of score, by which 20 reviews a day are less noisy


@dataclass(frozen=True, slots=True)
class LoudestHours:
    """The loudest window of each stream at each hour, all (streams, hours); NaN where no window can speak."""

    score: Floats
    window: Ints
    expected: Floats
    seen: Floats


@dataclass(frozen=True, slots=True)
class BurstScan(LoudestHours):
    """The same of negative reviews, with the variance of what was seen."""

    variance: Floats
    reviews_a_day: Floats


def burst(
    negatives: NDArray[np.number],
    reviews: NDArray[np.number],
    first_hour: datetime,
    look: datetime,
    thresholds: Thresholds = DEFAULT_THRESHOLDS["burst"],
) -> Judgement | None:
    """Judge the hours up to `look` (the start of the last whole hour), (hours,) counts from `first_hour`.

    `negatives` have 1 or 2 stars. The effect is in negatives an hour; `n_after` and `n_before` are hours. None where
    there are under 5 negatives in a day or under a week of history. Raises ValueError on unequal shapes or a look
    outside the counts.
    """
    last = int((look - first_hour) / timedelta(hours=1))
    if not 0 <= last < len(negatives):
        raise ValueError(f"the look {look} is outside the counts, which begin at {first_hour}")
    found = scan_bursts(negatives[None, : last + 1], reviews[None, : last + 1])
    return judge_burst(found, 0, last, first_hour, thresholds)


def judge_burst(
    found: BurstScan, stream: int, at: int, first_hour: datetime, thresholds: Thresholds = DEFAULT_THRESHOLDS["burst"]
) -> Judgement | None:
    """Return the judgement of one hour (index `at`) of a scan, None where no window can speak."""
    return judge_hours(found, float(found.variance[stream, at]), stream, at, first_hour, "burst", thresholds)


def judge_hours(
    found: LoudestHours,
    variance: float,
    stream: int,
    at: int,
    first_hour: datetime,
    line: Calibrated,
    thresholds: Thresholds,
) -> Judgement | None:
    """Judge the loudest window up to one hour by the calibrated `line`; `variance` is that of what was seen in it."""
    score = float(found.score[stream, at])
    if np.isnan(score):
        return None
    look = first_hour + timedelta(hours=at)
    window = int(found.window[stream, at])
    since = look - timedelta(hours=window - 1)
    before, after = float(found.expected[stream, at]) / window, float(found.seen[stream, at]) / window
    return Judgement(
        rule="burst",
        score=score,
        level=thresholds.level(score),
        effect=Effect.of(
            before,
            after,
            variance=variance / window**2,
            n_before=min(HOURS, max(at + 1 - window - 24, 0)),
            n_after=window,
        ),
        window_days=(look.date() - since.date()).days + 1,
        since=since.date(),
        baseline_from=max(look - timedelta(hours=HOURS + 24), first_hour).date(),
        baseline_to=(look - timedelta(days=1)).date(),
        false_alarm_years=false_alarm_years(line, score),
        window_hours=window,
    )


def burst_scan(negatives: NDArray[np.number], reviews: NDArray[np.number]) -> Floats:
    """Return the score of every stream at the end of every hour: (streams, hours), NaN where too thin."""
    return scan_bursts(negatives, reviews).score


def scan_bursts(negatives: NDArray[np.number], reviews: NDArray[np.number]) -> BurstScan:
    """Score = max over windows of 1 to 24 hours of the negative binomial surge over what the hours usually bring.

    μ = the usual negatives × V. The usual is, over the window's hours, the rate of the 28 days that end 24 hours before
    each, days of unusual volume capped, shaped by the profile of its hour and weekday. V = (o + k)/(o_usual + k),
    k = 1/0.3, is what the window's other reviews o say of its volume: a campaign or a release brings more of both
    kinds, an outage only bad ones. φ = ψ + 1/(o + k) + 1/(y_b + 1); ψ is the stream's own day noise of the odds of a
    bad review, shrunk to 0.10. Both counts are (streams, hours).
    """
    if negatives.shape != reviews.shape:
        raise ValueError("negatives and reviews cover the same hours")
    usual = usual_hours(negatives, reviews)
    hours = np.arange(negatives.shape[1])
    odds_noise = _odds_noise(negatives, reviews)
    # Five bad reviews are seldom reached at 20 reviews a day: chance alone is three times as rare there.
    small = SMALL * np.clip(np.log10(BUSY / np.maximum(usual.reviews_a_day, 1)) / np.log10(BUSY / 20), 0, 1)
    nothing = np.full(negatives.shape, np.nan)
    best = BurstScan(nothing, np.zeros(negatives.shape, np.int64), nothing, nothing, nothing, usual.reviews_a_day)
    for window in WINDOWS:
        first = np.maximum(hours + 1 - window, 0)
        y = usual.bad[:, hours + 1] - usual.bad[:, first]
        others, volume = window_volume(usual, hours, first)
        mean = (usual.expected_bad[:, hours + 1] - usual.expected_bad[:, first]) * volume
        noise = odds_noise + 1 / (others + 1 / VOLUME_NOISE) + 1 / (usual.before_bad + 1)
        score = np.where((y >= LEAST_NEGATIVES) & usual.known, surge_score(y, mean, noise) + small, np.nan)
        variance = y + y**2 * noise
        better = ~(score <= best.score) & ~np.isnan(score)
        best = BurstScan(
            np.where(better, score, best.score),
            np.where(better, window, best.window),
            np.where(better, mean, best.expected),
            np.where(better, y, best.seen),
            np.where(better, variance, best.variance),
            best.reviews_a_day,
        )
    return best


@dataclass(frozen=True, slots=True)
class UsualHours:
    """Running sums (streams, hours + 1) of what came and of what these hours usually bring, and where that is known."""

    bad: Floats
    every: Floats
    expected_bad: Floats
    expected_others: Floats
    shape: Floats
    before_bad: Floats
    before_all: Floats
    hours_before: Ints
    known: NDArray[np.bool_]
    reviews_a_day: Floats
    weight: Floats


def usual_hours(negatives: NDArray[np.number], reviews: NDArray[np.number]) -> UsualHours:
    """Describe the usual of each hour from the 28 days that end 24 hours before it; known after a week of history."""
    weight = _hour_weights(reviews)
    counted: Floats = reviews.astype(np.float64) * weight
    usual_bad, usual_all = running(negatives * weight), running(counted)
    hours = np.arange(negatives.shape[1])
    end = np.maximum(hours - 23, 0)
    start = np.maximum(end - HOURS, 0)
    length = np.maximum(end - start, 1)
    before_bad, before_all = usual_bad[:, end] - usual_bad[:, start], usual_all[:, end] - usual_all[:, start]
    known = np.broadcast_to(end - start >= 7 * 24, negatives.shape)
    profile = np.where(known, _profile(counted, before_all / length), 0.0)
    return UsualHours(
        bad=running(negatives),
        every=running(reviews),
        expected_bad=running(before_bad / length * profile),
        expected_others=running((before_all - before_bad) / length * profile),
        shape=running(profile),
        before_bad=before_bad,
        before_all=before_all,
        hours_before=length,
        known=known,
        reviews_a_day=before_all / length * 24,
        weight=weight,
    )


def window_volume(usual: UsualHours, hours: Ints, first: Ints) -> tuple[Floats, Floats]:
    """Return a window's other reviews, and its volume as a multiple of the usual, by them, shrunk to 1."""
    others = (usual.every[:, hours + 1] - usual.every[:, first]) - (usual.bad[:, hours + 1] - usual.bad[:, first])
    expected = usual.expected_others[:, hours + 1] - usual.expected_others[:, first]
    prior = 1 / VOLUME_NOISE
    return others, (others + prior) / (expected + prior)


def _hour_weights(reviews: NDArray[np.number]) -> Floats:
    """Return the baseline weight of each hour: that of its day (24 hours from the first), see `day_weights`."""
    daily = _by_day(reviews)
    return np.repeat(day_weights(daily, np.ones(daily.shape)), 24, axis=1)[:, : reviews.shape[1]]


def _by_day(hourly: NDArray[np.number]) -> Floats:
    streams, hours = hourly.shape
    padded = np.zeros((streams, -(-hours // 24) * 24))
    padded[:, :hours] = hourly
    daily: Floats = padded.reshape(streams, -1, 24).sum(axis=2)
    return daily


def _odds_noise(negatives: NDArray[np.number], reviews: NDArray[np.number]) -> Floats:
    """Return, for each hour, the relative variance beyond Poisson of a day's odds of a negative review.

    Moments over 28 whole days that end a day before the hour's own, unusual volumes capped, shrunk as for the stars.
    """
    every = _by_day(reviews)
    weight = day_weights(every, np.ones(every.shape))
    bad, good = _by_day(negatives) * weight, (every - _by_day(negatives)) * weight
    days = np.arange(bad.shape[1])
    end = np.maximum(days - 1, 0)
    start = np.maximum(end - NOISE_DAYS, 0)
    length = np.maximum(end - start, 1)

    def mean_of(daily: Floats) -> Floats:
        mean: Floats = between(running(daily), start, end) / length
        return mean

    y = mean_of(bad)
    odds = y / np.maximum(mean_of(good), 1e-9)
    scale = odds**2 * mean_of(good**2)
    misses = mean_of(bad**2) - 2 * odds * mean_of(bad * good) + scale
    found = (misses - y * (1 + odds)) / np.maximum(scale, 1e-9)
    own = length * y * ODDS_NOISE / (y * ODDS_NOISE + 1)
    noise = (own * np.clip(found, 0.0, 2.0) + NOISE_DAYS * ODDS_NOISE) / (own + NOISE_DAYS)
    return np.repeat(noise, 24, axis=1)[:, : negatives.shape[1]]


def _profile(reviews: Floats, rate: Floats) -> Floats:
    """Return each hour's multiple of an even rate: hour of the day × weekday, of the same 28 days, shrunk to 1."""
    same_hour, same_day = np.zeros(rate.shape), np.zeros(rate.shape)
    hour_count, day_count = np.zeros(rate.shape[1]), np.zeros(rate.shape[1])
    sums = running(reviews)
    hours = np.arange(rate.shape[1])
    for day in range(1, 29):
        # Three hours around the same hour: one alone is too thin on a small stream.
        end, start = np.maximum(hours + 2 - 24 * day, 0), np.maximum(hours - 1 - 24 * day, 0)
        same_hour += sums[:, end] - sums[:, start]
        hour_count += end - start
    for week in range(1, 5):
        end = np.maximum(hours + 13 - 168 * week, 0)
        start = np.maximum(end - 24, 0)
        same_day += sums[:, end] - sums[:, start]
        day_count += end - start
    even = np.maximum(rate, 1e-9)
    of_hour = (same_hour + even * PROFILE_WEIGHT) / (even * (hour_count + PROFILE_WEIGHT))
    of_day = (same_day + even * 24 * PROFILE_WEIGHT) / (even * (day_count + 24 * PROFILE_WEIGHT))
    return of_hour * of_day

"""Do more people speak of a topic than usual? A scan over the last 1 to 14 days against the share of 56 days before."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.calibration import DEFAULT_THRESHOLDS, false_alarm_years
from alerts.detectors.excess import excess_score
from alerts.detectors.judgement import Effect, Judgement, Shortfall, Thresholds
from alerts.detectors.stars import Bools, Floats, Ints, at, running

WINDOWS = (1, 2, 3, 5, 7, 14)
BASELINE_DAYS = 56
PRIOR_MENTIONS, PRIOR_REVIEWS = 1.0, 100.0  # a topic never seen is expected in 1 % of a hundred reviews, then in less
LEAST_MENTIONS = 3
LEAST_BEFORE = 50  # reviews in the baseline: on a first import everything would be new
DAY_NOISE = 0.10  # relative variance of a topic's share from day to day
SLOW_NOISE = 0.25**2  # and of its slow movements


@dataclass(frozen=True, slots=True)
class TopicScan:
    """The loudest window of each topic at each look, all (topics, looks); NaN where no window can speak."""

    score: Floats
    window: Ints
    share_before: Floats
    share_after: Floats
    variance: Floats
    reviews_before: Floats
    reviews_after: Floats


def new_irritant(
    mentions: NDArray[np.integer],
    reviews: NDArray[np.integer],
    first_day: date,
    look: date,
    *,
    judged: Bools | None = None,
    frozen_baseline_end: date | None = None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS["new_irritant"],
) -> list[Judgement | None]:
    """Judge every topic at the look's day: one judgement per row of `mentions`, None where the evidence is too thin.

    `mentions` (topics, days) are the reviews that speak of the topic, `reviews` (days,) all reviews, both from
    `first_day`; `judged` (days,) is False on incomplete days. The effect is a share of reviews. Raises ValueError on
    unequal days, or a look outside them.
    """
    last = (look - first_day).days
    if not 0 <= last < len(reviews):
        raise ValueError(f"the look {look} is outside the counts, which begin on {first_day}")
    past = None if judged is None else judged[: last + 1]
    frozen = None if frozen_baseline_end is None else (frozen_baseline_end - first_day).days + 1
    found = scan_topics(mentions[:, : last + 1], reviews[: last + 1], np.array([last]), past, frozen)
    return [
        _judgement(found, topic, first_day, look, frozen=frozen, thresholds=thresholds)
        for topic in range(len(mentions))
    ]


def new_irritant_scan(
    mentions: NDArray[np.integer], reviews: NDArray[np.integer], judged: Bools | None = None
) -> Floats:
    """Return the score of every topic at the end of every day: (topics, days), NaN where too thin."""
    return scan_topics(mentions, reviews, np.arange(mentions.shape[1]), judged).score


def new_irritant_shortfall(
    mentions: NDArray[np.integer], reviews: NDArray[np.integer], judged: Bools | None = None
) -> Shortfall | None:
    """Say why one topic, (days,) up to the look, is not judged, and how many more mentions it needs; None if it is."""
    seen = np.ones(len(reviews), dtype=np.bool_) if judged is None else judged
    if not seen[-max(WINDOWS) :].any():
        return Shortfall("not_judged", 0)
    recent = int((mentions * seen)[-max(WINDOWS) :].sum())
    if recent < LEAST_MENTIONS:
        return Shortfall("few_recent", LEAST_MENTIONS - recent)
    before = max(int((reviews * seen)[:-window][-BASELINE_DAYS:].sum()) for window in WINDOWS)
    return Shortfall("few_before", LEAST_BEFORE - before) if before < LEAST_BEFORE else None


def scan_topics(
    mentions: NDArray[np.integer],
    reviews: NDArray[np.integer],
    looks: Ints,
    judged: Bools | None = None,
    frozen_end: int | None = None,
) -> TopicScan:
    """Score every topic at each look (indices of days) over all windows; baselines stop before index `frozen_end`.

    Share before = (y_b + 1)/(n_b + 100); μ = share · n_w; z = dev/√(1 + μ(0.10/w + 0.25²) + μ/(y_b + 1)), y_w ≥ 3. With
    `reviews` of shape (topics, days) each row has its own total.
    """
    if mentions.shape[-1] != reviews.shape[-1]:
        raise ValueError("mentions and reviews cover the same days")
    seen = np.ones(reviews.shape[-1]) if judged is None else judged.astype(np.float64)
    said = running(np.atleast_2d(mentions) * seen)
    written = np.broadcast_to(running(np.atleast_2d(reviews) * seen), said.shape)
    shape = (said.shape[0], len(looks))
    nothing = np.full(shape, np.nan)
    best = TopicScan(nothing, np.zeros(shape, np.int64), nothing, nothing, nothing, nothing, nothing)
    for window in WINDOWS:
        start = np.maximum(looks + 1 - window, 0)
        end = start if frozen_end is None else np.clip(start, 0, max(frozen_end, 0))
        first = np.maximum(end - BASELINE_DAYS, 0)
        y, n = (at(sums, looks + 1) - at(sums, start) for sums in (said, written))
        y_before, n_before = (at(sums, end) - at(sums, first) for sums in (said, written))
        share = (y_before + PRIOR_MENTIONS) / (n_before + PRIOR_REVIEWS)
        expected = share * n
        noise = DAY_NOISE / window + SLOW_NOISE
        score = excess_score(y, expected, expected * (noise + 1 / (y_before + PRIOR_MENTIONS)))
        score = np.where((y >= LEAST_MENTIONS) & (n_before >= LEAST_BEFORE), score, np.nan)
        after = y / np.maximum(n, 1.0)
        # The interval is that of the new share: its sampling and day noise grow with it, unlike those of the score.
        variance = after / np.maximum(n, 1.0) + after**2 * noise + share**2 / (y_before + PRIOR_MENTIONS)
        better = ~(score <= best.score) & ~np.isnan(score)
        best = TopicScan(
            np.where(better, score, best.score),
            np.where(better, window, best.window),
            np.where(better, share, best.share_before),
            np.where(better, after, best.share_after),
            np.where(better, variance, best.variance),
            np.where(better, n_before, best.reviews_before),
            np.where(better, n, best.reviews_after),
        )
    return best


def _judgement(
    found: TopicScan, topic: int, first_day: date, look: date, *, frozen: int | None, thresholds: Thresholds
) -> Judgement | None:
    score = float(found.score[topic, 0])
    if np.isnan(score):
        return None
    window = int(found.window[topic, 0])
    since = max(look - timedelta(days=window - 1), first_day)
    end = since if frozen is None else min(since, first_day + timedelta(days=max(frozen, 0)))
    before, after = float(found.share_before[topic, 0]), float(found.share_after[topic, 0])
    return Judgement(
        rule="new_irritant",
        score=score,
        level=thresholds.level(score),
        effect=Effect.of(
            before,
            after,
            variance=float(found.variance[topic, 0]),
            n_before=float(found.reviews_before[topic, 0]),
            n_after=float(found.reviews_after[topic, 0]),
        ),
        window_days=window,
        since=since,
        baseline_from=max(end - timedelta(days=BASELINE_DAYS), first_day),
        baseline_to=end - timedelta(days=1),
        false_alarm_years=false_alarm_years("new_irritant", score),
    )

"""Has the rating of a stream fallen? A scan over the last 1 to 21 days against the usual of 28 and of 84 days."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.calibration import DEFAULT_THRESHOLDS, false_alarm_years
from alerts.detectors.drop import LEAST_BEFORE, LEAST_RECENT, drop_score
from alerts.detectors.judgement import Effect, Judgement, Shortfall, Thresholds
from alerts.detectors.stars import Bools, Floats, Ints, StarSums, baseline, between, spell, star_sums

WINDOWS = (1, 2, 3, 5, 7, 10, 14, 21)
BASELINES = (28, 84)


@dataclass(frozen=True, slots=True)
class Scan:
    """The loudest window of each stream at each look, all arrays (streams, looks); NaN or 0 where none can speak.

    `window` and `baseline` are lengths in days, `baseline_end` is the day after the baseline's last.
    """

    score: Floats
    variance: Floats
    before: Floats
    after: Floats
    reviews_before: Floats
    reviews_after: Floats
    window: Ints
    baseline: Ints
    baseline_end: Ints


def rating_drop(
    counts: NDArray[np.integer],
    first_day: date,
    look: date,
    *,
    judged: Bools | None = None,
    frozen_baseline_end: date | None = None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS["rating_drop"],
) -> Judgement | None:
    """Judge one stream at the look's day; None where the evidence is too thin (`rating_drop_shortfall` says why).

    `counts` is (days, 5), 1 to 5 stars, from `first_day`; days after the look are not read. `judged` (days,) is False
    on days that the coverage ledger calls incomplete. While an incident is open, `frozen_baseline_end` keeps the
    baseline from growing past that day. Raises ValueError if the look is outside the counts.
    """
    last = _look_index(counts, first_day, look)
    past = None if judged is None else judged[: last + 1]
    frozen = None if frozen_baseline_end is None else np.array([(frozen_baseline_end - first_day).days + 1])
    found = scan(star_sums(counts[None, : last + 1], past), np.array([last]), frozen)
    score = float(found.score[0, 0])
    if np.isnan(score):
        return None
    window, length, end = (int(part[0, 0]) for part in (found.window, found.baseline, found.baseline_end))
    before, after = float(found.before[0, 0]), float(found.after[0, 0])
    return Judgement(
        rule="rating_drop",
        score=score,
        level=thresholds.level(score),
        effect=Effect.of(
            before,
            after,
            variance=float(found.variance[0, 0]),
            n_before=float(found.reviews_before[0, 0]),
            n_after=float(found.reviews_after[0, 0]),
        ),
        window_days=window,
        since=look - timedelta(days=window - 1),
        baseline_from=first_day + timedelta(days=max(end - length, 0)),
        baseline_to=first_day + timedelta(days=end - 1),
        false_alarm_years=false_alarm_years("rating_drop", score),
    )


def rating_drop_scan(
    counts: NDArray[np.integer], judged: Bools | None = None, frozen_end: Ints | None = None
) -> Floats:
    """Return the score of every stream at the end of every day.

    Counts are (streams, days, 5), scores (streams, days), NaN where the evidence is too thin.

    `judged` is (days,) or (streams, days). `frozen_end` (streams,) is the index of the
    day that no baseline may reach.
    """
    return scan(star_sums(counts, judged), np.arange(counts.shape[1]), frozen_end).score


def rating_drop_shortfall(
    counts: NDArray[np.integer], first_day: date, look: date, judged: Bools | None = None
) -> Shortfall | None:
    """Say why `rating_drop` is silent at this look and about how many more reviews it needs; None if it is not."""
    last = _look_index(counts, first_day, look)
    past = None if judged is None else judged[: last + 1]
    if past is not None and not past[-max(WINDOWS) :].any():
        return Shortfall("not_judged", 0)
    sums = star_sums(counts[None, : last + 1], past)
    look_end = np.array([last + 1])
    longest = np.maximum(look_end - max(WINDOWS), 0)
    recent = float(between(sums.reviews, longest, look_end)[0, 0])
    if recent < LEAST_RECENT:
        return Shortfall("few_recent", LEAST_RECENT - int(recent))
    if not np.isnan(scan(sums, np.array([last])).score[0, 0]):
        return None
    window_starts = [max(last + 1 - window, 0) for window in WINDOWS]
    usable = [
        start for start in window_starts if float(sums.reviews[0, last + 1] - sums.reviews[0, start]) >= LEAST_RECENT
    ]
    before = float(sums.capped[0, max(usable)] - sums.capped[0, max(max(usable) - max(BASELINES), 0)])
    return Shortfall("few_before", int(np.ceil(LEAST_BEFORE - before)))


def scan(sums: StarSums, looks: Ints, frozen_end: Ints | None = None) -> Scan:
    """Score = max over windows of min over baselines, at each look (indices of days), for every stream at once.

    `frozen_end` (streams,): the baselines of a stream hold only days before this index.
    """
    streams = sums.reviews.shape[0]
    shape = (streams, len(looks))
    best = _nothing(shape)
    for window in WINDOWS:
        start = np.maximum(looks + 1 - window, 0)
        recent = spell(sums, start, looks + 1)
        least = _nothing(shape)
        for length in BASELINES:
            end = start if frozen_end is None else np.clip(frozen_end[:, None], 0, start[None, :])
            usual = baseline(sums, np.maximum(end - length, 0), end)
            score, variance = drop_score(recent, usual)
            here = Scan(
                score,
                variance,
                usual.spell.mean,
                recent.mean,
                usual.spell.reviews,
                recent.reviews,
                np.full(shape, window),
                np.full(shape, length),
                np.broadcast_to(end, shape),
            )
            least = _pick(least, here, ~(score >= least.score) & ~np.isnan(score))
        best = _pick(best, least, ~(least.score <= best.score) & ~np.isnan(least.score))
    return best


def _nothing(shape: tuple[int, int]) -> Scan:
    none = np.full(shape, np.nan)
    zero = np.zeros(shape, dtype=np.int64)
    return Scan(none, none, none, none, none, none, zero, zero, zero)


def _pick(old: Scan, new: Scan, better: Bools) -> Scan:
    return Scan(
        score=np.where(better, new.score, old.score),
        variance=np.where(better, new.variance, old.variance),
        before=np.where(better, new.before, old.before),
        after=np.where(better, new.after, old.after),
        reviews_before=np.where(better, new.reviews_before, old.reviews_before),
        reviews_after=np.where(better, new.reviews_after, old.reviews_after),
        window=np.where(better, new.window, old.window),
        baseline=np.where(better, new.baseline, old.baseline),
        baseline_end=np.where(better, new.baseline_end, old.baseline_end),
    )


def _look_index(counts: NDArray[np.integer], first_day: date, look: date) -> int:
    last = (look - first_day).days
    if not 0 <= last < counts.shape[0]:
        raise ValueError(f"the look {look} is outside the counts, which begin on {first_day}")
    return last

"""Is the newest version rated worse? Its reviews since its release against all reviews of the 28 days before."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.calibration import DEFAULT_THRESHOLDS, false_alarm_years
from alerts.detectors.drop import LEAST_BEFORE, LEAST_RECENT, drop_score
from alerts.detectors.judgement import Effect, Judgement, Shortfall, Thresholds
from alerts.detectors.stars import Bools, Floats, baseline, between, spell, star_sums

BASELINE_DAYS = 28
GUARD_DAYS = 14  # the release day and the 13 after it
EARLY_ADOPTERS = 0.15  # stars (at a variance of 2) by which the first users of any version differ
LEAST_SHARE = 0.02  # of all reviews since the release


def bad_release(
    version_counts: NDArray[np.integer],
    all_counts: NDArray[np.integer],
    *,
    first_day: date,
    released: date,
    look: date,
    judged: Bools | None = None,
    least_share: float = LEAST_SHARE,
    thresholds: Thresholds = DEFAULT_THRESHOLDS["bad_release"],
) -> Judgement | None:
    """Judge the newest version at the look's day, the release day to 13 days after it.

    `version_counts` (days, 5) are the reviews written on that version, `all_counts` (days, 5) those of all versions,
    both from `first_day`; `judged` (days,) is False on incomplete days. Early in a staged roll-out the version's own
    reviews carry the verdict, whatever share of people has it; below `least_share` of the reviews it is ignored.
    None where it cannot be judged (`bad_release_shortfall` says why). Raises ValueError on unequal shapes.
    """
    if bad_release_shortfall(
        version_counts,
        all_counts,
        first_day=first_day,
        released=released,
        look=look,
        judged=judged,
        least_share=least_share,
    ):
        return None
    last, release = (look - first_day).days, (released - first_day).days
    past = None if judged is None else judged[: last + 1]
    sums = star_sums(all_counts[None, : last + 1], past)
    mine = star_sums(version_counts[None, : last + 1], past)
    end = np.array([release])
    usual = baseline(sums, np.maximum(end - BASELINE_DAYS, 0), end)
    recent = spell(mine, end, np.array([last + 1]))
    scores, variance = drop_score(recent, usual, EARLY_ADOPTERS)
    score = float(scores[0, 0])
    before, after = float(usual.spell.mean[0, 0]), float(recent.mean[0, 0])
    return Judgement(
        rule="bad_release",
        score=score,
        level=thresholds.level(score),
        effect=Effect.of(
            before,
            after,
            variance=float(variance[0, 0]),
            n_before=float(usual.spell.reviews[0, 0]),
            n_after=float(recent.reviews[0, 0]),
        ),
        window_days=last - release + 1,
        since=released,
        baseline_from=max(released - timedelta(days=BASELINE_DAYS), first_day),
        baseline_to=released - timedelta(days=1),
        false_alarm_years=false_alarm_years("bad_release", score),
    )


def bad_release_shortfall(
    version_counts: NDArray[np.integer],
    all_counts: NDArray[np.integer],
    *,
    first_day: date,
    released: date,
    look: date,
    judged: Bools | None = None,
    least_share: float = LEAST_SHARE,
) -> Shortfall | None:
    """Say why a version cannot be judged at this look, and about how many more reviews it needs; None if it can."""
    if version_counts.shape != all_counts.shape:
        raise ValueError("the version's counts and all counts cover the same days")
    last, release = (look - first_day).days, (released - first_day).days
    if not 0 <= last < len(all_counts):
        raise ValueError(f"the look {look} is outside the counts, which begin on {first_day}")
    if not 0 < release <= last < release + GUARD_DAYS:
        return Shortfall("outside_window", 0)
    seen = np.ones(len(all_counts), dtype=np.bool_) if judged is None else judged
    since = slice(release, last + 1)
    if not seen[since].any():
        return Shortfall("not_judged", 0)
    mine = int(version_counts[since][seen[since]].sum())
    if mine < LEAST_RECENT:
        return Shortfall("few_recent", LEAST_RECENT - mine)
    if mine < least_share * int(all_counts[since][seen[since]].sum()):
        return Shortfall("low_share", 0)
    sums = star_sums(all_counts[None, :release], seen[:release])
    start = np.array([max(release - BASELINE_DAYS, 0)])
    before = float(between(sums.capped, start, np.array([release]))[0, 0])
    if before < LEAST_BEFORE:
        return Shortfall("few_before", int(np.ceil(LEAST_BEFORE - before)))
    return None


def bad_release_scan(
    version_counts: NDArray[np.integer], all_counts: NDArray[np.integer], released: int, judged: Bools | None = None
) -> Floats:
    """Return the score of days 0 to 13 after a release for many streams at once: (streams, 14), NaN if thin.

    Both counts are (streams, days, 5) and `released` is the index of the release day, the same in every stream. Shares
    are not looked at here.
    """
    days = np.arange(released, min(released + GUARD_DAYS, all_counts.shape[1]))
    end = np.full(len(days), released)
    usual = baseline(star_sums(all_counts, judged), np.maximum(end - BASELINE_DAYS, 0), end)
    return drop_score(spell(star_sums(version_counts, judged), end, days + 1), usual, EARLY_ADOPTERS)[0]

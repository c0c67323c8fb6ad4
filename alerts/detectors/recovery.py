"""Have fallen stars come back? What is written since a day, against the fall before it and against the usual.

Two things must hold: the reviews since then are better than the fallen ones beyond the noise of days and of sampling,
and most of the fall is made good. Neither alone will do: a fall that goes on has good days, and a little better is not
back to normal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.bad_release import EARLY_ADOPTERS
from alerts.detectors.stars import Bools, Floats, baseline, spell, star_sums

USUAL_DAYS = 84
LEAST_DAYS = 3  # complete days since then
LEAST_REVIEWS = 10
LEAST_USUAL = 20
MADE_GOOD = 0.7  # of the fall
SMALL_SAMPLE = 4.0  # reviews
BETTER = 2.5  # standard errors that a new version's stars lie above the fall's: a release is a moment known beforehand
BACK = 3.0  # the same of all stars, where the day they came back is looked for


@dataclass(frozen=True, slots=True)
class Rise:
    """The stars before the fall, in it and since then; `score` in standard errors, `reviews` and complete `days`."""

    before: float
    worst: float
    now: float
    reviews: int
    days: int
    score: float

    @property
    def normal(self) -> bool:
        """Whether most of the fall is made good, on enough days and reviews."""
        return (
            self.before > self.worst
            and self.now >= self.worst + MADE_GOOD * (self.before - self.worst)
            and self.days >= LEAST_DAYS
            and self.reviews >= LEAST_REVIEWS
        )


def rise(
    every: NDArray[np.integer],
    recent: NDArray[np.integer],
    *,
    fell: int,
    since: int,
    last: int,
    judged: Bools,
    released: bool,
) -> Rise | None:
    """Compare `recent` stars (days, 5) of the days since ≤ d ≤ last with all stars `every` of fell ≤ d < since.

    `fell`, `since`, `last` are indices of days; `judged` (days,) is False on incomplete days, which are left out;
    `released`: `recent` are a new version's, whose first users differ a little. None where either side is empty or the
    84 days before the fall are too thin. Raises ValueError unless 0 < fell < since ≤ last.
    """
    if not 0 < fell < since <= last < len(every):
        raise ValueError("a fall lies before what may be its end")
    sums, mine = (
        star_sums(every[None, : last + 1], judged[: last + 1]),
        star_sums(recent[None, : last + 1], judged[: last + 1]),
    )
    usual = baseline(sums, np.array([max(fell - USUAL_DAYS, 0)]), np.array([fell]))
    fall = spell(sums, np.array([fell]), np.array([since]))
    now = spell(mine, np.array([since]), np.array([last + 1]))
    n_fall, n_now = float(fall.reviews[0, 0]), float(now.reviews[0, 0])
    if usual.spell.reviews[0, 0] < LEAST_USUAL or not n_fall or not n_now:
        return None
    variance = usual.variance * (1 / n_fall + (1 + SMALL_SAMPLE / n_now) / n_now)
    variance = variance + usual.day * (fall.day_share + now.day_share)
    if released:
        variance = variance + EARLY_ADOPTERS**2 * usual.variance / 2
    score: Floats = (now.mean - fall.mean) / np.sqrt(variance)
    return Rise(
        before=float(usual.spell.mean[0, 0]),
        worst=float(fall.mean[0, 0]),
        now=float(now.mean[0, 0]),
        reviews=round(n_now),
        days=int(judged[since : last + 1].sum()),
        score=float(score[0, 0]),
    )

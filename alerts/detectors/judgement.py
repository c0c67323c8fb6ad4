"""What a detector hands over: a score, an effect with its interval, and how often chance alone does as much."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Rule = Literal["rating_drop", "bad_release", "new_irritant", "crash_spike", "burst"]
Level = Literal["watch", "alert"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The scores from which a judgement is worth a look (`watch`) and worth waking somebody (`alert`)."""

    watch: float
    alert: float

    def level(self, score: float) -> Level | None:
        """Return the level that the score reaches, or None."""
        if score >= self.alert:
            return "alert"
        return "watch" if score >= self.watch else None


@dataclass(frozen=True, slots=True)
class Effect:
    """What changed, in the rule's own unit: stars, share of reviews, crashes per session, negative reviews an hour.

    `half_width` is that of the 95 % interval of `difference` = `after` − `before`, day noise and drift included.
    `n_before` and `n_after` are the reviews (or sessions, or hours for a burst) behind the two figures.
    """

    before: float
    after: float
    difference: float
    half_width: float
    n_before: int
    n_after: int

    @classmethod
    def of(cls, before: float, after: float, *, variance: float, n_before: float, n_after: float) -> "Effect":
        """The change between two figures; `variance` is that of their difference."""
        return cls(before, after, after - before, 1.96 * variance**0.5, round(n_before), round(n_after))


@dataclass(frozen=True, slots=True)
class Judgement:
    """One detector's verdict on one subject at one look.

    `since` is the first day of the window that speaks loudest, `window_days` its length up to the look; the baseline
    runs from `baseline_from` to `baseline_to`, both included. Without a real change a score this high comes once in
    `false_alarm_years` years on one stream, by calibrated run length, not by a p-value of one window. `window_hours` is
    set by the burst only, which looks within the day.
    """

    rule: Rule
    score: float
    level: Level | None
    effect: Effect
    window_days: int
    since: date
    baseline_from: date
    baseline_to: date
    false_alarm_years: float
    window_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why there is no judgement: too few reviews `since` the look's longest window, or `before` it, or no judged day.

    `missing` is about how many more are needed (reviews, or sessions for crashes); 0 when numbers are not the matter.
    """

    reason: Literal["few_recent", "few_before", "not_judged", "no_denominator", "outside_window", "low_share"]
    missing: int

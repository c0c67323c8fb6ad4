"""What a team chose: rules on or off, from how many reviews, words to watch, days to answer, and its noise budget.

`Choices` is what the rules read; without any choice they are the calibrated defaults. Settings of a rule (RuleChoice):
`min_reviews` (rating_drop, bad_release, new_irritant, burst, crash_spike: of the window), `minimum` (urgent, keyword:
verbatims in two days that make an alert), `keywords` (keyword), `days` (unanswered).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.detectors import DEFAULT_THRESHOLDS, Thresholds, split_budget
from alerts.detectors.calibration import LINES, Calibrated
from models.rules import NoiseBudget, RuleChoice

RULES = ("rating_drop", "bad_release", "new_irritant", "burst", "crash_spike", "urgent", "keyword", "unanswered")
OFF_AT_FIRST = frozenset({"unanswered"})
SETTINGS: Mapping[str, frozenset[str]] = {
    "rating_drop": frozenset({"min_reviews"}),
    "bad_release": frozenset({"min_reviews"}),
    "new_irritant": frozenset({"min_reviews"}),
    "burst": frozenset({"min_reviews"}),
    "crash_spike": frozenset({"min_reviews"}),
    "urgent": frozenset({"minimum"}),
    "keyword": frozenset({"keywords", "minimum"}),
    "unanswered": frozenset({"days"}),
}
MOST_KEYWORDS = 30
DAYS_TO_ANSWER = 3
LOUDEST = 20.0  # reachable by no chance: what a budget can never ask beyond


class ChoiceError(ValueError):
    """What was chosen cannot be; `where` is the setting, the message says why."""

    def __init__(self, where: str, words: str) -> None:
        super().__init__(words)
        self.where = where


@dataclass(frozen=True, slots=True)
class Choices:
    """What the rules of one app go by. `limits` has a pair of thresholds for each (line, level of detail)."""

    off: frozenset[str] = OFF_AT_FIRST
    limits: Mapping[tuple[Calibrated, str], Thresholds] = field(default_factory=dict)
    min_reviews: Mapping[str, int] = field(default_factory=dict)
    urgent_minimum: int | None = None
    keywords: tuple[str, ...] = ()
    keyword_minimum: int = 1
    answer_days: int = DAYS_TO_ANSWER

    def on(self, rule: str) -> bool:
        """Whether a rule is on."""
        return rule not in self.off

    def thresholds(self, line: Calibrated, level: str = "app") -> Thresholds:
        """Return the scores of watch and alert: by the budget, else the calibrated defaults."""
        return self.limits.get((line, level), DEFAULT_THRESHOLDS[line])


DEFAULT = Choices()


def read_choices(session: Session, app_id: int, watched: Mapping[tuple[Calibrated, str], int]) -> Choices:
    """Read what was chosen for an app. `watched`: how many streams of each kind all apps have (Watched.levels)."""
    chosen = DEFAULT
    for row in session.scalars(select(RuleChoice).where(RuleChoice.app_id == app_id)):
        chosen = with_choice(chosen, row.rule, row.enabled, row.settings)
    budget = session.get(NoiseBudget, "")
    return chosen if budget is None else with_budget(chosen, budget.per_month, watched)


def with_choice(chosen: Choices, rule: str, enabled: bool, settings: Mapping[str, Any]) -> Choices:
    """Return the choices with one rule's settings; settings of other rules stay."""
    off = chosen.off - {rule} if enabled else chosen.off | {rule}
    made = replace(chosen, off=off)
    if "min_reviews" in settings:
        made = replace(made, min_reviews={**made.min_reviews, rule: int(settings["min_reviews"])})
    if rule == "urgent" and settings.get("minimum"):
        made = replace(made, urgent_minimum=int(settings["minimum"]))
    if rule == "keyword":
        made = replace(
            made,
            keywords=tuple(settings.get("keywords") or ()),
            keyword_minimum=int(settings.get("minimum") or 1),
        )
    if rule == "unanswered" and settings.get("days"):
        made = replace(made, answer_days=int(settings["days"]))
    return made


def with_budget(chosen: Choices, per_month: float, watched: Mapping[tuple[Calibrated, str], int]) -> Choices:
    """Return the choices with the thresholds of alert that a noise budget over `watched` gives.

    h = (intercept − log10(12 · B_level / N_level)) / slope of each rule's own line. Watch stays as far below alert
    as it is by default. Raises ValueError unless the budget is positive.
    """
    limits = {}
    for (line, level), alert in split_budget(per_month, watched).items():
        usual = DEFAULT_THRESHOLDS[line]
        least = LINES[line].intercept / LINES[line].slope - 1 / LINES[line].slope  # ten false ones a stream-year
        height = min(max(alert, least), LOUDEST)
        limits[line, level] = Thresholds(height - (usual.alert - usual.watch), height)
    return replace(chosen, limits=limits)


def checked(rule: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as they are kept. Raises ChoiceError for an unknown rule or setting, or a value out of range."""
    if rule not in SETTINGS:
        raise ChoiceError("rule", f"There is no rule called “{rule}”.")
    kept: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in SETTINGS[rule]:
            raise ChoiceError(name, f"The rule {rule} has no setting {name}.")
        if value is None:
            continue
        if name == "keywords":
            kept[name] = _keywords(value)
            continue
        most = {"min_reviews": 100_000, "minimum": 1_000, "days": 90}[name]
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise ChoiceError(name, f"A whole number from 1 to {most}.")
        kept[name] = value
    return kept


def _keywords(given: Any) -> list[str]:
    if not isinstance(given, list | tuple) or not all(isinstance(word, str) for word in given):
        raise ChoiceError("keywords", "Keywords are a list of words.")
    words = list(dict.fromkeys(" ".join(word.split()) for word in given if word.strip()))
    if len(words) > MOST_KEYWORDS or any(not 2 <= len(word) <= 60 for word in words):
        raise ChoiceError("keywords", f"At most {MOST_KEYWORDS} words or phrases of 2 to 60 characters.")
    return words

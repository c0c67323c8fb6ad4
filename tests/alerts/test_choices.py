"""What a team chooses: settings that can be kept, a budget that thresholds follow, and rules that are off."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy.orm import Session

from alerts.choices import DEFAULT, ChoiceError, checked, read_choices, with_budget
from alerts.detectors import DEFAULT_THRESHOLDS, false_alarms_per_stream_year
from alerts.replay import replay
from alerts.watched import Watched
from models.apps import App
from models.rules import NoiseBudget, RuleChoice
from tests.alerts.conftest import BROKEN

Day = Callable[[int], date]
LEVELS = Watched(streams=100, apps=10, topics=125, whole=5, crashes=5).levels()


@pytest.mark.parametrize("per_month", [0.5, 2.0, 10.0])
def test_the_false_alarms_of_all_levels_add_up_to_the_budget(per_month: float) -> None:
    chosen = with_budget(DEFAULT, per_month, LEVELS)
    total = sum(
        false_alarms_per_stream_year(line, chosen.thresholds(line, level).alert) * streams / 12
        for (line, level), streams in LEVELS.items()
    )
    assert total == pytest.approx(per_month, rel=0.12), (
        "a few lines end at the least threshold or at once in 1,000 years"
    )
    least = {key: limits.alert - limits.watch for key, limits in chosen.limits.items()}
    assert least[("rating_drop", "app")] == pytest.approx(1.0)


def test_a_larger_budget_lowers_every_threshold() -> None:
    few, many = with_budget(DEFAULT, 1.0, LEVELS), with_budget(DEFAULT, 8.0, LEVELS)
    assert all(many.limits[key].alert < few.limits[key].alert for key in few.limits)
    assert DEFAULT.thresholds("burst") == DEFAULT_THRESHOLDS["burst"]


@pytest.mark.parametrize(
    ("rule", "settings", "where"),
    [
        ("nonsense", {}, "rule"),
        ("burst", {"days": 3}, "days"),
        ("rating_drop", {"min_reviews": 0}, "min_reviews"),
        ("rating_drop", {"min_reviews": "many"}, "min_reviews"),
        ("keyword", {"keywords": ["x" * 61]}, "keywords"),
        ("keyword", {"keywords": "one"}, "keywords"),
        ("unanswered", {"days": True}, "days"),
    ],
)
def test_what_cannot_be_chosen_is_named(rule: str, settings: dict[str, object], where: str) -> None:
    with pytest.raises(ChoiceError) as told:
        checked(rule, settings)
    assert told.value.where == where


def test_keywords_are_tidied() -> None:
    assert checked("keyword", {"keywords": ["  faux   SMS ", "faux SMS", ""]}) == {"keywords": ["faux SMS"]}


def test_a_rule_that_is_off_and_a_minimum_of_reviews_open_nothing(db: Session, broken_app: App, day: Day) -> None:
    def opened() -> set[str]:
        return {one["rule"] for one in replay(db, broken_app, day(BROKEN - 3), day(BROKEN + 8))}

    assert opened()
    for rule in ("rating_drop", "bad_release", "burst"):
        db.add(RuleChoice(app_id=broken_app.id, rule=rule, enabled=False, settings={}, changed_by="Ana"))
    db.flush()
    assert opened() <= {"new_irritant"}
    db.add(RuleChoice(app_id=broken_app.id, rule="new_irritant", settings={"min_reviews": 99_999}, changed_by="Ana"))
    db.flush()
    assert opened() == set()


def test_a_saved_budget_is_what_the_look_goes_by(db: Session, broken_app: App) -> None:
    db.add(NoiseBudget(team="", per_month=0.1, changed_by="Ana"))
    db.flush()
    strict = read_choices(db, broken_app.id, LEVELS)
    assert strict.thresholds("rating_drop").alert > DEFAULT_THRESHOLDS["rating_drop"].alert

"""What a team chooses about its rules, for the pages and the API alike: read, try on the past, save."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.choices import (
    DEFAULT,
    OFF_AT_FIRST,
    RULES,
    ChoiceError,
    Choices,
    checked,
    read_choices,
    with_budget,
    with_choice,
)
from alerts.crashes import unjudged
from alerts.replay import replay
from alerts.watched import Watched, watched
from app import clock
from app.errors import Problem
from app.reading.apps import today
from models.apps import App
from models.people import Audit
from models.rules import NoiseBudget, RuleChoice
from models.stability_series import crash_series

TRIED_DAYS = 365
LEAST_BUDGET, MOST_BUDGET = 0.05, 100.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """One rule of one app as it stands."""

    rule: str
    enabled: bool
    settings: Mapping[str, Any]
    changed_by: str


def chosen_of(session: Session, app_id: int) -> list[Chosen]:
    """Every rule of an app, chosen or as it is at first."""
    rows = {row.rule: row for row in session.scalars(select(RuleChoice).where(RuleChoice.app_id == app_id))}
    return [
        Chosen(rule, rows[rule].enabled, rows[rule].settings, rows[rule].changed_by)
        if rule in rows
        else Chosen(rule, rule not in OFF_AT_FIRST, {}, "")
        for rule in RULES
    ]


def save(session: Session, app: App, rule: str, *, enabled: bool, settings: Mapping[str, Any], actor: str) -> Chosen:
    """Keep a choice. Raises Problem 422 where it cannot be."""
    kept = _checked(rule, settings)
    row = session.get(RuleChoice, (app.id, rule)) or RuleChoice(app_id=app.id, rule=rule)
    row.enabled, row.settings, row.changed_at, row.changed_by = enabled, kept, clock.now(), actor
    session.add(row)
    detail = {"app": app.id, "rule": rule, "enabled": enabled, "settings": kept}
    session.add(Audit(actor=actor, action="rule.changed", detail=detail))
    session.flush()
    return Chosen(rule, enabled, kept, actor)


def try_rule(
    session: Session, app: App, rule: str, *, settings: Mapping[str, Any], days: int = TRIED_DAYS
) -> list[dict[str, Any]]:
    """Return what one rule would have opened in the last days with these settings, the oldest first; saves nothing.

    The rule alone, on the code that looks today: what another rule would have opened first counts here.
    Raises Problem 422 for settings that cannot be.
    """
    kept = _checked(rule, settings)
    end = today(app) - timedelta(days=1)
    saved = read_choices(session, app.id, watched(session, end).levels())
    alone = replace(with_choice(saved, rule, True, kept), off=frozenset(RULES) - {rule})
    return list(replay(session, app, end - timedelta(days=days - 1), end, chosen=alone))


def crashes_unjudged(session: Session, app: App) -> list[tuple[str, str]]:
    """Return the channels whose crashes cannot be judged now, each with why: no_denominator or stale."""
    end = today(app)
    series = crash_series(session, app.id, end - timedelta(days=30), end)
    return [(channel, why) for channel, one in series.items() if (why := unjudged(one, end))]


@dataclass(frozen=True, slots=True)
class Budget:
    """The noise budget and what follows from it: score thresholds of alert by rule, and what they are set over."""

    per_month: float | None
    watched: Watched
    thresholds: Mapping[str, float]


def budget_of(session: Session, day: date, per_month: float | None = None) -> Budget:
    """Return the saved budget, or what another one would give."""
    saved = session.get(NoiseBudget, "")
    asked = per_month if per_month is not None else saved.per_month if saved else None
    watch = watched(session, day)
    chosen = DEFAULT if asked is None else with_budget(DEFAULT, asked, watch.levels())
    found = {
        f"{line}:{level}": round(chosen.thresholds(line, level).alert, 2)
        for (line, level), streams in watch.levels().items()
        if streams > 0
    }
    return Budget(asked, watch, found)


def save_budget(session: Session, per_month: float | None, *, actor: str) -> None:
    """Keep the budget, or with None go back to the usual levels. Raises Problem 422 out of range."""
    row = session.get(NoiseBudget, "")
    if per_month is None:
        if row is not None:
            session.delete(row)
    else:
        in_range(per_month)
        row = row or NoiseBudget(team="")
        row.per_month, row.changed_at, row.changed_by = per_month, clock.now(), actor
        session.add(row)
    session.add(Audit(actor=actor, action="budget.changed", detail={"per_month": per_month}))
    session.flush()


def try_budget(session: Session, app: App, per_month: float | None, days: int = TRIED_DAYS) -> list[dict[str, Any]]:
    """Return the alerts that an app would have had in the last days under a budget, the oldest first."""
    if per_month is not None:
        in_range(per_month)
    end = today(app) - timedelta(days=1)
    levels = watched(session, end).levels()
    chosen = DEFAULT
    for one in chosen_of(session, app.id):
        chosen = with_choice(chosen, one.rule, one.enabled, one.settings)
    tried: Choices = chosen if per_month is None else with_budget(chosen, per_month, levels)
    opened = replay(session, app, end - timedelta(days=days - 1), end, chosen=tried)
    return [one for one in opened if one["severity"] == "alert"]


def in_range(per_month: float) -> None:
    """Raise Problem 422 for a budget that cannot be meant."""
    if not LEAST_BUDGET <= per_month <= MOST_BUDGET:
        raise Problem(422, f"A number from {LEAST_BUDGET} to {MOST_BUDGET:.0f} a month.", where="body.per_month")


def _checked(rule: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return checked(rule, settings)
    except ChoiceError as error:
        raise Problem(422, str(error), where=f"body.settings.{error.where}") from error

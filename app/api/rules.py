"""Rules: on or off, their settings, the noise budget, what they would have told in the past, and their precision."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.votes import Precision, precision
from app import choosing, clock
from app.api.apps import app_or_404
from app.api.shapes import Body, RowId, Text
from app.auth import allow
from app.db import DB

router = APIRouter(tags=["rules"], dependencies=[allow("viewer", change="editor")])
Rule = Literal["rating_drop", "bad_release", "new_irritant", "burst", "crash_spike", "urgent", "keyword", "unanswered"]


class PrecisionOut(BaseModel):
    """Of `n` incidents that people voted on, the share found useful, with its 95 % interval (Wilson)."""

    model_config = ConfigDict(from_attributes=True)
    n: int
    useful: int
    share: float | None
    low: float | None
    high: float | None


class RuleOut(BaseModel):
    """One rule of one app. `settings`: min_reviews, minimum, keywords or days, where the rule has them."""

    model_config = ConfigDict(from_attributes=True)
    rule: str
    enabled: bool
    settings: dict[str, Any]
    precision: PrecisionOut


class Rules(BaseModel):
    """All rules of an app."""

    items: list[RuleOut]


class RuleSettings(Body):
    """What can be set: `min_reviews` of a window, `minimum` verbatims in two days, `keywords`, `days` to answer."""

    min_reviews: Annotated[int, Field(ge=1, le=100_000)] | None = None
    minimum: Annotated[int, Field(ge=1, le=1_000)] | None = None
    keywords: Annotated[list[Text], Field(max_length=30)] | None = None
    days: Annotated[int, Field(ge=1, le=90)] | None = None


class RuleChange(Body):
    """A whole choice: settings that are left out are the rule's own again."""

    enabled: bool = True
    settings: RuleSettings = RuleSettings()


class Opening(BaseModel):
    """An incident that would have opened."""

    rule: str
    subject: str
    title: str
    severity: str
    opened_day: date
    resolved_at: datetime | None
    score: float


class Tried(BaseModel):
    """What the last 12 months would have brought, the oldest first."""

    openings: list[Opening]


class BudgetOut(BaseModel):
    """At most `per_month` false alarms over all apps (None: the usual levels), and the alert scores that follow.

    `thresholds` by rule and level of detail; `streams`, `topics` and `apps` are what the budget is shared by.
    """

    per_month: float | None
    thresholds: dict[str, float]
    streams: int
    topics: int
    apps: int


class BudgetChange(Body):
    """A new budget; null goes back to the usual levels."""

    per_month: Annotated[float, Field(ge=choosing.LEAST_BUDGET, le=choosing.MOST_BUDGET)] | None


@router.get("/apps/{app_id}/rules")
def list_rules(app_id: RowId, session: DB) -> Rules:
    """Every rule of an app, and how precise people found it in that app."""
    app = app_or_404(session, app_id)
    measured = precision(session, app.id)
    return Rules(items=[_out(one, measured) for one in choosing.chosen_of(session, app.id)])


@router.post("/apps/{app_id}/rules/budget/try")
def try_budget(app_id: RowId, body: BudgetChange, session: DB) -> Tried:
    """The alerts that the app would have had in the last 12 months under a budget; nothing is saved or sent."""
    found = choosing.try_budget(session, app_or_404(session, app_id), body.per_month)
    return Tried(openings=[Opening.model_validate(one) for one in found])


@router.put("/apps/{app_id}/rules/{rule}")
def change_rule(app_id: RowId, rule: Rule, body: RuleChange, request: Request, session: DB) -> RuleOut:
    """Switch a rule on or off, and choose its settings."""
    app = app_or_404(session, app_id)
    settings = body.settings.model_dump(exclude_none=True)
    saved = choosing.save(session, app, rule, enabled=body.enabled, settings=settings, actor=request.state.actor)
    return _out(saved, precision(session, app.id))


@router.post("/apps/{app_id}/rules/{rule}/try")
def try_rule(app_id: RowId, rule: Rule, body: RuleSettings, session: DB) -> Tried:
    """Run one rule with these settings over the last 12 months; nothing is saved or sent."""
    found = choosing.try_rule(session, app_or_404(session, app_id), rule, settings=body.model_dump(exclude_none=True))
    return Tried(openings=[Opening.model_validate(one) for one in found])


@router.get("/rules/budget")
def get_budget(session: DB, per_month: float | None = None) -> BudgetOut:
    """The noise budget, or what another one would give."""
    return _budget(session, per_month)


@router.put("/rules/budget")
def change_budget(body: BudgetChange, request: Request, session: DB) -> BudgetOut:
    """Set the noise budget over all apps."""
    choosing.save_budget(session, body.per_month, actor=request.state.actor)
    return _budget(session, None)


def _out(one: choosing.Chosen, measured: dict[str, Precision]) -> RuleOut:
    found = measured.get(one.rule) or Precision(one.rule, 0, 0, None, None, None)
    return RuleOut(
        rule=one.rule,
        enabled=one.enabled,
        settings=dict(one.settings),
        precision=PrecisionOut.model_validate(found),
    )


def _budget(session: DB, per_month: float | None) -> BudgetOut:
    if per_month is not None:
        choosing.in_range(per_month)
    found = choosing.budget_of(session, clock.now().date(), per_month)
    watch = found.watched
    return BudgetOut(
        per_month=found.per_month,
        thresholds=dict(found.thresholds),
        streams=watch.streams,
        topics=watch.topics,
        apps=watch.whole,
    )

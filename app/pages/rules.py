"""The rules' settings: how much noise a team accepts, and what each rule of an app does, tried on the past first."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.choices import DEFAULT, SETTINGS
from alerts.votes import precision
from app import choosing, clock
from app.api.shapes import OptionalText, RowId, Text
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.pages.common import find_app, render, words_of
from app.reading import apps as reading
from models.apps import App

router = APIRouter(dependencies=[allow("viewer", change="editor")])
USUAL = {
    ("urgent", "minimum"): DEFAULT.urgent_minimum,
    ("keyword", "minimum"): DEFAULT.keyword_minimum,
    ("unanswered", "days"): DEFAULT.answer_days,
}
"""What counts where nothing is chosen."""


@router.get("/settings/rules")
def page(request: Request, session: DB, app_id: OptionalText = None) -> HTMLResponse:
    """The noise budget, and every rule of one app."""
    return _page(request, session, _app(session, app_id))


def _app(session: DB, app_id: str | None) -> App | None:
    if app_id is not None and app_id.isascii() and app_id.isdecimal() and len(app_id) < 19:
        return find_app(session, int(app_id))
    return next(iter(reading.all_apps(session)), None)


def _page(
    request: Request,
    session: DB,
    app: App | None,
    *,
    status: int = 200,
    given: choosing.Chosen | None = None,
    problem: Problem | None = None,
    tried: list[dict[str, object]] | None = None,
    tried_what: str = "",
    asked: str | None = None,
) -> HTMLResponse:
    words = words_of(request, app)
    budget = choosing.budget_of(session, clock.now().date())
    rules = choosing.chosen_of(session, app.id) if app else []
    if given is not None:
        rules = [given if one.rule == given.rule else one for one in rules]
    measured = precision(session)
    if budget.per_month is None:
        headline = words.t("rules.usual")
    else:
        headline = words.t("rules.budget_is", budget=words.number(budget.per_month, 1))
    return render(
        request,
        "rules.html",
        words,
        status=status,
        app=app,
        apps=reading.all_apps(session),
        headline=headline,
        budget=budget,
        asked=asked if asked is not None else f"{budget.per_month:g}" if budget.per_month else "",
        rules=rules,
        settings=SETTINGS,
        usual=USUAL,
        day_of=lambda told: words.day(date.fromisoformat(told), today=clock.now().date()),
        precision=measured,
        unjudged=choosing.crashes_unjudged(session, app) if app else [],
        tried=tried,
        tried_what=tried_what,
        problem=problem,
    )


@router.post("/settings/rules/budget")
def budget(
    request: Request,
    session: DB,
    per_month: Annotated[Text, Form(max_length=10)] = "",
    app_id: Annotated[OptionalText, Form()] = None,
    action: Annotated[Literal["try", "save"], Form()] = "save",
) -> Response:
    """Try a budget on the chosen app's last 12 months, or save it for all apps."""
    app = _app(session, app_id)
    try:
        asked = _number(per_month)
        if action == "try" and app is not None:
            found = choosing.try_budget(session, app, asked)
            return _page(request, session, app, tried=found, tried_what="budget", asked=per_month)
        choosing.save_budget(session, asked, actor=request.state.actor)
    except Problem as problem:
        return _page(request, session, app, status=problem.status, problem=problem, asked=per_month)
    return _back(app)


def _number(given: str) -> float | None:
    """A number as people of either language write it, None for an empty field."""
    given = given.strip().replace(",", ".")
    if not given:
        return None
    try:
        return float(given)
    except ValueError:
        raise Problem(422, "A number, such as 2 or 0.5.", where="body.per_month") from None


@router.post("/settings/rules/{app_id}/{rule}")
def change(
    app_id: RowId,
    rule: Text,
    request: Request,
    session: DB,
    enabled: Annotated[bool, Form()] = False,
    min_reviews: Annotated[Text, Form(max_length=6)] = "",
    minimum: Annotated[Text, Form(max_length=6)] = "",
    days: Annotated[Text, Form(max_length=6)] = "",
    keywords: Annotated[Text, Form()] = "",
    action: Annotated[Literal["try", "save"], Form()] = "save",
) -> Response:
    """Try a rule on the app's last 12 months, or save what was chosen."""
    app = find_app(session, app_id)
    wanted = SETTINGS.get(rule, frozenset())
    numbers = {"min_reviews": min_reviews, "minimum": minimum, "days": days}
    settings: dict[str, object] = {
        name: int(value) if value.strip().isascii() and value.strip().isdecimal() else value
        for name, value in numbers.items()
        if name in wanted and value.strip()
    }
    if "keywords" in wanted:
        settings["keywords"] = [word.strip() for line in keywords.splitlines() for word in line.split(",")]
    given = choosing.Chosen(rule, enabled, settings, "")
    try:
        if action == "try":
            found = choosing.try_rule(session, app, rule, settings=settings)
            return _page(request, session, app, given=given, tried=found, tried_what=rule)
        choosing.save(session, app, rule, enabled=enabled, settings=settings, actor=request.state.actor)
    except Problem as problem:
        return _page(request, session, app, status=problem.status, given=given, problem=problem, tried_what=rule)
    return _back(app)


def _back(app: App | None) -> RedirectResponse:
    return RedirectResponse(f"/settings/rules?app_id={app.id}&done=saved" if app else "/settings/rules?done=saved", 303)

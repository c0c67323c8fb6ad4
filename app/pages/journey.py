"""The journey map: where it hurts, by step and channel."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from analysis.taxonomy import taxonomy
from app.auth import allow
from app.db import DB
from app.i18n import Words
from app.pages.common import find_app, render, words_of
from app.reading.apps import today
from app.reading.journey import Journey, journey
from app.reading.trends import Period

router = APIRouter(dependencies=[allow("viewer", change="editor")])
SPANS = (28, 84, 365)
RADIUS = 22
WHOLE = "whole_app"
_COLOURS = {"good": "s5", "mixed": "s3", "bad": "s1", "none": "line"}


@router.get("/apps/{app_id}/journey")
def page(app_id: int, request: Request, session: DB, days: Annotated[int, Query(ge=7, le=730)] = 84) -> HTMLResponse:
    """Steps as columns, channels as rows, irritants on them."""
    app = find_app(session, app_id)
    words = words_of(request, app)
    now = today(app)
    found = journey(session, app_id, Period(now - timedelta(days=days - 1), now), words.language)
    largest = max((cell.size for cell in found.cells.values()), default=0)

    def spot(n: int, mood: str) -> Markup:
        """A cell's circle: its area is the number of people, or of mentions."""
        radius = max(2.0, RADIUS * (n / largest) ** 0.5) if largest and n else 0
        return Markup(
            '<svg class="spot" viewBox="0 0 48 48" width="48" height="48" aria-hidden="true">'
            '<circle cx="24" cy="24" r="{:.1f}" class="f-{}"/></svg>'
        ).format(radius, _COLOURS[mood])

    return render(
        request,
        "journey.html",
        words,
        app=app,
        tab="journey",
        today=now,
        days=days,
        spans=SPANS,
        journey=found,
        period=found.period,
        spot=spot,
        step_name=lambda step: taxonomy().step_name(step, words.language),
        headline=headline(words, found),
    )


def headline(words: Words, found: Journey) -> str:
    """Where it hurts most: the step with the most negative mentions.

    What is about the whole app is no place on the way, and is named only where no step hurts.
    """
    pains = {step: sum(cell.negative for cell in found.of_step(step)) for step in found.steps}
    worst = max(pains, key=lambda step: (step != WHOLE and pains[step] > 0, pains[step]), default="")
    if not worst or not pains[worst]:
        return words.t("journey.calm" if any(found.totals.values()) else "journey.none")
    return words.t("journey.worst", step=taxonomy().step_name(worst, words.language))

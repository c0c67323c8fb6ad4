"""One verbatim, and a form that says what it means."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from analysis.taxonomy import taxonomy
from app import corrections
from app.api.shapes import RowId
from app.auth import allow
from app.db import DB
from app.errors import not_found
from app.pages.common import find_app, go, render, words_of
from app.reading import verbatims
from app.reading.apps import today
from models.insight import Correction

router = APIRouter(dependencies=[allow("viewer", change="editor")])
Word = Annotated[str, Form(max_length=100)]


@router.get("/apps/{app_id}/reviews/{review_id}")
def page(app_id: RowId, review_id: RowId, request: Request, session: DB) -> HTMLResponse:
    """The verbatim with what is said of it."""
    app = find_app(session, app_id)
    line = verbatims.one(session, app_id, review_id)
    if line is None:
        raise not_found("review")
    words = words_of(request, app)
    known = taxonomy()
    steps = [
        (
            known.step_name(step.id, words.language),
            sorted(
                (
                    (topic.id, known.name(topic.id, words.language))
                    for topic in known.topics.values()
                    if topic.step == step.id
                ),
                key=lambda pair: pair[1].casefold(),
            ),
        )
        for step in known.steps
    ]
    return render(
        request,
        "correcting.html",
        words,
        app=app,
        tab="reviews",
        today=today(app),
        line=line,
        correction=session.get(Correction, (app_id, review_id)),
        steps=[step for step in steps if step[1]],
        told={topic.topic: topic.sentiment for topic in line.topics},
    )


@router.post("/apps/{app_id}/reviews/{review_id}/correction")
def correct(
    app_id: RowId,
    review_id: RowId,
    request: Request,
    session: DB,
    label: Annotated[Literal["negative", "mixed", "neutral", "positive"], Form()],
    intents: Annotated[list[Literal["problem", "request", "question", "praise"]] | None, Form()] = None,
    bad: Annotated[list[Word] | None, Form(max_length=40)] = None,
    good: Annotated[list[Word] | None, Form(max_length=40)] = None,
) -> RedirectResponse:
    """Keep what the form says of all three parts."""
    said = [*((topic, "positive") for topic in good or ()), *((topic, "negative") for topic in bad or ())]
    corrections.correct(
        session, app_id, review_id, actor=request.state.actor, label=label, intents=intents or [], topics=said
    )
    return go(f"/apps/{app_id}/reviews/{review_id}", "corrected")


@router.post("/apps/{app_id}/reviews/{review_id}/correction/undo")
def undo(app_id: RowId, review_id: RowId, request: Request, session: DB) -> RedirectResponse:
    """Leave it to the models again."""
    corrections.undo(session, app_id, review_id, actor=request.state.actor)
    return go(f"/apps/{app_id}/reviews/{review_id}", "uncorrected")

"""The topics that texts are read for, and the form that changes them."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request
from fastapi.responses import HTMLResponse, Response

from analysis.taxonomy import TaxonomyError, taxonomy
from app.api.shapes import LongText
from app.api.taxonomy import read_all_again
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.own_reading import edit_topics, own_topics
from app.pages.common import go, render, words_of

router = APIRouter(dependencies=[allow("viewer", change="admin")])


@router.get("/topics")
def page(request: Request, session: DB) -> HTMLResponse:
    """All topics by step, and the installation's own as a text to edit."""
    return _page(request, own_topics(session), None, 200)


def _page(request: Request, words_given: str, problem: Problem | None, status: int) -> HTMLResponse:
    words = words_of(request)
    known = taxonomy()
    return render(
        request,
        "topics.html",
        words,
        status=status,
        given=words_given,
        problem=problem,
        n=len(known.topics),
        steps=[
            (
                known.step_name(step.id, words.language),
                [topic for topic in known.topics.values() if topic.step == step.id],
            )
            for step in known.steps
        ],
        name=known.name,
    )


@router.post("/topics")
def change(
    request: Request, session: DB, background: BackgroundTasks, own: Annotated[LongText, Form()] = ""
) -> Response:
    """Use them, or say what is wrong beside the text."""
    try:
        changed = edit_topics(session, request.app.state.settings, own, actor=request.state.actor)
    except TaxonomyError as error:
        return _page(request, own, Problem(422, str(error), where="body.own"), 422)
    if changed:
        read_all_again(request, session, background)
    answer = go("/topics", "topics" if changed else "unchanged")
    answer.background = background
    return answer

"""Set-up: paste a store link, pick storefronts, see the first reviews arrive."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request
from fastapi.responses import HTMLResponse, Response

from app.api.shapes import Text
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.pages.common import go, render, words_of
from app.pages.sources import ask_for_walk
from app.reading.apps import all_apps
from app.setup import add_from_link, find_or_make_app

router = APIRouter(dependencies=[allow("viewer", change="editor")])
STOREFRONTS = ("fr", "be", "ch", "lu", "ca", "gb", "us", "de", "es", "it", "pt", "nl", "ma", "sn", "ci")
LANGUAGES = ("fr", "en", "de", "es", "it", "pt", "nl", "ar")


@router.get("/setup")
def page(request: Request, session: DB) -> HTMLResponse:
    """The form."""
    return _page(request, session, {"link": "", "name": ""}, ["fr"], ["fr", "en"], None, 200)


def _page(
    request: Request,
    session: DB,
    given: dict[str, str],
    storefronts: list[str],
    languages: list[str],
    problem: Problem | None,
    status: int,
) -> HTMLResponse:
    return render(
        request,
        "setup.html",
        words_of(request),
        status=status,
        given=given,
        storefronts=storefronts,
        languages=languages,
        all_storefronts=STOREFRONTS,
        all_languages=LANGUAGES,
        problem=problem,
        apps=all_apps(session),
    )


@router.post("/setup")
def add(
    request: Request,
    session: DB,
    background: BackgroundTasks,
    link: Annotated[Text, Form()] = "",
    name: Annotated[Text, Form(max_length=200)] = "",
    storefronts: Annotated[list[Text] | None, Form()] = None,
    languages: Annotated[list[Text] | None, Form()] = None,
) -> Response:
    """Ask the store, make the app, and begin to read."""
    try:
        if not link.strip() and name.strip():
            return go(f"/apps/{find_or_make_app(session, name).id}/sources/new")
        _must_be_possible(request, link)
        added = add_from_link(
            session, request.app.state, link.strip(), storefronts or [], languages or [], name=name.strip() or None
        )
    except Problem as problem:
        given = {"link": link, "name": name}
        return _page(request, session, given, storefronts or [], languages or [], problem, problem.status)
    for source in added.sources:
        ask_for_walk(request, background, source, "first")
    return go(f"/apps/{added.app.id}/sources", "added")


def _must_be_possible(request: Request, link: str) -> None:
    if not link.strip():
        raise Problem(422, words_of(request).t("setup.no_link"), where="body.link")
    if getattr(request.app.state, "find_app", None) is None:
        raise Problem(503, "This server cannot ask the stores: start it with “cocoon up” or “cocoon web”.")

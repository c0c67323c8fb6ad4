"""The address that a source's system may call: opened by an admin, shown once."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from app import audit, inbound
from app.api.shapes import RowId, Text
from app.auth import allow
from app.db import DB
from app.errors import Problem, not_found
from app.pages.common import find_app, render, words_of
from models.sources import Source

router = APIRouter(dependencies=[allow("viewer", change="admin")])
BY_SYSTEM = frozenset({"zendesk", "intercom"})
"""Schemes whose system makes the secret itself and shows it."""


@router.post("/sources/{source_id}/hook")
def open_address(
    source_id: RowId,
    request: Request,
    session: DB,
    secret: Annotated[Text, Form(max_length=200)] = "",
) -> HTMLResponse:
    """Make the address; an earlier one stops working."""
    source = session.get(Source, source_id)
    if source is None:
        raise not_found("source")
    try:
        return opened(request, session, source, secret.strip())
    except Problem as problem:
        if problem.status != 422:
            raise
        return _page(request, session, source, None, problem)


def opened(request: Request, session: Session, source: Source, secret: str = "") -> HTMLResponse:
    """The page with the new address and its secret: neither can be read again. Raises Problem 422."""
    made = inbound.open_hook(session, request.app.state.seal, source, secret)
    audit.record(session, request, "hook.opened", source=source.id)
    return _page(request, session, source, made, None)


def _page(
    request: Request, session: Session, source: Source, made: inbound.OpenedHook | None, problem: Problem | None
) -> HTMLResponse:
    app = find_app(session, source.app_id)
    answer = render(
        request,
        "hook.html",
        words_of(request, app),
        status=201 if made else 422,
        app=app,
        tab="sources",
        source=source,
        url=request.app.state.settings.base_url + made.path if made else "",
        secret=made.secret if made and made.scheme not in BY_SYSTEM else "",
        by_address=made is not None and not made.secret,
        problem=problem,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer

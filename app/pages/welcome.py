"""One-time links: the first admin, an invited person, a new password. Opening one uses nothing up; its form does."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.api.shapes import Text
from app.auth import OPEN
from app.db import DB
from app.errors import Problem
from app.pages.common import render, words_of
from app.people import accept, find_invitation
from app.sessions import open_session, set_cookie
from models.people import Invitation, User

router = APIRouter(dependencies=[OPEN])


@router.get("/welcome/{secret}")
def page(secret: str, request: Request, session: DB) -> HTMLResponse:
    """Who are you, and which password?"""
    return _page(request, session, find_invitation(session, secret[:100]), {}, None)


def _page(
    request: Request, session: DB, invitation: Invitation | None, given: dict[str, str], problem: Problem | None
) -> HTMLResponse:
    words = words_of(request)
    if invitation is None:
        return render(request, "welcome_over.html", words, status=404)
    user = session.get(User, invitation.user_id) if invitation.user_id else None
    return render(
        request,
        "welcome.html",
        words,
        status=problem.status if problem else 200,
        invitation=invitation,
        user=user,
        given=given,
        problem=problem,
    )


@router.post("/welcome/{secret}")
def enter(
    secret: str,
    request: Request,
    session: DB,
    email: Annotated[Text, Form(max_length=254)] = "",
    name: Annotated[Text, Form(max_length=100)] = "",
    password: Annotated[Text, Form(max_length=1000)] = "",
) -> Response:
    """Make the person, or set their password, and sign them in."""
    invitation = find_invitation(session, secret[:100], lock=True)
    if invitation is None:
        return _page(request, session, None, {}, None)
    try:
        user = accept(session, invitation, email=email, name=name, password=password)
    except Problem as problem:
        return _page(request, session, invitation, {"email": email, "name": name}, problem)
    token = open_session(
        session, user, request.app.state.settings, way="link", agent=request.headers.get("user-agent", "")
    )
    answer = RedirectResponse("/", 303)
    set_cookie(answer, request, token)
    return answer

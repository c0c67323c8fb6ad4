"""Signing in and out. Nothing here tells whether an account exists."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.auth import OPEN, asks_to_sign_in, caller_of
from app.db import transaction
from app.entering import enter
from app.pages.common import render, safe_back, words_of
from app.people import has_admin
from app.sessions import clear_cookie, close_session, cookie_name, set_cookie

router = APIRouter(dependencies=[OPEN])


@router.get("/login")
def page(request: Request, back: str = "/") -> Response:
    """The form; who is in already goes on."""
    caller = caller_of(request)
    if caller is not None and caller.kind != "key":
        return RedirectResponse(safe_back(back[:2000]), 303)
    return _form(request, back, "", 200)


def _form(request: Request, back: str, email: str, status: int, wait: int = 0) -> HTMLResponse:
    with transaction(request.app.state.bind) as session:
        ready = has_admin(session)
    page = render(
        request,
        "login.html",
        words_of(request),
        status=status,
        back=safe_back(back[:2000]),
        email=email,
        refused=status == 401,
        minutes=-(-wait // 60),
        ready=ready,
        directory=bool(request.app.state.settings.oidc_issuer),
    )
    if wait:
        page.headers["Retry-After"] = str(wait)
    return page


@router.post("/login")
def sign_in(
    request: Request,
    email: Annotated[str, Form(max_length=254)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Exchange an e-mail address and a password for a session."""
    state = request.app.state
    if not asks_to_sign_in(state.settings):
        return RedirectResponse("/", 303)
    email = email.replace("\x00", "")
    entry = enter(
        state.bind,
        state.settings,
        state.seal,
        email=email,
        password=password,
        address=request.client.host if request.client else "",
        agent=request.headers.get("user-agent", ""),
    )
    if not entry.token:
        return _form(request, back, email, 429 if entry.wait else 401, entry.wait)
    answer = RedirectResponse(safe_back(back), 303)
    set_cookie(answer, request, entry.token)
    return answer


@router.post("/logout")
def sign_out(request: Request) -> RedirectResponse:
    """End this browser's session, here and in the database."""
    cookie = request.cookies.get(cookie_name(request.app.state.settings))
    if cookie:
        with transaction(request.app.state.bind) as session:
            close_session(session, cookie)
    answer = RedirectResponse("/login", 303)
    clear_cookie(answer, request)
    return answer

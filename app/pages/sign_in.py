"""Signing in with a key, where the pages can be reached from other machines."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.auth import COOKIE, COOKIE_SECONDS, asks_for_keys, find_key, sign_cookie
from app.db import DB
from app.pages.common import render, safe_back, words_of

router = APIRouter()


@router.get("/login")
def page(request: Request, back: str = "/") -> Response:
    """The form; on this machine alone nobody needs it."""
    if not asks_for_keys(request.app.state.settings):
        return RedirectResponse("/", 303)
    return _form(request, back, False, 200)


def _form(request: Request, back: str, refused: bool, status: int) -> HTMLResponse:
    return render(request, "login.html", words_of(request), status=status, back=safe_back(back[:2000]), refused=refused)


@router.post("/login")
def sign_in(
    request: Request,
    session: DB,
    key: Annotated[str, Form(max_length=200)] = "",
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Exchange a key for a cookie that dies with it."""
    found = find_key(session, key.strip())
    if found is None:
        return _form(request, back, True, 401)
    answer = RedirectResponse(safe_back(back), 303)
    answer.set_cookie(
        COOKIE,
        sign_cookie(request.app.state.seal, found.id),
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.base_url.startswith("https://"),
    )
    return answer


@router.post("/logout")
def sign_out() -> RedirectResponse:
    """Forget the cookie."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer

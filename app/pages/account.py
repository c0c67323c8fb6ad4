"""One's own account: the password, and where one is signed in."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from app import audit, people, throttle
from app.api.shapes import Text
from app.auth import Caller, allow
from app.db import DB, transaction
from app.errors import Problem
from app.pages.common import go, render, words_of
from app.sessions import close_sessions, open_sessions
from models.people import User

router = APIRouter(dependencies=[allow("viewer", change="viewer")])


@router.get("/account")
def page(request: Request, session: DB) -> HTMLResponse:
    """Who I am here."""
    return _page(request, session, None)


def _page(request: Request, session: DB, problem: Problem | None) -> HTMLResponse:
    caller: Caller = request.state.caller
    user = session.get(User, caller.user_id) if caller.user_id else None
    signed = open_sessions(session, caller.user_id)
    status = problem.status if problem else 200
    words = words_of(request)
    told = [(one, browser_name(one.agent)) for one in signed]
    return render(request, "account.html", words, status=status, user=user, sessions=told, problem=problem)


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_name(agent: str) -> str:
    """“Firefox · Windows” from what a browser calls itself; its first words where it is none that we know."""
    found = [next((name for mark, name in known if mark in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found)) or agent[:40]


@router.post("/account/password")
def change_password(
    request: Request,
    session: DB,
    current: Annotated[Text, Form(max_length=1000)] = "",
    password: Annotated[Text, Form(max_length=1000)] = "",
) -> Response:
    """Choose a new password, by the old one; every other browser is signed out."""
    caller: Caller = request.state.caller
    user = session.get(User, caller.user_id) if caller.user_id else None
    if user is None:
        raise Problem(409, "Only people have a password.")
    seal = request.app.state.seal
    with transaction(request.app.state.bind) as apart:  # counted even if the rest is rolled back
        wait = throttle.take(apart, throttle.subject(seal, "account", user.email), throttle.PER_ACCOUNT)
    if wait:
        detail = f"Too many tries: come back in {-(-wait // 60)} minutes."
        headers = {"Retry-After": str(wait)}
        raise Problem(429, detail, key="problem.too_often", headers=headers)
    if user.password is not None and not people.matches(user, current):
        wrong = Problem(422, "This is not your password.", where="body.current", key="problem.current")
        return _page(request, session, wrong)
    try:
        people.set_password(session, user, password)
    except Problem as problem:
        return _page(request, session, problem)
    ended = close_sessions(session, user.id, but=caller.session_id)
    throttle.forget(session, throttle.subject(seal, "account", user.email))
    audit.record(session, request, "person.password_changed", sessions_ended=ended)
    return go("/account", "saved")


@router.post("/account/sign-out-elsewhere")
def sign_out_elsewhere(request: Request, session: DB) -> Response:
    """End every other session of mine."""
    caller: Caller = request.state.caller
    if caller.user_id is not None:
        ended = close_sessions(session, caller.user_id, but=caller.session_id)
        audit.record(session, request, "person.signed_out_elsewhere", sessions_ended=ended)
    return go("/account", "saved")

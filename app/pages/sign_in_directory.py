"""Signing in by the company's directory: there, and back again."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from app import directory
from app.auth import OPEN
from app.db import DB
from app.directory import Directory
from app.errors import not_found
from app.pages.common import safe_back
from app.sessions import open_session, set_cookie

router = APIRouter(dependencies=[OPEN])
TRY = "cocoon_directory"


def _directory(request: Request) -> Directory:
    state = request.app.state
    if not state.settings.oidc_issuer:
        raise not_found("directory")
    if getattr(state, "directory", None) is None:
        state.directory = Directory(state.settings)
    found: Directory = state.directory
    return found


@router.get("/login/directory")
def leave(request: Request, back: Annotated[str, Query(max_length=2000)] = "/") -> RedirectResponse:
    """To the directory."""
    address, kept = _directory(request).begin(request.app.state.seal, safe_back(back))
    answer = RedirectResponse(address, 303)
    secure = request.app.state.settings.base_url.startswith("https://")
    answer.set_cookie(
        TRY, kept, max_age=directory.TRY_SECONDS, httponly=True, samesite="lax", secure=secure, path="/login"
    )
    return answer


@router.get(directory.CALLBACK)
def come_back(
    request: Request,
    session: DB,
    state: Annotated[str, Query(max_length=500)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> RedirectResponse:
    """From the directory, with who it is."""
    found = _directory(request)
    settings = request.app.state.settings
    kept = directory.read_try(request.app.state.seal, request.cookies.get(TRY, ""))
    who = directory.identity(found.finish(kept, state, code), settings)
    user = directory.admit(session, who)
    token = open_session(session, user, settings, way="directory", agent=request.headers.get("user-agent", ""))
    answer = RedirectResponse(safe_back(str(kept["back"])), 303)
    answer.delete_cookie(TRY, path="/login")
    set_cookie(answer, request, token)
    return answer

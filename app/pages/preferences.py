"""The reader's own choices: language and light or dark, kept in two cookies."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from app.auth import OPEN
from app.pages.common import safe_back

router = APIRouter(dependencies=[OPEN])
YEAR = 365 * 24 * 3600


@router.post("/preferences")
def choose(
    lang: Annotated[Literal["fr", "en"] | None, Form()] = None,
    theme: Annotated[Literal["light", "dark", "auto"] | None, Form()] = None,
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> RedirectResponse:
    """Remember a choice and return to the page it was made on."""
    answer = RedirectResponse(safe_back(back), 303)
    for name, value in (("lang", lang), ("theme", theme)):
        if value is not None:
            answer.set_cookie(name, value, max_age=YEAR, httponly=True, samesite="lax")
    return answer

"""Errors for machines (problem+json, RFC 9457) and for people (a page), from one exception."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException


class Problem(Exception):  # noqa: N818  the word of RFC 9457
    """What went wrong, where, and what to do, in a sentence for a person."""

    def __init__(
        self, status: int, detail: str, *, where: str = "", key: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.where, self.headers = status, detail, where, headers
        self.key = key
        """The sentence's key in the locales, where a page tells it in the reader's language."""


class ProblemField(BaseModel):
    """One part of a request that cannot be used."""

    where: str = Field(description="the place: query.stars, body.link, path.app_id")
    what: str = Field(description="what is wrong with it")


class ProblemBody(BaseModel):
    """application/problem+json."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[ProblemField] = []


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemBody, "description": meaning, "content": {"application/problem+json": {}}}
    for status, meaning in {
        400: "The body is not readable",
        401: "A key is missing or unknown",
        403: "The key or the page's origin does not allow this",
        404: "No such thing",
        409: "It clashes with what is there",
        413: "The body is too large",
        415: "Not that kind of body",
        422: "A value cannot be used",
        429: "Too often; `Retry-After` says when to come back",
        503: "Not ready",
    }.items()
}


def not_found(what: str) -> Problem:
    """A 404 that names what is missing."""
    return Problem(404, f"There is no such {what}. It may have been deleted, or its address is mistyped.")


def wants_page(request: Request) -> bool:
    """Whether a person looks at it."""
    return not request.url.path.startswith("/api/") and "json" not in request.headers.get("accept", "")


def install(app: FastAPI) -> None:
    """Answer every error in one shape."""

    @app.exception_handler(Problem)
    def problem(request: Request, error: Problem) -> Response:
        fields = [ProblemField(where=error.where, what=error.detail)] if error.where else []
        return _answer(request, error.status, error.detail, fields, error.headers, error.key)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        detail = str(error.detail) if error.status_code != 404 else f"There is nothing at {request.url.path}."
        return _answer(request, error.status_code, detail, [], dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        # the input itself is never echoed: it may hold what JSON cannot
        fields = [
            ProblemField(where=_printable(".".join(str(part) for part in found["loc"])), what=_printable(found["msg"]))
            for found in error.errors()
        ]
        detail = "; ".join(f"{field.where}: {field.what}" for field in fields[:3])
        return _answer(request, 422, detail, fields, None)

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:
        # The server logs it with its traceback; whoever asked gets a sentence and nothing of the inside.
        detail = "Something broke on our side, and it is in the log. Try again, or tell whoever runs Cocoon."
        return _answer(request, 500, detail, [], None)

    @app.exception_handler(OperationalError)
    def database(request: Request, error: OperationalError) -> Response:
        detail = "The database does not answer now. Nothing is lost; try again in a few seconds."
        return _answer(request, 503, detail, [], {"Retry-After": "3"})


def _printable(words: str) -> str:
    return words.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\\0")[:500]


def _answer(
    request: Request,
    status: int,
    detail: str,
    fields: Sequence[ProblemField],
    headers: dict[str, str] | None,
    key: str = "",
) -> Response:
    detail = _printable(detail)
    if wants_page(request):
        from app.pages.common import error_page  # pages import this module

        if status == HTTPStatus.UNAUTHORIZED:
            back = request.url.path if request.method in {"GET", "HEAD"} else "/"
            if request.url.query and back != "/":
                back += f"?{request.url.query}"
            return RedirectResponse(f"/login?back={quote(back[:1500], safe='')}", 303)

        page = error_page(request, status, detail, key)
        page.headers.update(headers or {})
        return page
    title = HTTPStatus(status).phrase
    body = ProblemBody(title=title, status=status, detail=detail, errors=list(fields))
    return JSONResponse(jsonable_encoder(body), status, headers, media_type="application/problem+json")

"""The portfolio: which apps want attention, a row each."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.auth import allow
from app.db import DB
from app.pages.common import render, words_of
from app.pages.headlines import incident_title, portfolio_headline
from app.pages.stability_part import percent
from app.reading.portfolio import portfolio

router = APIRouter(dependencies=[allow("viewer", change="editor")])
FIRST = 3
"""Of what needs attention, so many lines above the table."""


@router.get("/")
def page(request: Request, session: DB) -> HTMLResponse:
    """All apps."""
    words = words_of(request)
    rows = portfolio(session)
    first = [(row.app, row.first, incident_title(words, row.first)) for row in rows if row.first is not None]
    return render(
        request,
        "portfolio.html",
        words,
        rows=rows,
        headline=portfolio_headline(words, rows),
        first=first[:FIRST],
        percent=percent,
    )

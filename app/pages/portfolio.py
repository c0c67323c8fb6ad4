"""The portfolio: which apps want attention, a row each."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.auth import allow
from app.db import DB
from app.pages.common import render, words_of
from app.pages.headlines import portfolio_headline
from app.reading.portfolio import portfolio

router = APIRouter(dependencies=[allow("viewer", change="editor")])


@router.get("/")
def page(request: Request, session: DB) -> HTMLResponse:
    """All apps."""
    words = words_of(request)
    rows = portfolio(session)
    return render(request, "portfolio.html", words, rows=rows, headline=portfolio_headline(words, rows))

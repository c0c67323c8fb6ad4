"""The portfolio: which apps want attention, a row each."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select

from app.auth import allow
from app.canary import CANARY_INBOX
from app.db import DB
from app.pages.common import render, words_of
from app.pages.headlines import incident_title, last_seen, portfolio_headline
from app.pages.stability_part import between, percent
from app.reading.called import names
from app.reading.portfolio import portfolio
from models.incidents import Destination
from models.people import User

router = APIRouter(dependencies=[allow("viewer", change="editor")])
FIRST = 3
"""Of what needs attention, so many lines above the table."""


@router.get("/")
def page(request: Request, session: DB) -> HTMLResponse:
    """All apps."""
    words = words_of(request)
    rows = portfolio(session)
    called = names(session, [row.first for row in rows if row.first is not None])
    first = [(row.app, row.first, incident_title(words, row.first, called)) for row in rows if row.first is not None]
    return render(
        request,
        "portfolio.html",
        words,
        rows=rows,
        headline=portfolio_headline(words, rows),
        first=first[:FIRST],
        percent=percent,
        last_seen=last_seen,
        between=between,
        begun=None if rows else _begun(session),
    )


@dataclass(frozen=True, slots=True)
class Begun:
    """How far a new installation is: where alerts go, and who may come in."""

    destinations: int
    people: int


def _begun(session: DB) -> Begun:
    active = select(func.count()).where(User.deactivated_at.is_(None))
    places = select(func.count()).select_from(Destination).where(Destination.name != CANARY_INBOX)
    return Begun(session.scalar(places) or 0, session.scalar(active) or 0)

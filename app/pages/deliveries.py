"""Deliveries: how quick we are, whether the canary arrived, what waits or was given up, and sending that again."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from alerts import outbox
from app import audit
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.i18n import Words
from app.pages.common import go, render, words_of
from app.reading import deliveries, latency

router = APIRouter(dependencies=[allow("viewer", change="admin")])
State = Literal["queued", "sending", "sent", "dead"]


@router.get("/deliveries")
def page(request: Request, session: DB, state: str = "", before: UUID | None = None) -> HTMLResponse:
    """What was sent, waits, or was given up."""
    words = words_of(request)
    chosen = state if state in {"queued", "sending", "sent", "dead"} else None
    found = deliveries.find(session, state=chosen, before=before, limit=51)
    known, counts = latency.latencies(session), latency.states(session)
    following = f"/deliveries?state={chosen or ''}&before={found[49].id}" if len(found) > 50 else None
    if counts.get("dead"):
        headline = words.t("deliveries.dead", n=counts["dead"])
    elif known:
        headline = words.t("deliveries.quick", p50=_seconds(words, known[0].p50), p95=_seconds(words, known[0].p95))
    else:
        headline = words.t("deliveries.none")
    return render(
        request,
        "deliveries.html",
        words,
        headline=headline,
        latencies=known,
        seconds=partial(_seconds, words),
        canaries=latency.canaries(session),
        counts=counts,
        state=chosen or "",
        recent=found[:50],
        next_url=following,
        names={one.id: one.name for one in deliveries.destinations(session)},
    )


def _seconds(words: Words, value: float) -> str:
    """Two digits of seconds are enough: 0.4, 7, 95 s."""
    return f"{words.number(value, 1 if value < 10 else 0)}\u202fs"


@router.post("/deliveries/replay")
def replay(
    request: Request, session: DB, first: Annotated[date, Form(alias="from")], last: Annotated[date, Form(alias="to")]
) -> RedirectResponse:
    """Send again what was given up from the first day to the last, both included (days of Paris)."""
    if last < first:
        raise Problem(422, "The period ends before it begins.", where="body.to")
    zone = ZoneInfo("Europe/Paris")
    start = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    revived = outbox.revive(session, start, end)
    audit.record(session, request, "delivery.replayed", start=start, end=end, count=revived)
    return go("/deliveries", "saved")

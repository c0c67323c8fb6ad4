"""The verbatims of an app: search, filters as chips, a list."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from app.api.filters import read_filters
from app.api.shapes import Text
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.i18n import Words
from app.pages import links
from app.pages.common import find_app, render, words_of
from app.pages.setup import STOREFRONTS
from app.reading import trends, verbatims
from app.reading.apps import today
from app.reading.irritants import name_of
from app.reading.launches import launches
from app.reading.looking import CAP, LOOK, LOOK_FOR_WORDS, forgiven
from app.reading.topics import topic_name, topic_names
from app.reading.verbatims import Filters
from app.reading.views import saved_views
from models.insight import Irritant

router = APIRouter(dependencies=[allow("viewer", change="editor")])
ASKED = {
    "stars",
    "channel",
    "version",
    "topic",
    "topic_negative",
    "label",
    "intent",
    "from",
    "to",
    "urgent",
    "revised",
    "disagrees",
    "replied",
    "storefront",
    "language",
    "device",
}
"""What the form of filters asks; the others ride along unseen."""
SHOWN = 40
PAGE = 30


@router.get("/apps/{app_id}/reviews")
def page(
    app_id: int,
    request: Request,
    session: DB,
    filters: Annotated[Filters, Depends(read_filters)],
    after: Annotated[Text | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """How many, of what, and which."""
    app = find_app(session, app_id)
    words = words_of(request, app)
    try:
        lines, following, count = verbatims.page_and_count(session, filters, after=after, limit=PAGE)
    except verbatims.BadCursorError as error:
        raise Problem(422, f"{error}", where="query.after") from error
    return render(
        request,
        "reviews.html",
        words,
        app=app,
        tab="reviews",
        today=today(app),
        filters=filters,
        hidden=[pair for pair in links.query_of(filters) if pair[0] != "q"],
        kept=[pair for pair in links.query_of(filters) if pair[0] not in ASKED],
        count=count,
        chips=_chips(words, filters, _irritant(session, filters, words)),
        choices=_choices(words, session, filters),
        lines=lines,
        next_url=links.of_filters(filters, after=following) if following else None,
        first_url=links.of_filters(filters) if after else None,
        forgiving=filters.text is not None and forgiven(session, filters.text),
        exact_url=links.of_filters(replace(filters, text=f'"{filters.text}"')),
        looked=LOOK if filters.text is None else LOOK_FOR_WORDS,
        short=following is not None and 0 < len(lines) < PAGE,
        cap=CAP,
        views=saved_views(session, app_id),
        query=urlencode(links.query_of(filters)),
    )


def _chips(words: Words, filters: Filters, irritant: str) -> list[tuple[str, str]]:
    """Each filter that is on, and the address of the same list without it."""
    t, unknown = words.t, words.t("unknown")
    names: list[tuple[bool, str, dict[str, Any]]] = [
        (bool(filters.stars), t("chip.stars", stars=words.listed([f"{n} ★" for n in filters.stars])), {"stars": ()}),
        (filters.rated is not None, t("chip.rated" if filters.rated else "chip.unrated"), {"rated": None}),
        (filters.version is not None, t("chip.version", version=filters.version or unknown), {"version": None}),
        (filters.channel is not None, words.name("channel", filters.channel or ""), {"channel": None}),
        (
            filters.storefront is not None,
            t("chip.storefront", country=(filters.storefront or "").upper() or unknown),
            {"storefront": None},
        ),
        (filters.language is not None, words.name("language", filters.language or ""), {"language": None}),
        (
            filters.topic is not None,
            t(
                "chip.topic_negative" if filters.topic_negative else "chip.topic",
                topic=topic_name(filters.topic or "", words.language),
            ),
            {"topic": None, "topic_negative": False},
        ),
        (filters.label is not None, words.name("label", filters.label or ""), {"label": None}),
        (filters.intent is not None, words.name("intent", filters.intent or ""), {"intent": None}),
        (filters.urgent is not None, t("chip.urgent" if filters.urgent else "chip.not_urgent"), {"urgent": None}),
        (filters.revised is not None, t("chip.revised" if filters.revised else "chip.not_revised"), {"revised": None}),
        (
            filters.disagrees is not None,
            t("chip.disagrees" if filters.disagrees else "chip.agrees"),
            {"disagrees": None},
        ),
        (filters.replied is not None, t("chip.replied" if filters.replied else "chip.not_replied"), {"replied": None}),
        (filters.device is not None, filters.device or "", {"device": None}),
        (filters.irritant is not None, t("chip.irritant", name=irritant), {"irritant": None}),
        (bool(filters.first or filters.last), _days(words, filters), {"first": None, "last": None}),
        (filters.text is not None, t("chip.text", text=filters.text or ""), {"text": None}),
    ]
    return [(name, links.of_filters(replace(filters, **without))) for on, name, without in names if on]


def _irritant(session: DB, filters: Filters, words: Words) -> str:
    found = session.get(Irritant, (filters.app_id, filters.irritant)) if filters.irritant else None
    return name_of(found, words.language) if found else words.t("unknown")


def _days(words: Words, filters: Filters) -> str:
    if filters.first and filters.last:
        return words.span(filters.first, filters.last)
    if filters.first:
        return words.t("chip.from", day=words.day(filters.first))
    return words.t("chip.to", day=words.day(filters.last)) if filters.last else ""


def _choices(words: Words, session: DB, filters: Filters) -> dict[str, list[tuple[str, str]]]:
    """What the filter form offers: value and name."""
    app_id = filters.app_id
    recent = launches(session, app_id, date(9999, 12, 31))[: -SHOWN - 1 : -1]
    languages = ("fr", "en", "de", "es", "it", "nl", "pt", "ar")
    return {
        "channel": [(channel, words.name("channel", channel)) for channel in trends.channels(session, app_id)],
        "version": [(found.version, found.version) for found in recent],
        "storefront": sorted(
            ((code, words.country(code)) for code in STOREFRONTS), key=lambda pair: pair[1].casefold()
        ),
        "language": [(code, words.language_name(code)) for code in languages],
        "topic": sorted(topic_names(words.language).items(), key=lambda pair: pair[1].casefold()),
        "label": [(label, words.name("label", label)) for label in ("negative", "mixed", "neutral", "positive")],
        "intent": [(intent, words.name("intent", intent)) for intent in ("problem", "request", "question", "praise")],
    }

"""Addresses of pages, with all filters in them, so that they can be sent to a colleague."""

from datetime import date
from urllib.parse import quote_plus, urlencode

from app.reading.verbatims import Filters


def query_of(filters: Filters) -> list[tuple[str, str]]:
    """The filters as they stand in an address; the same names for the page and the API."""
    found = [("stars", str(star)) for star in filters.stars]
    for name, value in (
        ("version", filters.version),
        ("channel", filters.channel),
        ("storefront", filters.storefront),
        ("language", filters.language),
        ("topic", filters.topic),
        ("label", filters.label),
        ("intent", filters.intent),
        ("device", filters.device),
        ("q", filters.text),
    ):
        if value is not None:
            found.append((name, value or "unknown"))
    for name, flag in (
        ("rated", filters.rated),
        ("urgent", filters.urgent),
        ("revised", filters.revised),
        ("disagrees", filters.disagrees),
        ("replied", filters.replied),
    ):
        if flag is not None:
            found.append((name, "true" if flag else "false"))
    if filters.irritant is not None:
        found.append(("irritant", str(filters.irritant)))
    if filters.topic_negative:
        found.append(("topic_negative", "true"))
    for name, day in (("from", filters.first), ("to", filters.last)):
        if day is not None:
            found.append((name, day.isoformat()))
    return found


def reviews(
    app_id: int,
    first: date | None = None,
    last: date | None = None,
    *,
    stars: tuple[int, ...] = (),
    rated: bool | None = None,
    version: str | None = None,
    channel: str | None = None,
    topic: str | None = None,
    topic_negative: bool = False,
    label: str | None = None,
    irritant: int | None = None,
) -> str:
    """The list of the verbatims behind a number (written out here: a chart's table asks for hundreds)."""
    found = [f"stars={star}" for star in stars]
    for name, value in (("version", version), ("channel", channel), ("topic", topic), ("label", label)):
        if value is not None:
            found.append(f"{name}={quote_plus(value) if value else 'unknown'}")
    if rated is not None:
        found.append("rated=true" if rated else "rated=false")
    if irritant is not None:
        found.append(f"irritant={irritant}")
    if topic_negative:
        found.append("topic_negative=true")
    if first is not None:
        found.append(f"from={first}")
    if last is not None:
        found.append(f"to={last}")
    return f"/apps/{app_id}/reviews" + (f"?{'&'.join(found)}" if found else "")


def of_filters(filters: Filters, **more: str) -> str:
    """The list of verbatims with these filters."""
    query = urlencode(query_of(filters) + list(more.items()))
    return f"/apps/{filters.app_id}/reviews" + (f"?{query}" if query else "")

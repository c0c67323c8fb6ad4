"""The filters of verbatims, read from an address: the same for the page, the API and the CSV."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BeforeValidator, Field

from app.api.shapes import Day, OptionalText, RowId
from app.errors import Problem
from app.reading.verbatims import Filters

Flag = Annotated[bool | None, BeforeValidator(lambda value: None if value == "" else value)]
OptionalId = Annotated[
    Annotated[int, Field(ge=1, lt=2**63)] | None, BeforeValidator(lambda value: None if value == "" else value)
]
OptionalDay = Annotated[Day | None, BeforeValidator(lambda value: None if value == "" else value)]


UNKNOWN = "unknown"


def known(value: str | None) -> str | None:
    """An address says “unknown” where the tables keep an empty key."""
    return "" if value == UNKNOWN else value


def _no_empty(values: object) -> object:
    return [value for value in values if value != ""] if isinstance(values, list) else values


def read_filters(
    app_id: RowId,
    stars: Annotated[
        list[Literal["1", "2", "3", "4", "5"]] | None,
        BeforeValidator(_no_empty),
        Query(description="1 to 5, repeated for several"),
    ] = None,
    rated: Annotated[Flag, Query(description="only those with stars, or without")] = None,
    version: Annotated[OptionalText, Query(description="as the store tells it, or “unknown”")] = None,
    channel: OptionalText = None,
    storefront: Annotated[OptionalText, Query(description="two letters, or “unknown”")] = None,
    language: OptionalText = None,
    topic: OptionalText = None,
    topic_negative: Annotated[Flag, Query(description="with `topic`: only where it is spoken of badly")] = None,
    label: Annotated[OptionalText, Query(description="negative, mixed, neutral or positive")] = None,
    intent: Annotated[OptionalText, Query(description="problem, request, question or praise")] = None,
    urgent: Flag = None,
    revised: Annotated[Flag, Query(description="only those that were edited, or not")] = None,
    disagrees: Annotated[Flag, Query(description="only where the text says the opposite of the stars, or not")] = None,
    replied: Annotated[Flag, Query(description="only those that the publisher answered, or not")] = None,
    device: Annotated[OptionalText, Query(description="as the store tells it")] = None,
    irritant: Annotated[OptionalId, Query(description="only those of this irritant")] = None,
    first: Annotated[OptionalDay, Query(alias="from")] = None,
    last: Annotated[OptionalDay, Query(alias="to")] = None,
    q: Annotated[
        OptionalText, Query(description='words to find, accents and slips of typing forgiven; "exactly this", or, -not')
    ] = None,
) -> Filters:
    """Narrow an app's verbatims. Days are those of the app's time zone, both included."""
    if first and last and first > last:
        raise Problem(422, f"The first day ({first}) is after the last ({last}).", where="query.from")
    return Filters(
        app_id,
        stars=tuple(sorted({int(star) for star in stars or ()})),
        rated=rated,
        version=known(version),
        channel=channel,
        storefront=known(storefront),
        language=language,
        topic=topic,
        topic_negative=bool(topic_negative and topic),
        label=label,
        intent=intent,
        urgent=urgent,
        revised=revised,
        disagrees=disagrees,
        replied=replied,
        device=device,
        irritant=irritant,
        first=first,
        last=last,
        text=q,
    )

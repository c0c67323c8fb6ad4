"""Values that come from outside, bounded so that none can upset the database."""

from datetime import date, datetime
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must be valid Unicode") from error
    return text


def _reasonable(day: date) -> date:
    if not 2000 <= day.year <= 2100:
        raise ValueError("must be a day between 2000 and 2100")
    return day


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("must have a time zone, such as 2026-11-22T10:00:00Z")
    if not 2000 <= moment.year <= 2100:
        raise ValueError("must be between 2000 and 2100")
    return moment


Text = Annotated[str, Field(max_length=2000), AfterValidator(_storable)]
"""Text that Postgres can hold."""

LongText = Annotated[str, Field(max_length=200_000), AfterValidator(_storable)]
"""A small file."""

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S"), AfterValidator(_storable)]
"""Text that people will recognise something by."""

Day = Annotated[date, AfterValidator(_reasonable)]
Moment = Annotated[datetime, AfterValidator(_aware)]
RowId = Annotated[int, Path(ge=1, lt=2**63)]
"""An id in a path."""

OptionalText = Annotated[Text | None, BeforeValidator(lambda value: None if value == "" else value)]
"""A form's empty field is no filter."""


class Body(BaseModel):
    """A request's body: unknown fields are refused, so that a typo is not silently ignored."""

    model_config = {"extra": "forbid"}

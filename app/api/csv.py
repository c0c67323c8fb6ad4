"""CSV, streamed at constant memory. Cells that a spreadsheet would take for a formula are made plain text."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import StreamingResponse

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


Separator = Annotated[
    Literal["comma", "semicolon"],
    Query(description="semicolon: with decimal commas, as Excel in French and its like opens a file by a click"),
]


def _cell(value: object, decimal: str) -> object:
    """Customers write verbatims: none of them shall run in a colleague's spreadsheet (OWASP: CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, float) and decimal != ".":
        return str(value).replace(".", decimal)
    return "'" + value if isinstance(value, str) and value.startswith(DANGEROUS) else value


def _lines(heads: Sequence[str], rows: Iterable[Sequence[object]], separator: Separator) -> Iterator[str]:
    text = io.StringIO()
    sign, decimal = (";", ",") if separator == "semicolon" else (",", ".")
    writer = csv.writer(text, delimiter=sign)
    text.write("\ufeff")  # Excel takes the file for UTF-8 only with this mark
    writer.writerow(heads)
    for number, row in enumerate(rows):
        writer.writerow([_cell(value, decimal) for value in row])
        if number % 200 == 199:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def answer(
    name: str, heads: Sequence[str], rows: Iterable[Sequence[object]], separator: Separator = "comma"
) -> StreamingResponse:
    """A CSV file named `name`.csv."""
    return StreamingResponse(
        _lines(heads, rows, separator),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )

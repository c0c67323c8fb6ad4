"""CSV and Excel exports of a million rows: seconds, bytes, and the memory they need, beside openpyxl's write-only mode.

python -m benchmarks.export [ROWS]
"""

import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from io import BytesIO

from app.api import csv, xlsx

HEADS = ("id", "day", "written_at", "stars", "body", "sentiment", "urgent")
Row = list[object]


def rows(many: int) -> Iterator[Row]:
    """Reviews of a usual length."""
    at = datetime(2026, 11, 22, tzinfo=UTC)
    for n in range(many):
        body = f"Depuis la mise à jour {n} l’application se ferme toute seule dès que j’ouvre mes comptes."
        yield [n, at.date(), at.isoformat(), n % 5 + 1, body, n % 7 / 7, n % 2 == 0]


def by_csv(found: Iterable[Row]) -> int:
    return sum(len(piece.encode()) for piece in csv._lines(HEADS, found))


def by_xlsx(found: Iterable[Row]) -> int:
    return sum(map(len, xlsx.write(HEADS, found)))


def by_openpyxl(found: Iterable[Row]) -> int:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADS)
    for row in found:
        sheet.append(row)
    kept = BytesIO()
    book.save(kept)
    return len(kept.getvalue())


WAYS: dict[str, Callable[[Iterable[Row]], int]] = {"CSV": by_csv, "Excel": by_xlsx, "openpyxl": by_openpyxl}


def main() -> None:
    """Print a line a way; the slow one writes a tenth of the rows."""
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for name, way in WAYS.items():
        way(rows(1000))
        many = asked if name != "openpyxl" else asked // 10
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        size = way(rows(many))
        pace = many / (time.perf_counter() - began)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"{name:<9} {many:>9,} rows {pace:>9,.0f} rows/s {size / 1e6:>7.1f} MB, memory +{grown:.1f} MB")


if __name__ == "__main__":
    main()

"""CSV and Excel at constant memory, and nothing in them runs. ETags: what is unchanged is not sent again."""

import io
import tracemalloc
from collections.abc import Iterator
from csv import DictReader, reader
from datetime import date, datetime

import openpyxl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.api import csv, exports, xlsx
from models.feedback import Verbatim
from tests.app.seed import Portfolio

FORMULA = '=HYPERLINK("https://evil.example","click")'


def sheets(content: bytes) -> list[list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [[tuple(cell.value for cell in row) for row in sheet.iter_rows()] for sheet in book.worksheets]


def test_excel_holds_what_the_csv_holds(web: TestClient, portfolio: Portfolio, db: Session) -> None:
    app = portfolio.apps[0].id
    one = db.query(Verbatim).filter(Verbatim.app_id == app).order_by(Verbatim.id).first()
    assert one is not None
    one.body = FORMULA
    db.flush()
    answer = web.get(f"/api/v1/apps/{app}/reviews.xlsx?stars=1&stars={one.stars}")
    assert answer.headers["content-type"] == xlsx.MIME
    assert answer.headers["content-disposition"] == f'attachment; filename="reviews-{app}.xlsx"'
    ((heads, *rows),) = sheets(answer.content)
    text = web.get(f"/api/v1/apps/{app}/reviews.csv?stars=1&stars={one.stars}").text
    assert ",".join(str(head) for head in heads) == text.splitlines()[0].lstrip("\ufeff")
    told = web.get(f"/api/v1/apps/{app}/reviews?stars=1&stars={one.stars}&limit=1").json()["count"]
    assert len(rows) == told
    assert FORMULA in [row[8] for row in rows], "as it was written"
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    kinds = {cell.data_type for row in book.worksheets[0].iter_rows() for cell in row}
    assert "f" not in kinds, "no cell is a formula"
    assert f'"\'{FORMULA.replace(chr(34), chr(34) * 2)}"' in text
    stars = web.get(f"/api/v1/apps/{app}/trends/stars.xlsx?bucket=week")
    assert sheets(stars.content)[0][0][0] == "first"
    assert web.get("/api/v1/apps/999999/reviews.xlsx").status_code == 404


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_of_a_csv_is_a_formula(start: str) -> None:
    text = "".join(csv._lines(("a",), [[f"{start}1+1"], [-5]], "comma"))
    assert f"'{start}1+1" in text
    assert "\n-5" in text, "a number is a number"


def test_excel_takes_any_text_and_goes_on_in_another_sheet() -> None:
    nasty = [
        "a\x00b\x1f",
        "\ud800",
        "<&>\"'",
        " spaces ",
        "é💥\u202e",
        "x" * 40_000,
        None,
        True,
        1.5,
        float("nan"),
        10**30,
    ]
    rows = [*[[value] for value in nasty], *[[n] for n in range(9)]]
    found = sheets(b"".join(xlsx.write(("head",), rows, most=10)))
    assert [len(sheet) for sheet in found] == [10, 10, 3]
    assert {sheet[0] for sheet in found} == {("head",)}
    values = [row[0] for sheet in found for row in sheet[1:]]
    assert values[:5] == ["ab", "", "<&>\"'", " spaces ", "é💥\u202e"]
    assert len(str(values[5])) == xlsx.MOST_CHARACTERS
    assert values[6:9] == [None, True, 1.5]
    assert values[-9:] == list(range(9))
    assert sheets(b"".join(xlsx.write(("head",), []))) == [[("head",)]]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_memory_does_not_grow_with_the_rows(form: str) -> None:
    def rows(many: int) -> Iterator[list[object]]:
        for n in range(many):
            yield [n, date(2026, 11, 22), f"un avis numéro {n} " * 8, 4.5, n % 2 == 0]

    def peak(many: int) -> int:
        tracemalloc.start()
        made = csv._lines(("a",) * 5, rows(many), "comma") if form == "csv" else xlsx.write(("a",) * 5, rows(many))
        sent = sum(len(piece) for piece in made)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sent > many
        return highest

    small, large = peak(6_000), peak(40_000)
    assert large < small + 200_000, (small, large)


def test_what_is_unchanged_is_not_sent_again(web: TestClient, portfolio: Portfolio, db: Session) -> None:
    address = f"/api/v1/apps/{portfolio.apps[0].id}/reviews?limit=5"
    first = web.get(address)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert web.get(address).headers["etag"] == tag
    for asked in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = web.get(address, headers={"If-None-Match": asked})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in again.headers
    assert web.get(address, headers={"If-None-Match": "*"}).status_code == 304
    assert web.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
    review = first.json()["items"][0]["id"]
    db.get_one(Verbatim, (portfolio.apps[0].id, review)).body = "autre chose"
    db.flush()
    changed = web.get(address, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    missing = web.get("/api/v1/apps/999999", headers={"If-None-Match": "*"})
    assert missing.status_code == 404
    assert "etag" not in missing.headers
    assert "etag" not in web.get(f"/api/v1/apps/{portfolio.apps[0].id}/reviews.csv").headers
    assert web.get("/settings", headers={"If-None-Match": "*"}).status_code == 200


LISTS = (
    "/apps/{app}/versions", "/apps/{app}/versions/compare", "/apps/{app}/topics", "/apps/{app}/irritants",
    "/apps/{app}/irritant-days", "/apps/{app}/stability", "/apps/{app}/coverage", "/incidents", "/deliveries",
    "/audit", "/apps/{app}/reviews", "/apps/{app}/trends/stars",
)  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_exported_in_both_forms_alike(web: TestClient, portfolio: Portfolio, path: str) -> None:
    web.post("/api/v1/apps", json={"name": "Une autre"})  # something for the audit
    address = f"/api/v1{path.format(app=portfolio.apps[0].id)}"
    text = web.get(f"{address}.csv")
    assert text.status_code == 200
    assert text.text.startswith("\ufeff"), "Excel takes it for UTF-8"
    rows = list(reader(io.StringIO(text.text.lstrip("\ufeff"))))
    ((heads, *lines),) = sheets(web.get(f"{address}.xlsx").content)
    assert rows[0] == list(heads)
    assert len(rows) - 1 == len(lines)
    assert lines or path.endswith("/stability"), "there is something to take away"
    assert {len(row) for row in rows} == {len(heads)}


def test_the_days_of_irritants_add_up(web: TestClient, portfolio: Portfolio) -> None:
    app, irritant = portfolio.apps[0].id, portfolio.irritant
    days = {"from": "2026-09-01", "to": "2026-11-22"}
    answer = web.get(f"/api/v1/apps/{app}/irritant-days.csv", params={**days, "irritant": irritant, "language": "en"})
    rows = list(DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    told = web.get(f"/api/v1/apps/{app}/irritants/{irritant}", params=days).json()
    assert sum(int(row["n"]) for row in rows) == told["row"]["n"] > 0
    assert {(row["irritant"], row["name"]) for row in rows} == {(str(irritant), "Cannot sign in")}
    everything = web.get(f"/api/v1/apps/{app}/irritant-days.csv", params=days).text
    assert len(everything.splitlines()) > len(rows) + 1


def test_exports_are_read_page_by_page(web: TestClient, portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of two rows at a time gives the same file as one of five hundred."""
    app = portfolio.apps[0].id
    for n in range(5):
        web.post("/api/v1/apps", json={"name": f"App {n}"})
    paths = (f"/api/v1/apps/{app}/irritant-days.csv", "/api/v1/audit.csv", "/api/v1/incidents.csv")
    whole = [web.get(path).text for path in paths]
    monkeypatch.setattr(exports, "BATCH", 2)
    assert [web.get(path).text for path in paths] == whole
    assert [len(text.splitlines()) > 5 for text in whole] == [True, True, False]


def test_a_day_is_a_day_in_excel() -> None:
    ((_, (day, text)),) = sheets(b"".join(xlsx.write(("day", "text"), [[date(2026, 11, 22), "2026-11-22"]])))
    assert isinstance(day, datetime)
    assert (day.date(), text) == (date(2026, 11, 22), "2026-11-22")


def test_french_excel_gets_semicolons_decimal_commas_and_the_mark(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    assert portfolio.incident
    address = f"/api/v1/apps/{app}/versions.csv"
    plain, french = web.get(address).text, web.get(f"{address}?separator=semicolon").text
    assert french[0] == plain[0] == "\ufeff"
    by_comma = list(DictReader(plain[1:].splitlines()))
    by_semicolon = list(DictReader(french[1:].splitlines(), delimiter=";"))
    assert len(by_comma) == len(by_semicolon) > 1
    assert [{name: value.replace(".", ",") for name, value in row.items() if name == "mean"} for row in by_comma] == [
        {name: value for name, value in row.items() if name == "mean"} for row in by_semicolon
    ]
    assert "," in by_semicolon[0]["mean"]
    assert by_semicolon[0]["version"] == by_comma[0]["version"] == "7.3", "a version is no number"
    assert web.get(f"{address}?separator=tab").status_code == 422
    for path in (
        f"/apps/{app}/reviews.csv",
        f"/apps/{app}/trends/stars.csv",
        f"/incidents/{portfolio.incident.id}/timeline.csv",
    ):
        assert ";" in web.get(f"/api/v1{path}?separator=semicolon").text.splitlines()[0]
    assert "separator=semicolon" in web.get(f"/apps/{app}/irritants", headers={"Accept-Language": "fr"}).text
    assert "separator=semicolon" not in web.get(f"/apps/{app}/irritants", headers={"Accept-Language": "en"}).text

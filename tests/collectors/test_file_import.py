import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from collectors.base import Page, SourceError
from collectors.file_import import FileSource, guess_mapping, read_rows
from collectors.file_values import country, moment, stars
from collectors.http import Http
from collectors.registry import build
from collectors.values import RowFault
from models.records import VerbatimRecord

FRENCH = """date_publication;note;titre;avis;auteur;pays;langue;version;inutile
25/12/2020;4,0;Bien;"L'appli est bien, mais lente
et je paie 3 € à contrecœur";Zoé;France;fr_FR;7.1.0;x
03/01/2021;1;Nul;Connexion impossible depuis la mise à jour;Max;BE;fr;7.2.0;y
"""


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, **more: Any) -> tuple[list[VerbatimRecord], list[str]]:
    pages = list(read_rows(path, more.pop("mapping", None) or guess_mapping(path), **more))
    assert [page.end for page in pages] == [None] * (len(pages) - 1) + ["exhausted"]
    return [row for page in pages for row in page.verbatims], [row.reason for page in pages for row in page.quarantined]


def check_french(rows: list[VerbatimRecord]) -> None:
    first, second = rows
    assert first.body == "L'appli est bien, mais lente\net je paie 3 € à contrecœur"
    # Midnight in Paris, in winter.
    assert first.written_at == datetime(2020, 12, 24, 23, tzinfo=UTC)
    assert (first.stars, first.title, first.author) == (4, "Bien", "Zoé")
    assert (first.storefront, first.locale, first.version) == ("fr", "fr-FR", "7.1.0")
    assert second.written_at == datetime(2021, 1, 2, 23, tzinfo=UTC)
    assert (second.stars, second.storefront) == (1, "be")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_french_csv_in_any_encoding(tmp_path: Path, encoding: str, zipped: bool) -> None:
    content = FRENCH.encode(encoding)
    path = write(tmp_path, "avis.csv", gzip.compress(content) if zipped else content)
    mapping = guess_mapping(path)
    assert mapping.layout.delimiter == ";"
    assert mapping.unmapped == ("inutile",)
    rows, bad = read(path)
    check_french(rows)
    assert bad == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter).writerows(csv.reader(io.StringIO(FRENCH), delimiter=";"))
    check_french(read(write(tmp_path, "avis.txt", target.getvalue()))[0])


@pytest.mark.parametrize("form", ["jsonl", "array", "wrapped"])
@pytest.mark.parametrize("zipped", [False, True])
def test_the_same_rows_as_json(tmp_path: Path, form: str, zipped: bool) -> None:
    rows = list(csv.DictReader(io.StringIO(FRENCH), delimiter=";"))
    content = {
        "jsonl": "\n".join(json.dumps(row) for row in rows) + "\n\n",
        "array": json.dumps(rows, indent=2),
        "wrapped": json.dumps({"reviews": rows}, indent=1),
    }[form].encode()
    check_french(read(write(tmp_path, "avis.bin", gzip.compress(content) if zipped else content))[0])


@pytest.mark.parametrize("zipped", [False, True])
def test_the_same_rows_as_excel(tmp_path: Path, zipped: bool) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.title = "vide"
    sheet = book.create_sheet("avis")
    head, *rows = csv.reader(io.StringIO(FRENCH), delimiter=";")
    sheet.append(head)
    sheet.append([datetime(2020, 12, 25), 4.0, *rows[0][2:]])  # noqa: DTZ001
    sheet.append([date(2021, 1, 3), 1, *rows[1][2:]])
    target = io.BytesIO()
    book.save(target)
    content = target.getvalue()
    path = write(tmp_path, "avis.xlsx", gzip.compress(content) if zipped else content)
    check_french(read(path)[0])


def test_nested_json_is_named_with_dots(tmp_path: Path) -> None:
    row = {
        "reviewId": "a",
        "text": "Bloqué au démarrage",
        "score": 1,
        "at": 1_609_459_200,
        "developerReply": {"text": "Désolés"},
    }
    path = write(tmp_path, "x.jsonl", json.dumps(row))
    mapping = guess_mapping(path).corrected({"developerReply.text": "reply"})
    ((record,), bad) = read(path, mapping=mapping)
    assert (record.external_id, record.reply, record.written_at) == ("a", "Désolés", datetime(2021, 1, 1, tzinfo=UTC))
    assert bad == []


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        ("content,score,at,reviewId,appVersion,userName,thumbsUpCount,replyContent,repliedAt", 9),
        (
            "Review Text,Star Rating,Review Submit Date and Time,Reviewer Language,Device,App Version Name",
            6,
        ),
        ("commentaire,étoiles,Date de publication,réponse,Pays,langue", 6),
        ("body,rating,createdDate,title,territory,reviewerNickname,id", 7),
    ],
)
def test_usual_names_of_columns_are_known(tmp_path: Path, head: str, fields: int) -> None:
    assert len(guess_mapping(write(tmp_path, "x.csv", head + "\nx" + "," * (fields - 1) + "\n")).fields) == fields


def test_columns_without_telling_names_are_guessed_from_their_values(tmp_path: Path) -> None:
    lines = [
        f"2021-02-{day:02},{day % 5 + 1},Un texte assez long pour être un avis numéro {day}" for day in range(1, 20)
    ]
    mapping = guess_mapping(write(tmp_path, "x.csv", "a,b,c\n" + "\n".join(lines)))
    assert mapping.fields == {"written_at": "a", "stars": "b", "body": "c"}
    assert all(0 < column.confidence < 0.8 for column in mapping.columns)
    assert mapping.columns[0].examples == ("2021-02-01", "2021-02-02", "2021-02-03")
    headless = guess_mapping(write(tmp_path, "y.csv", "\n".join(lines)))
    assert headless.fields == {"written_at": "column 1", "stars": "column 2", "body": "column 3"}
    assert len(read(tmp_path / "y.csv")[0]) == 19


def test_a_name_that_its_values_deny_is_not_believed(tmp_path: Path) -> None:
    mapping = guess_mapping(write(tmp_path, "x.csv", "text,score,date\nbien,87,hier\nmal,12,demain\n"))
    assert mapping.fields == {"body": "text"}
    assert any("'score'" in note for note in mapping.notes)
    assert any("no date column" in note for note in mapping.notes)


def test_a_mapping_can_be_corrected(tmp_path: Path) -> None:
    mapping = guess_mapping(write(tmp_path, "x.csv", "avis,resume,note,date\nlong,court,5,2021-01-01\n"))
    corrected = mapping.corrected({"resume": "texte", "date": "ignore"})
    assert corrected.fields == {"body": "resume", "stars": "note"}
    assert set(corrected.unmapped) == {"avis", "date"}
    for choices, part in (
        ({"x": "body"}, "no column 'x'"),
        ({"avis": "colour"}, "no field 'colour'"),
        ({"avis": "body", "resume": "body"}, "Two"),
    ):
        with pytest.raises(SourceError, match=part):
            mapping.corrected(choices)


@pytest.mark.parametrize(
    ("dates", "day_first", "said"),
    [
        (["03/04/2021", "25/12/2020"], True, ""),
        (["03/04/2021", "12/25/2020"], False, ""),
        (["03/04/2021", "05/06/2021"], False, "could be read both ways"),
        (["25/12/2020", "26/12/2020", "12/27/2020"], True, "1 rows can only be read the other way"),
    ],
)
def test_day_and_month_are_told_apart_over_the_whole_column(
    tmp_path: Path, dates: list[str], day_first: bool, said: str
) -> None:
    lines = [f"{dates[0]},good app" for _ in range(600)] + [f"{one},good app" for one in dates[1:]]
    mapping = guess_mapping(write(tmp_path, "x.csv", "date,text\n" + "\n".join(lines)))
    assert mapping.day_first is day_first
    assert said in "; ".join(mapping.notes)


def test_day_comes_first_in_french_when_nothing_tells(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "date,avis\n03/04/2021,la connexion est très lente et je le regrette\n")
    mapping = guess_mapping(path)
    assert mapping.day_first is True
    assert "day first" in mapping.notes[0]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2021-01-15", "2021-01-14T23:00"),
        ("2021-07-15", "2021-07-14T22:00"),
        ("2021-01-15 10:30:05", "2021-01-15T09:30:05"),
        ("2021-01-15T10:30:05Z", "2021-01-15T10:30:05"),
        ("2021-01-15T10:30:05.123+02:00", "2021-01-15T08:30:05.123"),
        ("2021-01-15 10:30:05 UTC", "2021-01-15T10:30:05"),
        ("2021/01/15 10:30", "2021-01-15T09:30"),
        ("January 15, 2021", "2021-01-14T23:00"),
        ("Jan 15, 2021, 3:04 PM", "2021-01-15T14:04"),
        ("15 janvier 2021", "2021-01-14T23:00"),
        ("le 15 janv. 2021 à 10:30", "2021-01-15T09:30"),
        ("1er août 2021", "2021-07-31T22:00"),
        ("vendredi 15 janvier 2021", "2021-01-14T23:00"),
        ("Fri, 15 Jan 2021 10:30:05 GMT", "2021-01-15T10:30:05"),
        ("15/01/21", "2021-01-14T23:00"),
        ("15.01.2021 10h30", "2021-01-15T09:30"),
        ("1610706605", "2021-01-15T10:30:05"),
        ("1610706605123", "2021-01-15T10:30:05.123"),
    ],
)
def test_moments_in_any_writing(text: str, utc: str) -> None:
    assert moment(text) == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert moment(text).tzinfo is UTC


def test_a_naive_moment_is_local_to_the_zone_given() -> None:
    assert moment("2021-01-15 10:00", zone=ZoneInfo("America/New_York")) == datetime(2021, 1, 15, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "hier", "31/02/2021", "2021-13-01", "15/2021", "99999999999999", "1999-01-01", "2150-01-01"]
)
def test_what_is_no_moment_is_said(text: str) -> None:
    with pytest.raises(RowFault):
        moment(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("4", 4), ("4.0", 4), ("5,0", 5), ("4/5", 4), ("3 / 5", 3), (4.0, 4), (1, 1), ("2 étoiles", 2)],
        *[("★★★★", 4), ("★★☆☆☆", 2), ("⭐⭐", 2), ("", None), ("nan", None), (None, None)],
    ],
)
def test_stars_in_any_writing(text: Any, value: int | None) -> None:
    assert stars(text) == value


@pytest.mark.parametrize("text", ["0", "6", "4.5", "8/10", "good", True, -1])
def test_what_is_no_stars_is_said(text: Any) -> None:
    with pytest.raises(RowFault):
        stars(text)


def test_countries_in_any_writing() -> None:
    assert [country(one) for one in ("FR", "fra", "France", "États-Unis", "Germany", "", "x", "Atlantis")] == [
        "fr", "fr", "fr", "us", "de", None, None, None,
    ]  # fmt: skip


def test_rows_that_cannot_be_read_are_set_aside_with_column_and_value(tmp_path: Path) -> None:
    lines = ["2021-01-01,5,bien"] * 20
    bad = ["hier,5,bien", "2021-01-01,7,bien", "2021-01-01,,", ",5,bien", "2021-01-01,5,bien,trop,de cellules"]
    path = write(tmp_path, "x.csv", "date,note,avis\n" + "\n".join(lines + bad) + "\n")
    rows, reasons = read(path)
    assert len(rows) == 20
    assert reasons == [
        "row 21: column 'date': the date 'hier' cannot be read",
        "row 22: column 'note': the stars '7' are not 1 to 5",
        "row 23: neither a text nor stars (avis, note)",
        "row 24: no date in the column 'date'",
        "row 25: the row has 2 cells more than there are columns (a delimiter in a text?)",
    ]


def test_one_broken_character_does_not_spoil_the_others(tmp_path: Path) -> None:
    lines = [f"2021-01-01,déçu et énervé {n}" for n in range(40)]
    content = "\n".join(["date,avis", *lines]).encode() + b"\n2021-01-02,tronqu\xc3"
    rows, _ = read(write(tmp_path, "x.csv", content))
    assert rows[0].body == "déçu et énervé 0"
    assert rows[-1].body == "tronqu\ufffd"


def test_a_quote_that_is_not_closed_swallows_nothing_in_silence(tmp_path: Path) -> None:
    lines = [f"2021-01-01,avis {n},5" for n in range(600)]
    lines[250] = '2021-01-01,"jamais fermé,5'
    rows, reasons = read(write(tmp_path, "x.csv", "\n".join(["date,avis,note", *lines])))
    assert len(rows) == 250
    assert reasons == ["row 251: a quote is not closed"]


def test_a_broken_line_of_json_is_set_aside(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", '{"text": "bien", "at": "2021-01-01"}\n{"text": "b\n[3]\n')
    rows, reasons = read(path)
    assert len(rows) == 1
    assert reasons == ["row 2: the line is not a JSON object", "row 3: the line is not a JSON object"]


def test_true_doubles_are_kept_and_a_second_import_is_the_same(tmp_path: Path) -> None:
    lines = ["2021-01-01,5,Super", "2021-01-01,5,Super", "2021-01-02,5,Super", "2021-01-01,5,Super"]
    path = write(tmp_path, "x.csv", "date,note,avis\n" + "\n".join(lines))
    first, second = read(path)[0], read(path)[0]
    assert len({row.external_id for row in first}) == 4
    assert [row.external_id for row in first] == [row.external_id for row in second]
    # A later, longer export of the same reviews in another form names them the same.
    turned = [";".join([text, stars, f"{day[8:]}/01/2021"]) for day, stars, text in (one.split(",") for one in lines)]
    content = "\n".join(["avis;note;date", "Nouveau;1;13/01/2021", *turned, "Ancien;1;30/12/2020"])
    later = write(tmp_path, "y.csv", content)
    assert {row.external_id for row in first} <= {row.external_id for row in read(later)[0]}


def test_a_row_number_is_no_identity(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "id,avis,date\n1,bien,2021-01-01\n2,mal,2021-01-01\n3,moyen,2021-01-01\n")
    mapping = guess_mapping(path)
    assert "external_id" not in mapping.fields
    assert any("'id'" in note for note in mapping.notes)


def test_what_is_written_more_than_a_day_ahead_is_set_aside(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ahead = [now + timedelta(hours=hours) for hours in (*range(-40, 0, 4), 20, 26, 24 * 300)]
    lines = ["date,note,avis", *(f"{moment:%Y-%m-%dT%H:%M:%SZ},4,Avis du {moment:%d}" for moment in ahead)]
    rows, reasons = read(write(tmp_path, "future.csv", "\n".join(lines)))
    assert [row.written_at for row in rows] == [moment.replace(microsecond=0) for moment in ahead[:11]]
    said = "row {}: column 'date': the date {:%Y-%m-%d} lies in the future"
    assert reasons == [said.format(12, ahead[11]), said.format(13, ahead[12])]


def test_without_dates_rows_get_the_date_of_the_file_and_it_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "avis,note\nbien,5\n")
    (page,) = read_rows(path, guess_mapping(path))
    assert page.verbatims[0].written_at == datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert "no date column" in page.note


def test_pages_are_bounded_resume_and_say_how_far(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "date,avis\n" + "".join(f"2021-01-01,avis {n % 7}\n" for n in range(4500)))
    pages = list(read_rows(path, guess_mapping(path)))
    assert [len(page.verbatims) for page in pages] == [2000, 2000, 500]
    assert [page.resume for page in pages] == ["2000", "4000", None]
    shares = [page.progress or 0 for page in pages]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    rest = list(read_rows(path, guess_mapping(path), resume="2000"))
    ids = [row.external_id for page in pages[1:] for row in page.verbatims]
    assert [row.external_id for page in rest for row in page.verbatims] == ids


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: str) -> None:
    rows = [{"review_id": f"r{n * 7}", "date": "2021-01-01", "avis": f"texte {n} " + "x" * 300} for n in range(30_000)]
    if form == "csv":
        content = "review_id,date,avis\n" + "".join(",".join(row.values()) + "\n" for row in rows)
    else:
        content = "\n".join(map(json.dumps, rows)) if form == "jsonl" else json.dumps(rows)
    path = write(tmp_path, f"x.{form}", content)
    mapping = guess_mapping(path)
    del rows, content
    tracemalloc.start()
    count = sum(len(page.verbatims) for page in read_rows(path, mapping))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 30_000
    assert path.stat().st_size > 9_000_000
    assert peak < 7_000_000


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty"),
        (b"   \n\n", "empty"),
        (b"PK\x03\x04rubbish", "Excel"),
        (gzip.compress(b"a,b\n" * 9000, mtime=0)[:-30], "damaged"),
        (b"\xd0\xcf\x11\xe0old excel", "save it as"),
        (b'{"a": 3, "b": ', "no list"),
        (b'[{"avis": "x"}, {"avis": ', "cut off"),
        (b"avis,note\n", "no row"),
    ],
)
def test_a_file_that_is_none_is_said_in_a_sentence(tmp_path: Path, content: bytes, part: str) -> None:
    with pytest.raises(SourceError, match=part):
        guess_mapping(write(tmp_path, "x.csv", content))
    with pytest.raises(SourceError, match="no file"):
        guess_mapping(tmp_path / "absent.csv")
    with pytest.raises(SourceError, match="folder"):
        guess_mapping(tmp_path)


@given(content=st.binary(max_size=400) | st.text(alphabet='",;\n\r\tab1é[]{}:', max_size=200).map(str.encode))
def test_any_bytes_as_file(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = write(tmp_path_factory.getbasetemp(), "any.csv", content)
    try:
        for page in read_rows(path, guess_mapping(path)):
            for row in page.verbatims:
                assert row.written_at.tzinfo is UTC
                row.body.encode()
    except SourceError as error:
        assert str(error)  # noqa: PT017


@given(value=st.text(max_size=40) | st.integers() | st.floats() | st.none() | st.booleans())
def test_any_value_as_moment_stars_or_country(value: Any) -> None:
    for reading in (moment, stars):
        try:
            reading(value)
        except RowFault as fault:
            assert str(fault)  # noqa: PT017
    country(value)


def test_a_file_is_a_source_like_the_others(tmp_path: Path, http: Http) -> None:
    path = write(tmp_path, "avis.csv", FRENCH)
    source = build("file", {"path": str(path), "map": {"inutile": "device"}, "zone": "UTC"}, http)
    assert isinstance(source, FileSource)
    pages: list[Page] = list(source.pages())
    assert pages[0].verbatims[0].device == "x"
    assert pages[0].verbatims[0].written_at == datetime(2020, 12, 25, tzinfo=UTC)
    (probe,) = source.probe()
    assert probe.works
    assert "avis → body" in probe.message
    with pytest.raises(SourceError, match="time zone"):
        build("file", {"path": str(path), "zone": "Mars/Olympus"}, http)


SHARED_FILES = {
    "banking77/test.csv": ({"body"}, 0),
    "banking77/train.csv": ({"body"}, 0),
    "insurance_fr/reviews.csv.gz": ({"body", "stars", "written_at"}, 0),
    "maalej/reviews.csv": ({"body", "stars", "title"}, 0),
    "minibar/garmin.en.csv": ({"body", "stars", "locale", "thumbs_up"}, 0),
    "minibar/garmin.fr.csv": ({"body", "stars", "locale", "thumbs_up"}, 0),
    "minibar/huawei.en.csv": ({"body", "stars", "locale", "thumbs_up"}, 0),
    "minibar/huawei.fr.csv": ({"body", "stars", "locale", "thumbs_up"}, 0),
    "minibar/language_gold.csv": ({"body", "stars", "locale"}, 0),
    "playstore_en/facebook.csv.gz": ({"body", "stars", "written_at", "thumbs_up", "reply", "replied_at"}, 0),
    "playstore_en/instagram.csv.gz": ({"body", "stars", "written_at", "thumbs_up", "reply", "replied_at"}, 0),
    "playstore_en/netflix.csv.gz": ({"body", "stars", "written_at", "thumbs_up", "reply", "replied_at"}, 0),
    "playstore_en/spotify.csv.gz": ({"body", "stars", "written_at", "thumbs_up", "reply", "replied_at"}, 0),
    "playstore_en/whatsapp.csv.gz": ({"body", "stars", "written_at", "thumbs_up", "reply", "replied_at"}, 0),
    "viber/reviews.csv.gz": ({"body", "stars", "written_at", "version"}, 0),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", SHARED_FILES)
def test_every_shared_file_comes_in_whole(name: str, shared: Callable[[str], Path]) -> None:
    path = shared(f"data/{name}")
    fields, quarantined = SHARED_FILES[name]
    with gzip.open(path, "rt", newline="") if name.endswith(".gz") else path.open(newline="") as stream:
        there = list(csv.DictReader(stream))
    mapping = guess_mapping(path)
    assert set(mapping.fields) == fields
    rows, reasons = read(path)
    assert (len(rows) + len(reasons), len(reasons)) == (len(there), quarantined)
    assert len({row.external_id for row in rows}) == len(rows)
    assert [row.body for row in rows] == [row[mapping.fields["body"]].strip() for row in there]
    if "stars" in fields:
        assert sum(row.stars or 0 for row in rows) == sum(float(row[mapping.fields["stars"]] or 0) for row in there)
    if name.startswith("insurance"):
        # dd/mm/yyyy: 06/10/2021 is in October.
        assert mapping.day_first
        assert min(row.written_at for row in rows) > datetime(2016, 1, 1, tzinfo=UTC)
        assert max(row.written_at for row in rows) < datetime(2022, 1, 1, tzinfo=UTC)


def test_a_column_of_ids_from_one_to_five_is_no_stars(tmp_path: Path) -> None:
    rows = "\n".join(f"{1 + n % 5},{n},Un avis assez long pour un texte {n}" for n in range(40))
    mapping = guess_mapping(write(tmp_path, "x.csv", f"id,rang,texte libre\n{rows}\n"))
    assert "stars" not in mapping.fields
    # Under a name that says nothing else, the same values are stars.
    assert (
        guess_mapping(write(tmp_path, "y.csv", f"appréciation,x,texte libre\n{rows}\n")).fields["stars"]
        == "appréciation"
    )


def test_a_mark_with_some_impossible_values_keeps_its_other_rows(tmp_path: Path) -> None:
    marks = [5, 4, 1, 9, 2, 0, 3, 5, 9, 1]
    rows = "\n".join(f"{mark},Un avis assez long pour un texte {n}" for n, mark in enumerate(marks))
    path = write(tmp_path, "x.csv", f"note,avis\n{rows}\n")
    mapping = guess_mapping(path)
    assert mapping.fields["stars"] == "note"
    assert any("not 1 to 5" in note for note in mapping.notes)
    good, bad = read(path)
    assert ([row.stars for row in good], len(bad)) == ([5, 4, 1, 2, 3, 5, 1], 3)
    # Marks up to ten are another scale, and no stars at all.
    ten = "\n".join(f"{n % 11},Un avis assez long pour un texte {n}" for n in range(40))
    assert "stars" not in guess_mapping(write(tmp_path, "ten.csv", f"note,avis\n{ten}\n")).fields

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from collectors.http import Http
from collectors.play_console_csv import PlayConsoleCsv, rating, review
from collectors.registry import KINDS, build
from collectors.values import RowFault
from tests.collectors.conftest import Walked, refused

APP = "com.example.bank"
REVIEWS = (
    "Package Name", "App Version Code", "App Version Name", "Reviewer Language", "Device",
    "Review Submit Date and Time", "Review Submit Millis Since Epoch", "Review Last Update Date and Time",
    "Review Last Update Millis Since Epoch", "Star Rating", "Review Title", "Review Text",
    "Developer Reply Date and Time", "Developer Reply Millis Since Epoch", "Developer Reply Text", "Review Link",
)  # fmt: skip
RATINGS = ("Date", "Package Name", "Daily Average Rating", "Total Average Rating")
NEWEST = datetime(2026, 4, 28, 9, 12, 30, tzinfo=UTC)


def link(identity: str) -> str:
    place = "https://play.google.com/console/developers/1/app/2/user-feedback/review-details"
    return f"{place}?reviewId={quote(identity, safe='')}&corpus=PUBLIC_REVIEWS"


def row(identity: str, at: datetime = NEWEST, **changes: str) -> dict[str, str]:
    millis, text = str(int(at.timestamp() * 1000)), at.isoformat().replace("+00:00", "Z")
    told = dict.fromkeys(REVIEWS, "") | {
        "Package Name": APP,
        "App Version Code": "3218",
        "App Version Name": "3.2.18",
        "Reviewer Language": "fr",
        "Device": "a52q",
        "Review Submit Date and Time": text,
        "Review Submit Millis Since Epoch": millis,
        "Review Last Update Date and Time": text,
        "Review Last Update Millis Since Epoch": millis,
        "Star Rating": "1",
        "Review Text": f"Avis de {identity},\nsur deux lignes",
        "Review Link": link(identity),
    }
    return told | changes


def write(file: Path, header: Sequence[str], lines: Sequence[dict[str, str]], encoding: str = "utf-16") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header)
    writer.writeheader()
    writer.writerows(lines)
    file.write_bytes(text.getvalue().encode(encoding))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, month in enumerate(("202604", "202603", "202602", "202512")):
        at = datetime(int(month[:4]), int(month[4:]), 20, 9, tzinfo=UTC) if number else NEWEST
        rows = [row(f"{month}-{n}", at - timedelta(hours=n)) for n in range(3)]
        write(tmp_path / "reviews" / f"reviews_{APP}_{month}.csv", REVIEWS, rows)
    lines = [("2026-04-27", "NA", "4.31"), ("2026-04-28", "3.12", "4.30"), ("2026-04-29", "", "4.30")]
    rated = [dict(zip(RATINGS, (day, APP, daily, total), strict=True)) for day, daily, total in lines]
    write(tmp_path / "stats" / "ratings" / f"ratings_{APP}_202604_overview.csv", RATINGS, rated)
    return tmp_path


def test_months_are_read_from_the_newest_and_two_again_each_time(folder: Path) -> None:
    walked = Walked(PlayConsoleCsv(APP, str(folder)).pages())
    assert walked.error is None
    assert [len(page.verbatims) for page in walked.pages] == [6, 3, 3]
    assert walked.ids == [f"{month}-{n}" for month in ("202604", "202603", "202602", "202512") for n in range(3)]
    assert walked.end == "exhausted"
    assert [page.resume for page in walked.pages] == ["202603", "202602", None]
    assert "no export of 202601" in walked.notes
    again = Walked(PlayConsoleCsv(APP, str(folder)).pages("202603"))
    assert again.ids == walked.ids[6:]


def test_a_late_source_says_up_to_when_it_can_be_complete(folder: Path) -> None:
    walked = Walked(PlayConsoleCsv(APP, str(folder)).pages())
    assert {page.until for page in walked.pages} == {NEWEST - timedelta(days=1)}
    assert KINDS["play_console_csv"].late


def test_a_row_is_read_whole(folder: Path) -> None:
    later = NEWEST + timedelta(days=1, milliseconds=713)
    told = row(
        "2f636dde-f240-4a34-8380-b1908d2f1cd5",
        **{
            "Review Last Update Millis Since Epoch": str(int(later.timestamp() * 1000)),
            "Review Title": "Déçu",
            "Developer Reply Text": "Désolés",
            "Developer Reply Millis Since Epoch": str(int(later.timestamp() * 1000)),
        },
    )
    write(folder / f"reviews_{APP}_202605.csv", REVIEWS, [told])
    record = next(PlayConsoleCsv(APP, str(folder)).pages()).verbatims[0]
    assert record.external_id == "2f636dde-f240-4a34-8380-b1908d2f1cd5"
    assert (record.written_at, record.edited_at) == (NEWEST, later.replace(microsecond=0))
    assert (record.title, record.stars, record.locale) == ("Déçu", 1, "fr")
    assert record.body.endswith(",\nsur deux lignes")
    assert (record.version, record.build, record.device) == ("3.2.18", "3218", "a52q")
    assert (record.reply, record.replied_at) == ("Désolés", later.replace(microsecond=0))
    assert record.url == f"https://play.google.com/store/apps/details?id={APP}&reviewId={record.external_id}"
    assert record.author is None


def test_an_old_id_is_read_from_its_percent_encoded_link(folder: Path) -> None:
    old = "gp:AOqpTOHnsExampleExampleExample_-9"
    write(folder / f"reviews_{APP}_202605.csv", REVIEWS, [row(old)])
    assert "gp%3AAOqp" in link(old)
    assert next(PlayConsoleCsv(APP, str(folder)).pages()).verbatims[0].external_id == old


def test_ratings_of_a_day_are_the_total_average_without_a_number(folder: Path) -> None:
    ratings = next(PlayConsoleCsv(APP, str(folder)).pages()).ratings
    assert [(one.taken_at.date().isoformat(), one.average, one.count) for one in ratings] == [
        ("2026-04-27", 4.31, None),
        ("2026-04-28", 4.30, None),
        ("2026-04-29", 4.30, None),
    ]
    assert {one.storefront for one in ratings} == {None}
    assert {one.taken_at.hour for one in ratings} == {12}


@pytest.mark.parametrize("total", ["NA", "", "N/A"])
def test_a_day_without_an_average_is_no_rating(total: str) -> None:
    assert rating({"date": "2026-04-28", "total average rating": total}) is None


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ({"date": "2026-04-28", "total average rating": "7.0"}, "not 1 to 5"),
        ({"date": "April", "total average rating": "4.2"}, "cannot be read"),
        ({"date": "1999-04-28", "total average rating": "4.2"}, "before there were app stores"),
    ],
)
def test_a_rating_that_cannot_be_read_says_why(line: dict[str, str], part: str) -> None:
    with pytest.raises(RowFault, match=part):
        rating(line)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8", "utf-16-le"])
@pytest.mark.parametrize("respelled", [False, True])
def test_both_header_spellings_and_every_encoding_are_read(tmp_path: Path, encoding: str, respelled: bool) -> None:
    spelled = {"Package Name": "Package name", "App Version Code": "App Version"} if respelled else {}
    header = [spelled.get(name, name) for name in REVIEWS]
    told = {spelled.get(name, name): cell for name, cell in row("a").items()}
    write(tmp_path / f"reviews_{APP}_202604.csv", header, [told], encoding)
    (page,) = PlayConsoleCsv(APP, str(tmp_path)).pages()
    assert [(one.external_id, one.build) for one in page.verbatims] == [("a", "3218")]
    assert not page.quarantined


def test_a_rating_without_a_text_is_no_review_and_a_review_without_an_id_is_set_aside(tmp_path: Path) -> None:
    rows = [
        row("a"),
        row("", **{"Review Text": "", "Review Link": ""}),
        row("", **{"Review Link": ""}),
        row("b", **{"Star Rating": "NA"}),
        row("c", **{"Review Submit Millis Since Epoch": "12"}),
        row("d", **{"Package Name": "com.example.other"}),
    ]
    write(tmp_path / f"reviews_{APP}_202604.csv", REVIEWS, rows)
    (page,) = PlayConsoleCsv(APP, str(tmp_path)).pages()
    assert [one.external_id for one in page.verbatims] == ["a"]
    assert "1 ratings without a text in 202604" in page.note
    assert [one.reason.split(": ", 1)[1] for one in page.quarantined] == [
        "the link names no review, so that it has no id",
        "the stars 'NA' are not 1 to 5",
        "the review submit time '12' is no number of milliseconds",
    ]
    assert b"Avis de" in page.quarantined[0].raw


def test_a_row_without_milliseconds_is_dated_by_its_text(tmp_path: Path) -> None:
    told = row("a", **{"Review Submit Millis Since Epoch": "", "Review Last Update Millis Since Epoch": "NA"})
    read = review({name.lower(): cell for name, cell in told.items()}, APP)
    assert read is not None
    assert (read.written_at, read.edited_at) == (NEWEST, None)


def test_new_columns_do_no_harm_and_missing_ones_are_a_fault(tmp_path: Path) -> None:
    write(tmp_path / f"reviews_{APP}_202604.csv", [*REVIEWS, "Mood"], [row("a", Mood="blue")])
    (page,) = PlayConsoleCsv(APP, str(tmp_path)).pages()
    assert len(page.verbatims) == 1
    short = [name for name in REVIEWS if name != "Review Link"]
    told = {name: cell for name, cell in row("a").items() if name != "Review Link"}
    write(tmp_path / f"reviews_{APP}_202604.csv", short, [told])
    fault = refused(lambda: list(PlayConsoleCsv(APP, str(tmp_path)).pages()))
    assert (fault.kind, "review link" in fault.message) == ("format", True)


def test_other_apps_and_other_files_are_left_alone(folder: Path) -> None:
    for name in (f"reviews_{APP}.pro_202604.csv", "reviews_com.other_202604.csv", "notes.csv",
                 f"ratings_{APP}_202604_country.csv"):  # fmt: skip
        (folder / name).write_text("x")
    assert len(Walked(PlayConsoleCsv(APP, str(folder)).pages()).ids) == 12


def test_a_folder_that_holds_nothing_says_so(tmp_path: Path) -> None:
    assert "holds no export" in refused(lambda: list(PlayConsoleCsv(APP, str(tmp_path)).pages())).message
    fault = refused(lambda: list(PlayConsoleCsv(APP, str(tmp_path / "none")).pages()))
    assert (fault.kind, "There is no folder" in fault.message) == ("gone", True)
    (tmp_path / f"reviews_{APP}_202604.csv").write_bytes(b"")
    assert refused(lambda: list(PlayConsoleCsv(APP, str(tmp_path)).pages())).kind == "format"
    (probe,) = PlayConsoleCsv(APP, str(tmp_path)).probe()
    assert (probe.works, "is empty" in probe.message) == (False, True)


def test_the_kind_is_built_from_its_settings(folder: Path, http: Http) -> None:
    collector = build("play_console_csv", {"app_id": APP, "folder": str(folder)}, http)
    (probe,) = collector.probe()
    assert (probe.works, probe.message) == (True, "4 months, the newest is 2026-04.")
    assert (KINDS["play_console_csv"].identity, KINDS["play_console_csv"].host()) == ("google_play", "")
    assert refused(lambda: build("play_console_csv", {"app_id": APP}, http)).kind == "refused"


@pytest.mark.shared
def test_the_real_headers_are_read(shared: Callable[[str], Path], tmp_path: Path) -> None:
    samples = shared("samples/google_gcs_csv")
    for file in samples.glob("*.csv"):
        (tmp_path / file.name.replace(".utf16", "")).write_bytes(file.read_bytes())
    (page,) = PlayConsoleCsv(APP, str(tmp_path)).pages()
    (record,) = page.verbatims
    assert record.external_id == "2f636dde-f240-4a34-8380-b1908d2f1cd5"
    assert record.body == "Impossible de valider un virement, ça tourne en boucle"
    assert [one.average for one in page.ratings] == [4.31, 4.30, 4.30]
    assert not page.quarantined


# Crashes

CRASHES = ("Date", "Package Name", "Daily Crashes", "Daily ANRs")
BY_VERSION = ("Date", "Package Name", "App Version Code", "Daily Crashes", "Daily ANRs")


def test_crashes_and_anrs_come_by_day_and_by_version_code(tmp_path: Path) -> None:
    told = {"Date": "2026-04-28", "Package Name": APP, "Daily Crashes": "20", "Daily ANRs": "NA"}
    write(tmp_path / f"crashes_{APP}_202604_overview.csv", CRASHES, [told, told | {"Daily Crashes": "some"}])
    coded = told | {"App Version Code": "3218", "Daily Crashes": "18", "Daily ANRs": "7"}
    write(tmp_path / f"crashes_{APP}_202604_app_version.csv", BY_VERSION, [coded, told | {"App Version Code": ""}])
    # Exports by device or by Android version count the same crashes once more.
    write(tmp_path / f"crashes_{APP}_202604_device.csv", (*CRASHES, "Device"), [told | {"Device": "a52q"}])
    walked = Walked(PlayConsoleCsv(APP, str(tmp_path)).pages())
    assert walked.error is not None
    counts = {(row.kind, row.version): row.events for page in walked.pages for row in page.daily_crashes}
    assert counts == {("crash", ""): 20, ("crash", "(3218)"): 18, ("anr", "(3218)"): 7}
    assert [row.reason for page in walked.pages for row in page.quarantined] == [
        f"crashes_{APP}_202604_overview.csv: daily crashes is 'some', no count"
    ]


def test_crashes_alone_say_nothing_of_the_reviews(tmp_path: Path) -> None:
    told = {"Date": "2026-04-28", "Package Name": APP, "Daily Crashes": "20", "Daily ANRs": "NA"}
    write(tmp_path / f"crashes_{APP}_202604_overview.csv", CRASHES, [told])
    walked = Walked(PlayConsoleCsv(APP, str(tmp_path)).pages())
    assert sum(len(page.daily_crashes) for page in walked.pages) == 1
    assert (walked.end, walked.pages[0].until) == (None, None)
    assert walked.error is not None
    assert (walked.error.kind, "No file of reviews" in walked.error.message) == ("gone", True)
    (probe,) = PlayConsoleCsv(APP, str(tmp_path)).probe()
    assert (probe.works, "No file of reviews" in probe.message) == (False, True)


def test_reviews_are_known_no_further_than_their_newest_file(tmp_path: Path) -> None:
    write(tmp_path / f"reviews_{APP}_202602.csv", REVIEWS, [])
    told = {"Date": "2026-04-28", "Package Name": APP, "Daily Crashes": "20", "Daily ANRs": "NA"}
    for month in ("202603", "202604"):
        write(tmp_path / f"crashes_{APP}_{month}_overview.csv", CRASHES, [told])
    walked = Walked(PlayConsoleCsv(APP, str(tmp_path)).pages())
    assert (walked.end, walked.error) == ("exhausted", None)
    assert {page.until for page in walked.pages} == {datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)}


@pytest.mark.shared
def test_the_sample_of_crashes_is_read(tmp_path: Path, shared: Callable[[str], Path]) -> None:
    for what in ("overview", "app_version"):
        name = f"crashes_com.example.bank_202604_{what}"
        content = shared(f"samples/google_gcs_csv/{name}.utf16.csv").read_bytes()
        (tmp_path / f"{name}.csv").write_bytes(content)
    walked = Walked(PlayConsoleCsv(APP, str(tmp_path)).pages())
    rows = walked.pages[0].daily_crashes
    day = rows[0].day
    assert {(row.kind, row.version): row.events for row in rows if row.day == day} == {
        ("crash", ""): 20,
        ("anr", ""): 80,
        ("crash", "(3218)"): 18,
        ("anr", "(3218)"): 79,
        ("crash", "(3200)"): 2,
        ("anr", "(3200)"): 1,
    }

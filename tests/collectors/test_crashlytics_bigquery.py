"""Crashlytics from BigQuery: the SQL that is sent is run for real, live and on files, and its cost is bounded."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collectors.bigquery import BigQuery
from collectors.crashlytics_bigquery import CrashlyticsBigQuery, table_name
from collectors.crashlytics_files import CrashlyticsFiles, _engine
from collectors.crashlytics_sql import read_crashes, read_sessions, span
from collectors.google_access import read_service_account
from collectors.http import Http
from collectors.registry import KINDS, build
from models.records import DailyCrashesRecord, DailySessionsRecord
from tests.collectors.conftest import Walked, refused
from tests.collectors.google_documents import check_call, document
from tests.fakes.bigquery import PROJECT, FakeBigQuery, as_line
from tests.fakes.stores import Status

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOW.date()
BUNDLE = "com.example.bank"
TABLE = "com_example_bank_ANDROID"
Open = Callable[..., CrashlyticsBigQuery]


def event(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "event_id": f"e{number}",
        "error_type": "FATAL",
        "is_fatal": True,
        "issue_id": "login",
        "issue_title": "LoginScreen.kt line 40",
        "issue_subtitle": "NullPointerException",
        "event_timestamp": as_line(NOW - timedelta(hours=number)),
        "received_timestamp": as_line(NOW - timedelta(hours=number) + timedelta(seconds=5)),
        "application": {"build_version": "720", "display_version": "7.2.0"},
        "installation_uuid": f"i{number % 3}",
        "firebase_session_id": f"s{number}",
        "user": {"name": "Jeanne Martin", "email": "jeanne@example.com", "id": "u-1"},
    }
    return row | changes


def session(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "session_id": f"s{number}",
        "instance_id": f"i{number % 3}",
        "event_timestamp": as_line(NOW - timedelta(hours=number, minutes=5)),
        "application": {"build_version": "720", "display_version": "7.2.0"},
    }
    return row | changes


def lines(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    file = folder / f"{name}.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def big() -> Iterator[FakeBigQuery]:
    with FakeBigQuery(NOW) as fake:
        yield fake


@pytest.fixture
def opened(big: FakeBigQuery, http: Http, tmp_path: Path) -> Open:
    key = tmp_path / "account.json"
    key.write_text(big.key_file())
    http.now = lambda: NOW

    def open_it(**changes: Any) -> CrashlyticsBigQuery:
        given = {"project": PROJECT, "bundle": BUNDLE, "platform": "android", "key_file": str(key)}
        return CrashlyticsBigQuery(base_url=big.url, http=http, clock=lambda: big.clock(), **given | changes)  # noqa: PLW0108

    return open_it


@pytest.fixture
def exported(big: FakeBigQuery, tmp_path: Path) -> FakeBigQuery:
    """Yesterday's and today's crashes: a batch table, a live one that overlaps it, and sessions."""
    folder = tmp_path / "rows"
    folder.mkdir()
    batch = [event(n) for n in range(14, 20)]
    live = [event(n, issue_title="live title") for n in range(2, 16)]
    ran = [session(n) for n in range(40)]
    big.load("firebase_crashlytics", TABLE, lines(folder, "batch", batch))
    big.load("firebase_crashlytics", f"{TABLE}_REALTIME", lines(folder, "live", [*live, live[0]]))
    big.load("firebase_sessions", TABLE, lines(folder, "ran", ran))
    return big


def totals(rows: tuple[DailyCrashesRecord, ...], kind: str = "crash") -> dict[date, int]:
    return {row.day: row.events for row in rows if not row.version and not row.issue and row.kind == kind}


def test_an_event_in_the_batch_and_live_table_counts_once(exported: FakeBigQuery, opened: Open) -> None:
    page = next(opened().pages())
    # Events 2 to 19: until 13 h ago it is the local day before (Paris is an hour ahead of UTC).
    assert totals(page.daily_crashes) == {TODAY: 12, TODAY - timedelta(days=1): 6}
    (issue,) = page.crash_issues
    assert (issue.external_id, issue.first_version, issue.last_version) == ("login", "7.2.0", "7.2.0")
    assert (issue.first_seen_at, issue.last_seen_at) == (NOW - timedelta(hours=19), NOW - timedelta(hours=2))
    assert page.until == NOW


def test_sessions_and_crashes_speak_of_the_same_sessions(exported: FakeBigQuery, opened: Open) -> None:
    page = next(opened().pages())
    today = next(row for row in page.daily_sessions if row.day == TODAY and not row.version)
    # Sessions 0 to 12 began today (five minutes earlier than their crash); 2 to 12 of them crashed.
    assert today == DailySessionsRecord(
        TODAY,
        sessions=13,
        users=3,
        crashed_sessions=11,
        crashed_users=3,
        crash_free_sessions=1 - 11 / 13,
        crash_free_users=0.0,
        anr_free_users=1.0,
    )
    versions = {(row.day, row.version) for row in page.daily_sessions}
    assert (TODAY, "7.2.0") in versions
    assert {days.part for days in page.replaced} == {"crashes", "issues", "sessions"}


def test_a_walk_goes_back_in_pages_and_on_from_its_place(exported: FakeBigQuery, opened: Open) -> None:
    walked = Walked(opened(days=30).pages())
    assert [(page.replaced[0].first, page.replaced[0].last) for page in walked.pages] == [
        (date(2026, 11, 16), date(2026, 11, 20)),
        (date(2026, 11, 2), date(2026, 11, 15)),
        (date(2026, 10, 22), date(2026, 11, 1)),
    ]
    assert walked.end == "source_limit"
    assert walked.pages[0].resume == "2026-11-16"
    again = Walked(opened(days=30).pages("2026-11-16"))
    assert [page.replaced for page in again.pages] == [page.replaced for page in walked.pages[1:]]
    # A day of the change to winter time has 25 hours.
    days = span(date(2026, 10, 24), date(2026, 10, 26), ZoneInfo("Europe/Paris"))
    assert {day.day: ends - begins for day, begins, ends in days}[25] == timedelta(hours=25)


def test_nothing_of_a_person_is_asked_for(exported: FakeBigQuery, opened: Open) -> None:
    page = next(opened().pages())
    asked = " ".join(body["query"] for body in exported.asked)
    assert not any(word in asked for word in ("user.", "email", "custom_keys", "logs", "breadcrumbs"))
    assert "jeanne" not in repr(page).lower()


def test_a_question_that_is_too_dear_is_not_asked(exported: FakeBigQuery, opened: Open) -> None:
    exported.bytes_a_question = 60_000_000_000
    fault = refused(lambda: list(opened().pages()))
    assert fault.kind == "refused"
    assert "60.0 GB" in fault.message
    assert "max_gigabytes" in fault.message
    assert [body.get("dryRun") for body in exported.asked] == [True]
    Walked(opened(max_gigabytes=61, days=5).pages())
    paid = [body for body in exported.asked if not body.get("dryRun")]
    assert {body["maximumBytesBilled"] for body in paid} == {"61000000000"}
    assert all(0 < int(body["jobTimeoutMs"]) <= 120_000 for body in paid)


def test_the_limit_holds_even_where_the_price_rises_between_the_two(exported: FakeBigQuery, opened: Open) -> None:
    def dearer(request: Any) -> None:
        if len(exported.asked) == 1:
            exported.bytes_a_question = 60_000_000_000

    exported.before = dearer
    fault = refused(lambda: list(opened().pages()))
    assert (fault.kind, "limit of its cost" in fault.message) == ("refused", True)


def test_a_slow_question_is_waited_for_and_an_endless_one_is_not(
    exported: FakeBigQuery, opened: Open, http: Http, tmp_path: Path
) -> None:
    exported.slow = 3
    assert totals(next(opened().pages()).daily_crashes)
    exported.slow = 10_000
    account = read_service_account(str(tmp_path / "account.json"))
    client = BigQuery(PROJECT, account, exported.url, max_bytes=10**10, longest_wait=0.2)
    with http.walk() as walk:
        fault = refused(lambda: client.ask(walk, "SELECT 1 AS n"))
    assert (fault.kind, "within" in fault.message) == ("unreachable", True)


def test_an_answer_of_several_pages_is_read_whole(exported: FakeBigQuery, opened: Open) -> None:
    whole = next(opened().pages())
    exported.page_rows = 3
    assert next(opened().pages()) == whole


def test_without_sessions_crashes_are_read_and_the_gap_is_said(big: FakeBigQuery, opened: Open, tmp_path: Path) -> None:
    big.load("firebase_crashlytics", TABLE, lines(tmp_path, "batch", [event(n) for n in range(30)]))
    big.changed_at = NOW - timedelta(hours=3)
    page = next(opened().pages())
    assert page.daily_sessions == ()
    assert "without rates" in page.note
    # No live table: the batch of today holds the days before, and today is not known yet.
    assert page.until is not None
    assert page.until.astimezone(ZoneInfo("Europe/Paris")).date() == TODAY - timedelta(days=1)
    big.lacking = {"firebase_sessions"}
    page = next(opened().pages())
    assert "without rates" in page.note
    assert "Data Viewer" in page.note


def test_a_table_with_fewer_columns_is_read(big: FakeBigQuery, opened: Open, tmp_path: Path) -> None:
    old = ("error_type", "issue_title", "firebase_session_id")
    rows = [event(1), event(2, is_fatal=False)]
    big.load("firebase_crashlytics", TABLE, lines(tmp_path, "old", rows), drop=old)
    page = next(opened().pages())
    assert totals(page.daily_crashes) == {TODAY: 1}
    assert totals(page.daily_crashes, "error") == {TODAY: 1}


@pytest.mark.parametrize(
    ("lacking", "forbidden", "part"),
    [
        ("firebase_crashlytics", "", "BigQuery Data Viewer"),
        ("bigquery.jobs.create", "", "BigQuery Job User"),
        ("", "accessNotConfigured", "switched off"),
        ("", "billingNotEnabled", "no billing"),
        ("", "quotaExceeded", "used up"),
    ],
)
def test_each_missing_right_is_named(
    exported: FakeBigQuery, opened: Open, lacking: str, forbidden: str, part: str
) -> None:
    exported.lacking, exported.forbidden = {lacking}, forbidden
    fault = refused(lambda: list(opened().pages()))
    assert part in fault.message
    assert fault.kind == ("throttled" if forbidden == "quotaExceeded" else "refused")
    bad = [probe for probe in opened().probe() if not probe.works]
    assert [part in probe.message for probe in bad] == [True]


def test_the_probe_prices_a_question_and_pays_nothing(exported: FakeBigQuery, opened: Open) -> None:
    probes = opened().probe()
    assert [probe.works for probe in probes] == [True] * 4
    assert "5 MB" in probes[-1].message
    assert [body.get("dryRun") for body in exported.asked] == [True]
    fault = refused(lambda: list(opened(bundle="com.example.other").pages()))
    assert (fault.kind, "com_example_other_ANDROID" in fault.message) == ("gone", True)


def test_a_token_that_ended_is_renewed_and_a_429_is_obeyed(exported: FakeBigQuery, opened: Open) -> None:
    source = opened(days=20)
    walk = source.pages()
    next(walk)
    exported.tokens = {}
    assert next(walk).daily_crashes == ()
    exported.fail(Status(429, (("retry-after", "120"),)), path="queries")
    fault = refused(lambda: list(opened().pages()))
    assert (fault.kind, fault.retry_after) == ("throttled", 120)


def test_odd_rows_of_an_answer_are_set_aside() -> None:
    good = {"day": "2026-11-20", "kind": "FATAL", "version": None, "issue_id": None, "all_versions": "1"}
    good |= {"all_issues": "1", "events": "3", "users": "2", "title": None, "subtitle": None}
    rows = [good, good | {"kind": "UNHEARD"}, good | {"events": "-3"}, good | {"day": "soon"}]
    issues, crashes, bad = read_crashes(rows)
    assert (issues, [row.events for row in crashes]) == ([], [3])
    assert len(bad) == 3
    ran = {"day": "2026-11-20", "version": None, "all_versions": "1", "sessions": "2", "users": "2"}
    ran |= {"crashed_sessions": "3", "crashed_users": "0", "hung_users": "0"}
    assert [row.reason for row in read_sessions([ran])[1]] == ["more sessions or people crashed than there were"]


def test_the_kinds_are_built_from_their_settings(exported: FakeBigQuery, http: Http, tmp_path: Path) -> None:
    key = tmp_path / "account.json"
    key.write_text(exported.key_file())
    http.now = lambda: NOW
    config = {"project": PROJECT, "app_id": BUNDLE, "platform": "android", "key_file": str(key)}
    source = build("crashlytics_bigquery", config | {"bigquery_url": exported.url}, http)
    assert all(probe.works for probe in source.probe())
    assert KINDS["crashlytics_bigquery"].host() == "bigquery.googleapis.com"
    for wrong in ({"platform": "windows"}, {"project": "x; DROP"}, {"app_id": "a`b"}, {"dataset": "a`.b"}):
        assert refused(lambda wrong=wrong: build("crashlytics_bigquery", config | wrong, http)).kind == "refused"
    assert table_name("com.example-bank.app", "ios") == "com_example_bank_app_IOS"


def test_every_request_and_answer_agrees_with_googles_document(exported: FakeBigQuery, opened: Open) -> None:
    exported.slow = 1
    assert Walked(opened(days=5).pages()).error is None
    told = document("bigquery.v2")["resources"]
    for request, answered in exported.answers:
        if "/datasets/" in request.path:
            method = told["tables"]["methods"]["get"]
        elif request.method == "POST":
            method = told["jobs"]["methods"]["query"]
        else:
            method = told["jobs"]["methods"]["getQueryResults"]
        check_call("bigquery.v2", method, request, answered, exported.scope)
    assert {request.method for request, _ in exported.answers} == {"GET", "POST"}


# Exported files


def figures(source: CrashlyticsFiles) -> tuple[Any, ...]:
    walked = Walked(source.pages())
    assert walked.error is None
    return tuple((page.daily_crashes, page.daily_sessions, page.crash_issues) for page in walked.pages)


def test_files_in_every_format_give_the_figures_of_the_live_export(
    exported: FakeBigQuery, opened: Open, tmp_path: Path
) -> None:
    live = next(opened().pages())
    rows = tmp_path / "rows"
    folders = {form: tmp_path / form for form in ("ndjson", "parquet", "csv")}
    for form, folder in folders.items():
        folder.mkdir()
        for name in ("batch", "live", "ran"):
            told = f"read_json('{rows / name}.ndjson', format='newline_delimited')"
            stamp = "strftime({0}, '%Y-%m-%d %H:%M:%S.%f UTC') AS {0}"
            dates = ["event_timestamp"] + (["received_timestamp"] if name != "ran" else [])
            flat = ", ".join(stamp.format(each) for each in dates)
            if form == "ndjson":
                (folder / f"{name}.ndjson").write_text((rows / f"{name}.ndjson").read_text())
            elif form == "parquet":
                _engine().execute(f"COPY (SELECT * FROM {told}) TO '{folder}/{name}.parquet'")
            else:
                query = f"SELECT * EXCLUDE (application, {', '.join(dates)}), {flat}, application.display_version AS "
                query += f'"application.display_version" FROM {told}'
                _engine().execute(f"COPY ({query}) TO '{folder}/{name}.csv'")
    read = {form: figures(CrashlyticsFiles(str(folder))) for form, folder in folders.items()}
    assert read["ndjson"] == read["parquet"] == read["csv"]
    ((crashes, ran, issues),) = read["ndjson"]
    assert crashes
    assert totals(crashes) == totals(live.daily_crashes)
    assert set(ran) == set(live.daily_sessions)
    assert [each.external_id for each in issues] == [each.external_id for each in live.crash_issues]


def test_a_line_that_cannot_be_read_is_set_aside_and_the_others_are_kept(tmp_path: Path) -> None:
    file = lines(tmp_path, "events", [event(n) for n in range(5)])
    file.write_text(file.read_text() + '{"event_id": "cut\n\n{"event_id": "undated", "event_timestamp": "soon"}\n')
    walked = Walked(CrashlyticsFiles(str(tmp_path)).pages())
    assert walked.error is None
    assert sum(totals(walked.pages[0].daily_crashes).values()) == 5
    assert [row.raw for row in walked.pages[0].quarantined] == [
        b'{"event_id": "cut',
        b'{"event_id": "undated", "event_timestamp": "soon"}',
    ]
    assert "no sessions" in walked.pages[0].note


def test_long_exports_come_in_pages_of_a_month_and_vouch_for_no_half_day(tmp_path: Path) -> None:
    lines(tmp_path, "events", [event(24 * n) for n in range(70)])
    walked = Walked(CrashlyticsFiles(str(tmp_path)).pages())
    assert [len(totals(page.daily_crashes)) for page in walked.pages] == [31, 31, 8]
    assert walked.end == "exhausted"
    until = walked.pages[0].until
    assert until is not None
    assert until.astimezone(ZoneInfo("Europe/Paris")).date() == TODAY - timedelta(days=1)
    again = Walked(CrashlyticsFiles(str(tmp_path)).pages(walked.pages[0].resume))
    assert [page.daily_crashes for page in again.pages] == [page.daily_crashes for page in walked.pages[1:]]


def test_files_that_are_no_export_are_refused_in_words(tmp_path: Path) -> None:
    assert refused(lambda: list(CrashlyticsFiles(str(tmp_path / "absent")).pages())).kind == "gone"
    (tmp_path / "reviews.csv").write_text("stars,text\n5,Super\n")
    fault = refused(lambda: list(CrashlyticsFiles(str(tmp_path)).pages()))
    assert (fault.kind, "event_id" in fault.message) == ("gone", True)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    fault = refused(lambda: list(CrashlyticsFiles(str(tmp_path)).pages()))
    assert (fault.kind, "broken.parquet" in fault.message) == ("format", True)
    assert [probe.works for probe in CrashlyticsFiles(str(tmp_path)).probe()] == [False]


def test_another_apps_files_in_the_folder_are_left_out(tmp_path: Path) -> None:
    lines(tmp_path, "ours", [event(1, bundle_identifier=BUNDLE)])
    lines(tmp_path, "theirs", [event(2, bundle_identifier="com.example.other")])
    walked = Walked(CrashlyticsFiles(str(tmp_path), bundle=BUNDLE).pages())
    assert sum(totals(walked.pages[0].daily_crashes).values()) == 1


@pytest.mark.shared
def test_the_sample_rows_give_the_figures_counted_by_hand(
    big: FakeBigQuery, opened: Open, http: Http, shared: Callable[[str], Path]
) -> None:
    samples = shared("samples/crashlytics_bigquery")
    http.now = lambda: datetime(2026, 4, 29, 8, tzinfo=UTC)
    big.load("firebase_crashlytics", TABLE, samples / "crashlytics_event.sample.ndjson")
    big.load("firebase_sessions", TABLE, samples / "firebase_session.sample.ndjson")
    page = next(opened().pages())
    events = [json.loads(line) for line in (samples / "crashlytics_event.sample.ndjson").read_text().splitlines()]
    ran = [json.loads(line) for line in (samples / "firebase_session.sample.ndjson").read_text().splitlines()]
    fatal = {row["event_id"]: row for row in events if row["error_type"] == "FATAL"}
    day = date(2026, 4, 28)
    assert totals(page.daily_crashes) == {day: len(fatal)}
    started = {row["session_id"] for row in ran}
    crashed = {row["firebase_session_id"] for row in fatal.values()} & started
    total = next(row for row in page.daily_sessions if not row.version)
    assert (total.sessions, total.crashed_sessions) == (len(started), len(crashed))
    files = Walked(CrashlyticsFiles(str(samples)).pages())
    assert set(files.pages[0].daily_crashes) == set(page.daily_crashes)
    columns = {each["name"] for each in json.loads((samples / "crashlytics_event.bqschema.json").read_text())}
    assert {"event_id", "error_type", "issue_title", "application", "firebase_session_id"} <= columns

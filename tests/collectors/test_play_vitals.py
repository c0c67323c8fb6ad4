"""Play vitals: Los Angeles days, version codes with names, withheld rates and users that are never added up."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.http import Http
from collectors.play_vitals import PlayVitals, setting_of_versions
from collectors.registry import build
from models.records import DailySessionsRecord
from tests.collectors.conftest import Walked, refused
from tests.collectors.google_documents import check_call, document
from tests.fakes.stores import Status
from tests.fakes.vitals import FakeVitals, VitalsDay, VitalsIssue

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LAST = date(2026, 11, 18)
Open = Callable[..., PlayVitals]


@pytest.fixture
def api() -> Iterator[FakeVitals]:
    with FakeVitals(NOW, LAST) as fake:
        fake.names = {720: "720 (7.2.0)", 710: "7.1.0"}
        for n in range(40):
            day = LAST - timedelta(days=n)
            fake.days[day, 710] = VitalsDay(9_996, 100, hung=20)
            fake.days[day, 720] = VitalsDay(1_004, 30)
        fake.days[LAST, 700] = VitalsDay(3, 1, hidden=True)
        fake.issues = [
            VitalsIssue("i1", "CRASH", "NullPointerException", "LoginScreen.open", 710, 720, {LAST: 30}),
            VitalsIssue("i2", "APPLICATION_NOT_RESPONDING", "Input timed out", "Main", 710, 710, {LAST: 5}),
        ]
        yield fake


@pytest.fixture
def opened(api: FakeVitals, http: Http, tmp_path: Path) -> Open:
    key = tmp_path / "account.json"
    key.write_text(api.key_file())
    http.now = lambda: NOW

    def open_it(**changes: Any) -> PlayVitals:
        given = {"app_id": api.app_id, "key_file": str(key), "base_url": api.url}
        return PlayVitals(http=http, clock=lambda: api.clock(), **given | changes)  # noqa: PLW0108

    return open_it


def test_rates_come_with_rounded_users_by_day_and_by_the_name_of_the_version(opened: Open) -> None:
    page = next(opened().pages())
    rows = {(row.day, row.version): row for row in page.daily_sessions}
    assert rows[LAST, "7.2.0"] == DailySessionsRecord(
        LAST,
        "7.2.0",
        users=1000,
        users_rounded=True,
        crash_free_users=pytest.approx(1 - 30 / 1004, abs=1e-5),  # type: ignore[arg-type]
        anr_free_users=1.0,
        zone="America/Los_Angeles",
    )
    whole = rows[LAST - timedelta(days=1), ""]
    assert (whole.users, whole.sessions, whole.users_rounded) == (11000, None, True)
    assert whole.anr_free_users == pytest.approx(1 - 20 / 11000, abs=1e-5)
    assert (page.until, page.reaches) == (
        datetime(2026, 11, 18, 12, tzinfo=UTC),
        datetime(2026, 11, 12, 12, tzinfo=UTC),
    )


def test_a_rate_that_play_hides_is_withheld_and_never_zero(api: FakeVitals, opened: Open) -> None:
    api.hidden_days = {LAST - timedelta(days=2)}
    rows = {(row.day, row.version): row for row in next(opened().pages()).daily_sessions}
    hidden = rows[LAST, "(700)"]
    assert (hidden.withheld, hidden.crash_free_users, hidden.users) == (True, None, 0)
    # A whole day that is finished and not shown at all is withheld too.
    gone = rows[LAST - timedelta(days=2), ""]
    assert (gone.withheld, gone.crash_free_users, gone.users) == (True, None, None)


def test_codes_without_a_name_stay_codes_and_are_named_by_the_setting(opened: Open) -> None:
    page = next(opened().pages())
    assert "700" in page.note
    assert "versions" in page.note
    named = next(opened(versions=setting_of_versions("700=7.0.0")).pages())
    assert "7.0.0" in {row.version for row in named.daily_sessions}
    assert named.note == ""
    with pytest.raises(ValueError, match="code=name"):
        setting_of_versions("7.0.0")


def test_two_codes_of_one_version_share_a_rate_and_add_up_no_users(api: FakeVitals, opened: Open) -> None:
    api.names = {720: "7.2.0", 710: "7.2.0"}
    row = next(each for each in next(opened().pages()).daily_sessions if each.version == "7.2.0" and each.day == LAST)
    assert row.users is None
    assert row.crash_free_users == pytest.approx(1 - 130 / 11000, abs=1e-4)


def test_issues_have_versions_and_days(opened: Open) -> None:
    page = next(opened().pages())
    first, second = page.crash_issues
    assert (first.external_id, first.kind, first.title, first.first_version, first.last_version) == (
        "i1",
        "crash",
        "LoginScreen.open",
        "7.1.0",
        "7.2.0",
    )
    assert (second.kind, first.first_seen_at) == ("anr", datetime(2026, 11, 18, 12, tzinfo=UTC))
    counts = {(row.kind, row.version, row.issue): row.events for row in page.daily_crashes}
    assert counts == {
        ("crash", "", ""): 30,
        ("anr", "", ""): 5,
        ("crash", "7.2.0", ""): 30,
        ("anr", "7.1.0", ""): 5,
        ("crash", "", "i1"): 30,
        ("anr", "", "i2"): 5,
    }


def test_what_play_calls_anomalous_is_a_signal(api: FakeVitals, opened: Open) -> None:
    api.anomalies = [
        {
            "name": f"apps/{api.app_id}/anomalies/a1",
            "metricSet": f"apps/{api.app_id}/crashRateMetricSet",
            "metric": {"metric": "crashRate", "decimalValue": {"value": "0.034"}},
            "dimensions": [{"dimension": "versionCode", "int64Value": "720"}],
            "timelineSpec": {"aggregationPeriod": "DAILY", "startTime": {"year": 2026, "month": 11, "day": 17}},
        },
        {"name": "apps/x/anomalies/a2"},
    ]
    (signal,) = next(opened().pages()).signals
    assert (signal.kind, signal.version, signal.title) == ("anomaly", "7.2.0", "crashRate: 0.034")


def test_a_walk_goes_back_in_pages_that_never_pass_what_is_finished(opened: Open) -> None:
    walked = Walked(opened(days=40).pages())
    assert [(page.replaced[0].first, page.replaced[0].last) for page in walked.pages] == [
        (date(2026, 11, 12), LAST),
        (date(2026, 10, 15), date(2026, 11, 11)),
        (date(2026, 10, 10), date(2026, 10, 14)),
    ]
    assert walked.end == "source_limit"
    assert Walked(opened(days=40).pages("2026-11-12")).pages[0].replaced == walked.pages[1].replaced


def test_pages_of_rows_are_followed_and_circles_are_not(api: FakeVitals, opened: Open) -> None:
    whole = next(opened().pages())
    api.rows_a_page = 4
    assert next(opened().pages()) == whole
    api.circle = True
    assert refused(lambda: next(opened().pages())).kind == "repeated"


@pytest.mark.parametrize(
    ("forbidden", "kind", "part"),
    [
        ("forbidden", "refused", "View app information"),
        ("SERVICE_DISABLED", "refused", "switched off"),
        ("quota", "throttled", "quota"),
    ],
)
def test_each_refusal_says_what_is_missing(api: FakeVitals, opened: Open, forbidden: str, kind: str, part: str) -> None:
    api.forbidden = forbidden
    probes = opened().probe()
    assert [probe.works for probe in probes] == [True, False]
    assert part in probes[1].message
    # Once asked to slow down, the host is left alone before it is asked again.
    assert refused(lambda: next(opened().pages())).kind == kind


def test_names_and_anomalies_may_be_refused_without_losing_the_rates(api: FakeVitals, opened: Open) -> None:
    api.fail(Status(403), path="fetchReleaseFilterOptions")
    api.fail(Status(403), path="anomalies")
    page = next(opened().pages())
    assert len(page.daily_sessions) > 7
    assert "without the names" in page.note
    assert "without anomalies" in page.note


def test_a_token_that_ended_is_renewed_and_an_unknown_app_is_gone(api: FakeVitals, opened: Open) -> None:
    walk = opened(days=40).pages()
    next(walk)
    api.tokens = {}
    assert next(walk).daily_sessions
    assert refused(lambda: next(opened(app_id="com.example.other").pages())).kind == "gone"


def test_odd_rows_are_set_aside_and_new_fields_do_no_harm(api: FakeVitals, opened: Open) -> None:
    def change(told: dict[str, Any]) -> None:
        told["invented"] = {"x": 1}
        for row in told.get("rows", [])[:1]:
            row["newDimension"] = 5
            row["metrics"][0]["decimalValue"] = {"value": "lots"}
        for issue in told.get("errorIssues", [])[:1]:
            issue["type"] = "NEW_KIND"

    api.change = change
    page = next(opened().pages())
    assert {row.reason for row in page.quarantined} >= {
        "the figure 'lots' is no number",
        "the issue has no name or no kind that is known",
    }
    assert page.daily_sessions


def test_a_change_of_the_format_is_a_fault(api: FakeVitals, opened: Open) -> None:
    def change(told: dict[str, Any]) -> None:
        if "rows" in told:
            told["rows"] = {"moved": True}

    api.change = change
    assert refused(lambda: next(opened().pages())).kind == "format"


def test_the_kind_is_built_from_its_settings(api: FakeVitals, http: Http, tmp_path: Path) -> None:
    key = tmp_path / "account.json"
    key.write_text(api.key_file())
    config = {"app_id": api.app_id, "key_file": str(key), "play_reporting_url": api.url, "versions": "700=7.0.0"}
    assert all(probe.works for probe in build("play_vitals", config, http).probe())
    assert refused(lambda: build("play_vitals", config | {"versions": "x"}, http)).kind == "refused"


def test_every_request_and_answer_agrees_with_googles_document(api: FakeVitals, opened: Open) -> None:
    api.anomalies = [{"name": "apps/x/anomalies/a1"}]
    assert Walked(opened(days=10).pages()).error is None
    told = document("playdeveloperreporting.v1beta1")["resources"]
    vitals = told["vitals"]["resources"]
    methods = {
        "crashRateMetricSet": vitals["crashrate"]["methods"]["get"],
        "crashRateMetricSet:query": vitals["crashrate"]["methods"]["query"],
        "anrRateMetricSet:query": vitals["anrrate"]["methods"]["query"],
        "errorCountMetricSet:query": vitals["errors"]["resources"]["counts"]["methods"]["query"],
        "errorIssues:search": vitals["errors"]["resources"]["issues"]["methods"]["search"],
        "anomalies": told["anomalies"]["methods"]["list"],
        f"{api.app_id}:fetchReleaseFilterOptions": told["apps"]["methods"]["fetchReleaseFilterOptions"],
    }
    met = set()
    for request, answered in api.answers:
        name = request.path.partition("?")[0].rpartition("/")[2]
        met.add(name)
        check_call("playdeveloperreporting.v1beta1", methods[name], request, answered, api.scope)
    assert met == set(methods)

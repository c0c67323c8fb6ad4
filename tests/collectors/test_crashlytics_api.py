"""Crashlytics by its REST API: versions by day with rates, issues with their days, as Google's document has them."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.base import SourceError
from collectors.crashlytics_api import CrashlyticsApi
from collectors.http import Http
from collectors.registry import KINDS, build
from models.records import DailySessionsRecord
from tests.collectors.conftest import Walked, refused
from tests.collectors.google_documents import check_call, document
from tests.fakes.crashlytics import APP, Build, FakeCrashlytics, zulu

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOW.date()
# Paris is an hour ahead of UTC in November: its day begins an hour before UTC's.
MIDNIGHT = datetime(2026, 11, 19, 23, tzinfo=UTC)
Open = Callable[..., CrashlyticsApi]


@pytest.fixture
def api() -> Iterator[FakeCrashlytics]:
    with FakeCrashlytics(NOW) as fake:
        for n in range(40):
            at = MIDNIGHT - timedelta(days=n)
            fake.builds.append(Build("7.1.0", "710", at, 800, 300, 5, 4, 4, anrs=2))
            fake.builds.append(Build("7.2.0", "720", at, 200, 90, 12, 10, 8))
        issue = {
            "id": "abc",
            "name": f"projects/123456789/apps/{APP}/issues/abc",
            "title": "LoginViewModel.kt line 12",
            "subtitle": "NullPointerException",
            "errorType": "FATAL",
            "firstSeenVersion": "7.1.0 (710)",
            "lastSeenVersion": "7.2.0",
            "firstSeenTime": zulu(MIDNIGHT - timedelta(days=60)),
            "lastSeenTime": zulu(MIDNIGHT),
            "state": "OPEN",
            "uri": "https://console.firebase.google.com/project/x/crashlytics/issues/abc",
        }
        fake.issues = [(issue, [(MIDNIGHT, 9), (MIDNIGHT - timedelta(days=1), 2)])]
        yield fake


@pytest.fixture
def opened(api: FakeCrashlytics, http: Http, tmp_path: Path) -> Open:
    key = tmp_path / "account.json"
    key.write_text(api.key_file())
    http.now = lambda: NOW

    def open_it(**changes: Any) -> CrashlyticsApi:
        given = {"firebase_app": APP, "key_file": str(key), "base_url": api.url}
        return CrashlyticsApi(http=http, clock=lambda: api.clock(), **given | changes)  # noqa: PLW0108

    return open_it


def test_versions_come_by_local_day_with_their_denominators(opened: Open) -> None:
    page = next(opened().pages())
    rows = {(row.day, row.version): row for row in page.daily_sessions}
    assert rows[TODAY, "7.2.0"] == DailySessionsRecord(
        TODAY,
        "7.2.0",
        sessions=200,
        users=90,
        crashed_sessions=10,
        crashed_users=8,
        crash_free_sessions=0.95,
        crash_free_users=pytest.approx(1 - 8 / 90),  # type: ignore[arg-type]
    )
    events = {(row.kind, row.version): row.events for row in page.daily_crashes if row.day == TODAY and not row.issue}
    assert events == {("crash", "7.1.0"): 5, ("crash", "7.2.0"): 12, ("anr", "7.1.0"): 2, ("anr", "7.2.0"): 0}


def test_builds_of_one_version_add_up_sessions_and_no_users(api: FakeCrashlytics, opened: Open) -> None:
    api.builds.append(Build("7.2.0", "721", MIDNIGHT, 100, 50, 5, 5, 5))
    row = next(each for each in next(opened().pages()).daily_sessions if (each.day, each.version) == (TODAY, "7.2.0"))
    assert (row.sessions, row.crashed_sessions, row.users, row.crash_free_sessions) == (300, 15, None, 0.95)


def test_issues_come_with_versions_days_and_state(opened: Open) -> None:
    page = next(opened().pages())
    (issue,) = page.crash_issues
    assert (issue.external_id, issue.first_version, issue.last_version, issue.state) == (
        "abc",
        "7.1.0",
        "7.2.0",
        "open",
    )
    assert {row.day: row.events for row in page.daily_crashes if row.issue} == {TODAY: 9, TODAY - timedelta(days=1): 2}


def test_a_walk_goes_back_and_no_further_than_the_api_keeps(api: FakeCrashlytics, opened: Open) -> None:
    walked = Walked(opened(days=400).pages())
    assert walked.error is None
    assert walked.end == "source_limit"
    assert walked.pages[-1].replaced[0].first == TODAY - timedelta(days=89)
    assert walked.pages[0].replaced[0].first == date(2026, 11, 14)
    assert Walked(opened(days=400).pages("2026-11-14")).pages[0].replaced == walked.pages[1].replaced


def test_groups_of_several_pages_are_read(api: FakeCrashlytics, opened: Open) -> None:
    whole = next(opened().pages())
    api.groups_a_page = 1
    assert next(opened().pages()) == whole


def test_an_iphone_app_is_not_asked_for_anrs(api: FakeCrashlytics, opened: Open) -> None:
    with pytest.raises(SourceError, match="knows no app"):
        next(opened(firebase_app="1:123456789:ios:abcdef123456").pages())
    assert not any("ANR" in path for path in api.paths())


@pytest.mark.parametrize(("forbidden", "part"), [("forbidden", "Crashlytics Viewer"), ("SERVICE_DISABLED", "switched")])
def test_each_refusal_says_what_is_missing(api: FakeCrashlytics, opened: Open, forbidden: str, part: str) -> None:
    api.forbidden = forbidden
    assert [(probe.works, part in probe.message) for probe in opened().probe()] == [(True, False), (False, True)]
    assert refused(lambda: next(opened().pages())).kind == "refused"


def test_odd_groups_are_set_aside_and_a_moved_format_is_a_fault(api: FakeCrashlytics, opened: Open) -> None:
    def change(told: dict[str, Any]) -> None:
        told["usage"] = "x"
        for group in told.get("groups", [])[:1]:
            group["metrics"][0]["eventsCount"] = "many"

    api.change = change
    page = next(opened().pages())
    assert "eventsCount is 'many', no count" in {row.reason for row in page.quarantined}
    assert {row.version for row in page.daily_sessions} >= {"7.2.0"}
    api.change = lambda told: told.update(groups={"moved": True})
    assert refused(lambda: next(opened().pages())).kind == "format"


def test_the_kind_is_built_from_its_settings(api: FakeCrashlytics, http: Http, tmp_path: Path) -> None:
    key = tmp_path / "account.json"
    key.write_text(api.key_file())
    config = {"firebase_app": APP, "platform": "android", "key_file": str(key), "crashlytics_url": api.url}
    assert all(probe.works for probe in build("crashlytics_api", config, http).probe())
    assert KINDS["crashlytics_api"].host() == "firebasecrashlytics.googleapis.com"
    assert refused(lambda: build("crashlytics_api", config | {"firebase_app": "com.example"}, http)).kind == "refused"


def test_every_request_and_answer_agrees_with_googles_document(api: FakeCrashlytics, opened: Open) -> None:
    assert Walked(opened(days=10).pages()).error is None
    told = document("firebasecrashlytics.v1alpha")["resources"]["projects"]["resources"]["apps"]["resources"]
    for request, answered in api.answers:
        check_call("firebasecrashlytics.v1alpha", told["reports"]["methods"]["get"], request, answered, api.scope)
    assert len(api.answers) == 8

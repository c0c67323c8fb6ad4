"""Sentry: release health and issues, pages led by a cursor, scopes told apart, requests as its OpenAPI file allows."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from jsonschema import Draft202012Validator

from collectors.http import Http
from collectors.registry import KINDS, build
from collectors.sentry import Sentry
from collectors.sentry_format import issue_record, kind_of, next_cursor, version_of
from models.records import DailyCrashesRecord, DailySessionsRecord
from tests.collectors.conftest import Walked, refused
from tests.fakes.sentry import FakeSentry, Health, Issue
from tests.fakes.stores import Status

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOW.date()
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
OLD, NEW = "com.example.bank@7.1.0+710", "com.example.bank@7.2.0+720"
Open = Callable[..., Sentry]


@pytest.fixture
def api() -> Iterator[FakeSentry]:
    with FakeSentry(NOW) as fake:
        for n in range(30):
            day = MIDNIGHT - timedelta(days=n)
            fake.health[day, OLD] = Health(800, 300, 4, 4)
            fake.health[day, NEW] = Health(200, 90, 10, 8)
        fake.issues = [
            Issue("1", "NullPointerException: iban", days={MIDNIGHT: 7, MIDNIGHT - timedelta(days=1): 3}),
            Issue("2", "ANR", metadata={"type": "ApplicationNotResponding"}, days={MIDNIGHT: 2}, status="ignored"),
            Issue("3", "Timeout", level="error", unhandled=False, days={MIDNIGHT: 1}, status="resolved"),
        ]
        yield fake


@pytest.fixture
def opened(api: FakeSentry, http: Http, tmp_path: Path) -> Open:
    token = tmp_path / "token"
    token.write_text(api.token + "\n")
    http.now = lambda: NOW

    def open_it(**changes: Any) -> Sentry:
        given = {"organization": "bank", "project": "42", "token_file": str(token), "base_url": api.url}
        return Sentry(http=http, **given | changes)

    return open_it


def test_health_comes_by_day_and_by_version(opened: Open) -> None:
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
        crash_free_users=1 - 8 / 90,
        zone="UTC",
    )
    assert (rows[TODAY, ""].sessions, rows[TODAY, ""].crashed_sessions) == (1000, 14)
    assert DailyCrashesRecord(TODAY, 10, version="7.2.0", users=8) in page.daily_crashes
    assert DailyCrashesRecord(TODAY, 14, users=12) in page.daily_crashes


def test_builds_of_one_version_add_up_sessions_and_no_users(api: FakeSentry, opened: Open) -> None:
    api.health[MIDNIGHT, "com.example.bank@7.2.0+721"] = Health(100, 50, 5, 5)
    row = next(each for each in next(opened().pages()).daily_sessions if (each.day, each.version) == (TODAY, "7.2.0"))
    assert (row.sessions, row.crashed_sessions, row.users) == (300, 15, None)
    assert row.crash_free_sessions == pytest.approx(0.95)


def test_issues_come_with_their_days_kinds_states_and_versions(opened: Open) -> None:
    page = next(opened().pages())
    first, second, third = page.crash_issues
    assert [(each.kind, each.state) for each in page.crash_issues] == [
        ("crash", "open"),
        ("anr", "ignored"),
        ("error", "resolved"),
    ]
    assert (first.first_version, first.last_version, first.subtitle) == ("7.1.0", "7.2.0", "LoginViewModel.signIn")
    assert first.first_seen_at == MIDNIGHT - timedelta(days=1)
    days = {(row.issue, row.day): row.events for row in page.daily_crashes if row.issue}
    assert days[first.external_id, TODAY] == 7
    assert days[second.external_id, TODAY] == 2
    assert third.url is not None


def test_pages_are_led_by_the_cursor_and_never_by_the_address(api: FakeSentry, opened: Open) -> None:
    api.issues = [Issue(str(n), f"Error {n}", days={MIDNIGHT: n + 1}) for n in range(25)]
    api.page_size = 10
    assert len(next(opened().pages()).crash_issues) == 25
    assert all("internal.example.invalid" not in path for path in api.paths())
    api.circle = True
    assert "again and again" in next(opened().pages()).note
    assert next_cursor('<https://x/>; rel="next"; results="false"; cursor="0:100:0"') == ""
    assert next_cursor("") == ""


def test_a_walk_goes_back_in_pages_of_utc_days(opened: Open) -> None:
    walked = Walked(opened(days=40).pages())
    assert [(page.replaced[0].first, page.replaced[0].last) for page in walked.pages] == [
        (date(2026, 11, 14), TODAY),
        (date(2026, 10, 17), date(2026, 11, 13)),
        (date(2026, 10, 12), date(2026, 10, 16)),
    ]
    assert walked.end == "source_limit"
    assert (walked.pages[0].until, walked.pages[0].reaches) == (NOW, datetime(2026, 11, 14, tzinfo=UTC))
    assert Walked(opened(days=40).pages("2026-11-14")).pages[0].replaced == walked.pages[1].replaced


def test_days_without_a_session_are_left_out(api: FakeSentry, opened: Open) -> None:
    del api.health[MIDNIGHT, OLD], api.health[MIDNIGHT, NEW]
    assert TODAY not in {row.day for row in next(opened().pages()).daily_sessions}


@pytest.mark.parametrize(("lacking", "part"), [("org:read", "org:read"), ("event:read", "event:read")])
def test_each_missing_scope_is_named(api: FakeSentry, opened: Open, lacking: str, part: str) -> None:
    api.scopes -= {lacking}
    bad = [probe.message for probe in opened().probe() if not probe.works]
    assert len(bad) == 1
    assert part in bad[0]


def test_issues_that_may_not_be_read_do_not_hold_up_the_health(api: FakeSentry, opened: Open) -> None:
    api.scopes -= {"event:read"}
    page = next(opened().pages())
    assert page.daily_sessions
    assert "event:read" in page.note
    api.scopes = set()
    assert refused(lambda: next(opened().pages())).kind == "refused"


def test_a_revoked_token_an_unknown_organization_and_a_429(api: FakeSentry, opened: Open) -> None:
    assert refused(lambda: next(opened(organization="other").pages())).kind == "gone"
    api.fail(Status(429, (("retry-after", "30"),)), path="issues")
    fault = refused(lambda: next(opened().pages()))
    assert (fault.kind, fault.retry_after) == ("throttled", 30)


def test_a_token_is_never_shown(api: FakeSentry, opened: Open) -> None:
    api.token = "another"
    fault = refused(lambda: next(opened().pages()))
    assert (fault.kind, "sntrys_example" in repr(fault) + repr(vars(fault))) == ("refused", False)
    assert "revoked" in fault.message


def test_odd_groups_and_issues_are_set_aside(api: FakeSentry, opened: Open) -> None:
    def change(request: Any) -> None:
        api.issues[0].days = {datetime(1990, 1, 1, tzinfo=UTC): 4}

    api.before = change
    page = next(opened().pages())
    assert len(page.quarantined) == 1
    assert len(page.crash_issues) == 2


@pytest.mark.parametrize("body", ["[]", '{"groups": 3, "intervals": []}', "<html>", '{"groups": []}'])
def test_a_change_of_the_format_is_a_fault(api: FakeSentry, opened: Open, body: str) -> None:
    api.fail(Status(200, (("content-type", "application/json"),), body), path="sessions")
    assert refused(lambda: next(opened().pages())).kind == "format"


def test_versions_are_read_from_release_names() -> None:
    assert [version_of(name) for name in (OLD, "7.2.0", "app@7.2.0", "7.2.0+5", "a1b2c3")] == [
        "7.1.0",
        "7.2.0",
        "7.2.0",
        "7.2.0",
        "a1b2c3",
    ]


def test_the_kind_is_built_from_its_settings_for_a_self_hosted_one(api: FakeSentry, http: Http, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(api.token)
    config = {"organization": "bank", "project": "42", "platform": "android", "token_file": str(token)}
    assert all(probe.works for probe in build("sentry", config | {"sentry_url": api.url}, http).probe())
    assert KINDS["sentry"].host() == "sentry.io"
    assert KINDS["sentry"].host({"sentry_url": "https://sentry.bank.example"}) == "sentry.bank.example"
    for wrong in ({"project": "../x"}, {"sentry_url": "http://sentry.bank.example"}):
        assert refused(lambda wrong=wrong: build("sentry", config | wrong, http)).kind == "refused"


@pytest.mark.shared
def test_every_request_and_answer_agrees_with_sentrys_openapi(
    api: FakeSentry, opened: Open, shared: Callable[[str], Path]
) -> None:
    told = json.loads(shared("samples/sentry/openapi-derefed_0.272.0.json").read_text())
    assert Walked(opened(days=10, environment="production").pages()).error is None
    base = "/api/0/organizations/{organization_id_or_slug}"
    places = {"sessions": f"{base}/sessions/", "issues": f"{base}/issues/"}
    for request, (status, _, body) in api.answers:
        parts = urlsplit(request.path)
        pieces = parts.path.strip("/").split("/")
        place = f"{base}/issues/{{issue_id}}/" if len(pieces) > 5 else places[pieces[4]]
        method = told["paths"][place]["get"]
        known = {each["name"]: each["schema"] for each in method["parameters"] if each["in"] == "query"}
        for name, values in parse_qs(parts.query, keep_blank_values=True).items():
            schema = known[name]
            assert len(values) == 1 or schema["type"] == "array"
            assert "enum" not in schema or values[0] in [*schema["enum"], "14d"]
            assert schema["type"] != "integer" or values[0].isdigit()
        assert status == 200
        answer = method["responses"]["200"]["content"]["application/json"]["schema"]
        if pieces[4] == "sessions":
            Draft202012Validator(answer).validate(json.loads(body))
        else:
            _agrees(json.loads(body), answer)


def _agrees(told: Any, schema: dict[str, Any]) -> None:
    """Each field that the fake gives is of the type that the official schema tells."""
    if isinstance(told, list):
        for each in told:
            _agrees(each, schema["items"])
        return
    for name, value in told.items():
        if name in schema["properties"] and name != "stats":
            Draft202012Validator(_nullable(schema["properties"][name])).validate(value)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, schema]} if schema.get("nullable") else schema


@pytest.mark.shared
def test_sentrys_own_example_of_issues_is_read(shared: Callable[[str], Path]) -> None:
    told = json.loads(shared("samples/sentry/openapi-derefed_0.272.0.json").read_text())
    answer = told["paths"]["/api/0/organizations/{organization_id_or_slug}/issues/"]["get"]["responses"]["200"]
    (example,) = answer["content"]["application/json"]["examples"].values()
    issues = [issue_record(row) for row in example["value"]]
    assert issues[0].title == example["value"][0]["title"]
    assert issues[0].state == "ignored"
    assert kind_of(example["value"][0]) in {"crash", "error"}

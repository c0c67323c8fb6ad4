"""The demo's crash tool: read by the real collector, ordinary but for a release of the past."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import httpx
import pytest

from app.demo.crashes import Crashes, Platform
from app.demo.sentry_format import PROJECTS
from app.demo.store import DemoStore
from app.demo.story import Story
from collectors.base import Page
from collectors.http import Http
from collectors.registry import build
from tests.demo.conftest import TODAY, Clock

Read = Callable[[str], list[Page]]
PLATFORMS: tuple[Platform, ...] = ("ios", "android")


@pytest.fixture
def read(store: DemoStore, clock: Clock, tmp_path: Path) -> Read:
    token = tmp_path / "token"
    token.write_text("any")

    def read(project: str) -> list[Page]:
        config = {"organization": "mesange", "project": project, "token_file": str(token), "sentry_url": store.url}
        http = Http(user_agent="test", now=clock)
        return list(build("sentry", config | {"platform": PROJECTS[project]}, http).pages())

    return read


def shares(story: Story, platform: Platform, first: date, last: date) -> dict[str, float]:
    ran: dict[str, int] = defaultdict(int)
    crashed: dict[str, int] = defaultdict(int)
    crashes = Crashes(story, 7)
    for at in range((last - first).days + 1):
        for version, told in crashes.health(platform, first + timedelta(days=at)).items():
            ran[version] += told.sessions
            crashed[version] += told.crashed
    return {version: 1 - crashed[version] / ran[version] for version in ran}


@pytest.mark.parametrize("project", PROJECTS)
def test_the_collector_reads_ninety_days_of_every_version(read: Read, project: str) -> None:
    pages = read(project)
    assert not [row for page in pages for row in page.quarantined]
    assert not [page.note for page in pages if page.note]
    days = {row.day for page in pages for row in page.daily_sessions if not row.version}
    assert days == {TODAY - timedelta(days=back) for back in range(90)}
    newest = {row.version for row in pages[0].daily_sessions if row.day == TODAY}
    assert newest == {"", "7.2.1", "7.2", "7.1"}
    for page in pages:
        whole = {row.day: row for row in page.daily_sessions if not row.version}
        for day, row in whole.items():
            parts = [each for each in page.daily_sessions if each.day == day and each.version]
            assert sum(each.sessions or 0 for each in parts) == row.sessions
            assert sum(each.crashed_sessions or 0 for each in parts) == row.crashed_sessions


def test_issues_are_a_part_of_the_crashes_and_name_their_releases(read: Read) -> None:
    page = read("mesange-android")[0]
    issues = {issue.external_id: issue for issue in page.crash_issues}
    assert issues["5209"].state == "resolved"
    assert (issues["5209"].first_version, issues["5209"].last_version) == ("7.0", "7.0")
    assert (issues["5120"].state, issues["5120"].kind, issues["5120"].last_version) == ("open", "crash", "7.2.1")
    assert issues["5210"].kind == "anr"
    crashed = {row.day: row.crashed_sessions or 0 for row in page.daily_sessions if not row.version}
    for day, most in crashed.items():
        told = [r.events for r in page.daily_crashes if r.day == day and r.issue and r.kind == "crash"]
        assert told
        assert sum(told) <= most + 3  # each is rounded by itself


@pytest.mark.parametrize("platform", PLATFORMS)
def test_one_release_of_the_past_crashed_more_and_the_bad_one_did_not(story: Story, platform: Platform) -> None:
    found = shares(story, platform, TODAY - timedelta(days=89), TODAY)
    ordinary = {version: share for version, share in found.items() if version != "7.0"}
    assert {"6.8.1", "7.0", "7.1", "7.2", "7.2.1"} <= set(found)
    assert all(0.997 < share < 0.9995 for share in ordinary.values()), ordinary
    assert found["7.0"] < 0.9975
    assert 1 - found["7.0"] > 2 * (1 - min(ordinary.values()))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_last_days_are_as_calm_as_those_before(story: Story, platform: Platform) -> None:
    before = [shares(story, platform, day, day) for day in (TODAY - timedelta(days=back) for back in range(14, 39))]
    usual = [1 - day["7.1"] for day in before]
    for back in range(14):
        day = TODAY - timedelta(days=back)
        told = Crashes(story, 7).health(platform, day)
        rate = sum(each.crashed for each in told.values()) / sum(each.sessions for each in told.values())
        assert rate < 1.5 * sum(usual) / len(usual), day


def test_what_has_not_happened_yet_is_not_told(read: Read, clock: Clock) -> None:
    whole = next(r for r in read("mesange-ios")[0].daily_sessions if r.day == TODAY and not r.version)
    clock.now = datetime.combine(TODAY, time(6), UTC)
    early = next(r for r in read("mesange-ios")[0].daily_sessions if r.day == TODAY and not r.version)
    assert early.sessions == pytest.approx((whole.sessions or 0) / 2, rel=0.01)
    clock.now -= timedelta(days=8)
    pages = read("mesange-ios")
    assert max(row.day for page in pages for row in page.daily_sessions) == TODAY - timedelta(days=8)
    assert "7.2.1" not in {row.version for page in pages for row in page.daily_sessions}


def test_an_issue_leads_to_a_page(read: Read) -> None:
    issue = read("mesange-android")[0].crash_issues[0]
    assert issue.url is not None
    answer = httpx.get(issue.url)
    assert (answer.status_code, issue.title in answer.text) == (200, True)


def test_it_refuses_what_a_sentry_refuses(store: DemoStore) -> None:
    base = f"{store.url}/api/0/organizations/mesange"
    shown = {"Authorization": "Bearer any"}
    assert httpx.get(f"{base}/issues/", params={"project": "mesange-ios"}).status_code == 401
    assert httpx.get(f"{base}/issues/", params={"project": "other"}, headers=shown).status_code == 400
    assert httpx.get(f"{base}/issues/99/", headers=shown).status_code == 404
    assert httpx.get(f"{base}/sessions/", params={"project": "mesange-ios"}, headers=shown).status_code == 400
    elsewhere = httpx.get(f"{store.url}/api/0/organizations/other/issues/", headers=shown)
    assert (elsewhere.status_code, "detail" in json.loads(elsewhere.text)) == (404, True)


def test_the_same_seed_tells_the_same_crashes(story: Story) -> None:
    assert Crashes(story, 7).health("ios", TODAY) == Crashes(story, 7).health("ios", TODAY)
    assert Crashes(story, 7).health("ios", TODAY) != Crashes(story, 8).health("ios", TODAY)

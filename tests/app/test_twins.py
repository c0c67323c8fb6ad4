"""Everything the pages show, by API: each page names its JSON twins, and their main numbers are the same."""

import random
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from tests.app.conftest import TODAY
from tests.app.routes import every_route, filled
from tests.app.seed import Portfolio, seed
from tests.app.test_numbers import numbers
from tests.app.voices_seed import add_voices

APP = "/apps/{app_id}"
TWINS: dict[str, tuple[str, ...]] = {
    "/": ("/portfolio",),
    APP: (
        f"{APP}/overview", f"{APP}/trends/stars", f"{APP}/versions", f"{APP}/topics", f"{APP}/stability",
        f"{APP}/stability/issues", f"{APP}/stability/signals", f"{APP}/reviews", f"{APP}/ratings", f"{APP}/releases",
        f"{APP}/sources",
    ),
    f"{APP}/irritants": (f"{APP}/irritants",),
    f"{APP}/irritants/{{irritant_id}}": (f"{APP}/irritants/{{irritant_id}}", f"{APP}/trends/stars"),
    f"{APP}/versions": (f"{APP}/versions/compare", f"{APP}/releases"),
    f"{APP}/journey": (f"{APP}/journey",),
    f"{APP}/channels": (
        f"{APP}/channels", f"{APP}/nps", f"{APP}/disagreements", f"{APP}/ticket-times", f"{APP}/hours",
    ),
    f"{APP}/reviews": (f"{APP}/reviews", f"{APP}/views"),
    f"{APP}/reviews/{{review_id}}": (f"{APP}/reviews/{{review_id}}", f"{APP}/reviews/{{review_id}}/correction"),
    "/incidents": ("/incidents",),
    f"{APP}/incidents": ("/incidents",),
    "/incidents/{incident_id}": (
        "/incidents/{incident_id}", "/incidents/{incident_id}/timeline", f"{APP}/trends/stars", f"{APP}/reviews",
    ),
    "/sources": (
        "/sources", f"{APP}/sources", f"{APP}/coverage", f"{APP}/coverage/checks", "/sources/{source_id}/runs",
    ),
    f"{APP}/sources": (
        f"{APP}/sources", f"{APP}/coverage", f"{APP}/coverage/checks", "/sources/{source_id}/runs",
        "/sources/{source_id}/quarantine",
    ),
    f"{APP}/sources/new": ("/kinds", "/credentials"),
    f"{APP}/sources/import": (f"{APP}/sources",),  # sent by POST /apps/{app_id}/imports
    "/setup": ("/apps",),
    "/credentials": ("/credentials",),
    "/topics": ("/taxonomy",),
    "/deliveries": ("/deliveries", "/deliveries/promptness"),
    "/destinations": ("/destinations", "/routes", "/deliveries"),
    "/inbox": ("/inbox",),
    "/settings": ("/apps", "/me"),
    "/settings/rules": (f"{APP}/rules", "/rules/budget"),
    "/settings/apps/{app_id}": (APP,),
    "/settings/model": ("/model",),
    "/settings/people": ("/people", "/people/links"),
    "/settings/keys": ("/keys",),
    "/settings/audit": ("/audit",),
    "/account": ("/me", "/me/sessions"),
}  # fmt: skip
"""Page → the routes under /api/v1 that tell programs the same. A new page names its own here."""

NOT_PAGES = {
    "/healthz", "/readyz", "/metrics",  # for machines
    "/login", "/login/directory", "/login/directory/back", "/welcome/{secret}",  # the way in: programs have keys
}  # fmt: skip


def pages(app: FastAPI) -> Iterator[str]:
    for known in every_route(app):
        if known.method == "GET" and not known.path.startswith("/api/"):
            yield known.path


def test_every_page_has_its_json_twin(application: FastAPI) -> None:
    found = set(pages(application)) - NOT_PAGES
    assert found == set(TWINS), "a page without a twin: add a route under /api/v1, and name it in TWINS"
    described = application.openapi()["paths"]
    told = [twin for twins in TWINS.values() for twin in twins if "get" not in described.get(f"/api/v1{twin}", {})]
    assert not told, "named as a twin, but no such route"


def wholes(told: Any) -> Iterator[int]:
    """Every whole number in a JSON answer, and the length of every list."""
    if isinstance(told, bool):
        return
    if isinstance(told, int):
        yield told
    elif isinstance(told, dict):
        for value in told.values():
            yield from wholes(value)
    elif isinstance(told, list):
        yield len(told)
        for value in told:
            yield from wholes(value)


def shown(html: str) -> list[int]:
    return [number for _, number in numbers(html)]


def get(web: TestClient, path: str, **query: object) -> Any:
    answer = web.get(f"/api/v1{path}", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


@pytest.fixture(params=range(2))
def world(request: pytest.FixtureRequest, db: Session) -> Portfolio:
    chance = random.Random(request.param)
    made = seed(db, today=TODAY, days=chance.choice((90, 110, 160)), daily=chance.choice((1.5, 3.0)), number=17)
    add_voices(db, made.apps[0], TODAY, answers=40, tickets=20)
    db.flush()
    return made


def test_the_portfolio_says_what_its_page_says(web: TestClient, world: Portfolio) -> None:
    told = get(web, "/portfolio", language="en")
    html = web.get("/", headers={"Accept-Language": "en"}).text
    assert f">{told['headline']}</h1>" in unescape(html)
    assert [row["name"] for row in told["items"]] == re.findall(r'<th scope="row"><a href="/apps/\d+">([^<]+)<', html)
    assert [row["week_n"] for row in told["items"]] == shown(html)
    for row in told["items"]:
        for incident in row["incidents"][:1]:
            assert incident["title"] in unescape(html)


def test_an_apps_page_says_what_its_twins_say(web: TestClient, world: Portfolio) -> None:
    app = world.apps[0].id
    html = unescape(web.get(f"/apps/{app}", headers={"Accept-Language": "en"}).text)
    told = get(web, f"/apps/{app}/overview", language="en")
    assert f">{told['headline']}</h1>" in html
    leads = re.findall(r'<p class="lead">(.*?) <a href="/apps/\d+/versions', html)
    assert [re.sub("<[^>]+>", "", lead) for lead in leads] == [told["changes"]], told
    assert f"{told['month']['mean']:.1f}" in html
    assert f"on {sum(told['month']['stars']):,} reviews" in html
    period = {"from": told["first"], "to": told["last"]}
    month = {"from": told["month"]["first"], "to": told["month"]["last"]}
    rows = re.findall(r'<td class="num"><a href="[^"]*topic_negative[^"]*">(\d+)</a></td><td[^>]*><a[^>]*>(\d+)<', html)
    topics = get(web, f"/apps/{app}/topics", **month, limit=10)["items"]
    assert [(int(a), int(b)) for a, b in rows] == [(one["negative"], one["n"]) for one in topics]
    known = set(wholes(told)) | set(wholes(topics))
    # With few reviews a day the page shows weeks, which are asked for by name.
    weekly = get(web, f"/apps/{app}/trends/stars", **period, bucket="week")
    for told in (weekly, *(get(web, f"/apps/{app}/{twin}", **period) for twin in ("trends/stars", "versions"))):
        known |= set(wholes(told))
    missing = [number for number in shown(html) if number and number not in known]
    assert not missing


def test_what_lists_show_is_in_their_twins(web: TestClient, world: Portfolio) -> None:
    """Every number that opens verbatims is told by a twin of its page, for the same days."""
    app = world.apps[0].id
    days = {"from": "2026-08-31", "to": "2026-11-22"}  # the 84 days of the pages
    quarter = {"from": "2026-08-25", "to": "2026-11-22"}
    for page, twins in {
        f"/apps/{app}/irritants": [(f"/apps/{app}/irritants", days)],
        f"/apps/{app}/journey": [(f"/apps/{app}/journey", days)],
        f"/apps/{app}/channels": [
            (f"/apps/{app}/{part}", quarter | query)
            for part, query in (
                ("channels", {}),
                ("ticket-times", {}),
                ("nps", {}),
                ("nps", {"by": "version"}),
                ("disagreements", {}),
            )
        ],
        f"/apps/{app}/versions": [(f"/apps/{app}/versions/compare", {})],
        f"/apps/{app}/irritants/{world.irritant}": [
            (f"/apps/{app}/irritants/{world.irritant}", {"from": "2026-05-27", "to": "2026-11-22"})
        ],
    }.items():
        found = shown(web.get(page).text)
        known = {number for path, query in twins for number in wholes(get(web, path, **query))}
        if page.endswith(str(world.irritant)):  # its chart's table is by the week, its twin by the day
            found = found[:1]
        missing = [number for number in found if number not in known]
        assert found, page
        assert not missing, (page, missing)


def test_the_irritants_stand_in_the_same_order(web: TestClient, world: Portfolio) -> None:
    app = world.apps[0].id
    html = web.get(f"/apps/{app}/irritants", headers={"Accept-Language": "en"}).text
    told = get(web, f"/apps/{app}/irritants", **{"from": "2026-08-31", "to": "2026-11-22"}, language="en")["items"]
    assert [row["n"] for row in told] == shown(html)
    assert [row["name"] for row in told] == re.findall(r'<a href="/apps/\d+/irritants/\d+">([^<]+)</a> <small', html)


def test_an_incident_is_told_whole(web: TestClient, portfolio: Portfolio) -> None:
    assert portfolio.incident is not None
    told = get(web, f"/incidents/{portfolio.incident.id}")
    html = unescape(web.get(f"/incidents/{portfolio.incident.id}", headers={"Accept-Language": "en"}).text)
    assert f">{told['title']}</h1>" in html
    for sentence in (told["lead"], told["chance"]):
        assert sentence != ""
        assert sentence in html
    assert len(told["timeline"]) == html.count("<time datetime") - html.count('class="about"')
    assert told["verbatims"] == [int(number) for number in re.findall(r'id="r(\d+)"', html)]
    listed = get(web, "/incidents", app_id=portfolio.apps[0].id)["items"]
    assert [one["title"] for one in listed] == [told["title"]]


def test_sources_tell_their_state(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    told = get(web, f"/apps/{app}/sources")
    html = unescape(web.get(f"/apps/{app}/sources", headers={"Accept-Language": "en"}).text)
    assert [one["name"] for one in told["items"]] == re.findall(r'<h2 id="n\d+">([^<]+)</h2>', html)
    for one in told["items"]:
        run = one["last_run"]
        assert run is None or run["outcome"] == "running" or f"{run['stored']} new" in html
    missing = {one["name"]: len(one["missing"]) for one in told["items"]}
    assert missing["Google Play fr"] == 6
    assert "6 days" in html


def test_a_person_sees_where_they_are_signed_in(web: TestClient, portfolio: Portfolio) -> None:
    assert get(web, "/me/sessions") == {"items": []}, "the owner of this machine has no session"
    assert get(web, "/people/links") == {"items": []}
    web.post("/api/v1/people/links", json={"email": "new@banque.example", "role": "editor"})
    (link,) = get(web, "/people/links")["items"]
    assert (link["email"], link["role"]) == ("new@banque.example", "editor")
    assert not {"secret", "hash"} & set(link)


def test_every_page_opens_and_links_to_what_exists(web: TestClient, application: FastAPI, portfolio: Portfolio) -> None:
    """The exports and other addresses of the API that pages link to are there."""
    seen: set[str] = set()
    for path in sorted(set(pages(application)) - NOT_PAGES):
        html = web.get(filled(path, portfolio)).text
        seen |= {unescape(link) for link in re.findall(r'href="(/api/v1/[^"]+)"', html)}
    assert len(seen) > 12
    for link in sorted(seen):
        assert web.get(link).status_code == 200, link
    kinds = {re.sub(r"\d+|\?.*", "", link) for link in seen if ".xlsx" in link}
    assert len(kinds) >= 8, kinds

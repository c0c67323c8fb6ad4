"""Every number of a page equals the count of the verbatims that its link opens, on random databases."""

import csv
import io
import random
import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from tests.app.conftest import TODAY
from tests.app.seed import seed

LINK = re.compile(r'<a[^>]*href="(/apps/\d+/reviews[^"]*)"[^>]*>([^<]*)</a>')


def behind(web: TestClient, url: str) -> int:
    """How many verbatims a link opens, counted row by row from the CSV."""
    answer = web.get("/api/v1" + url.replace("/reviews", "/reviews.csv", 1))
    assert answer.status_code == 200, url
    return sum(1 for _ in csv.reader(io.StringIO(answer.text))) - 1


def numbers(html: str) -> list[tuple[str, int]]:
    """Each link to verbatims whose words are a whole number."""
    found = []
    for url, words in LINK.findall(html):
        plain = unescape(words).replace("\xa0", "").replace("\u202f", "").replace(",", "").strip()
        if re.fullmatch(r"\d+", plain):
            found.append((unescape(url), int(plain)))
    return found


def irritant_pages(web: TestClient, app: int) -> list[str]:
    """The page of every irritant that the list names."""
    html = web.get(f"/apps/{app}/irritants").text
    return sorted(set(re.findall(rf'"(/apps/{app}/irritants/\d+)"', html)))


@pytest.mark.parametrize("number", range(3))
def test_numbers_equal_what_their_links_open(web: TestClient, db: Session, number: int) -> None:
    chance = random.Random(number)
    made = seed(db, today=TODAY, days=chance.choice((30, 90, 250)), daily=chance.choice((1.0, 4.0)), number=number)
    db.flush()
    checked = 0
    paths = ["/"]
    for app in made.apps:
        paths += [f"/apps/{app.id}", f"/apps/{app.id}?days=90&channel=google_play", f"/apps/{app.id}?days=730"]
        paths += [f"/apps/{app.id}/versions", f"/apps/{app.id}/versions?channel=app_store"]
        paths += [f"/apps/{app.id}/irritants", f"/apps/{app.id}/irritants?channel=google_play&days=28"]
        paths += [f"/apps/{app.id}/journey", *irritant_pages(web, app.id)]
    for path in paths:
        found = numbers(web.get(path).text)
        for url, shown in found if len(found) < 9 else chance.sample(found, 9):
            assert shown == behind(web, url), (path, url)
            page = web.get(url).text
            told = re.search(r"<h1>(More than )?([\d,]+) reviews?</h1>", page)
            assert told, url
            assert int(told[2].replace(",", "")) == shown
            checked += 1
    assert checked > 80


@pytest.mark.parametrize("number", range(3))
def test_means_stand_on_the_base_they_name(web: TestClient, db: Session, number: int) -> None:
    seed(db, today=TODAY, days=60, daily=3, number=100 + number)
    db.flush()
    html = web.get("/").text
    figures = re.findall(
        r'<a class="fig" href="([^"]+)">([\d.]+) <small>± [\d.]+</small></a> <small class="base">on ([\d,]+) reviews',
        html,
    )
    assert len(figures) == 2
    for url, mean, base in figures:
        answer = web.get("/api/v1" + unescape(url).replace("/reviews", "/reviews.csv", 1)).text
        stars = [int(row["stars"]) for row in csv.DictReader(io.StringIO(answer.lstrip("\ufeff")))]
        assert len(stars) == int(base.replace(",", ""))
        assert mean == f"{round(sum(stars) / len(stars), 1):.1f}"


def test_the_trend_counts_every_verbatim_once(web: TestClient, db: Session) -> None:
    made = seed(db, today=TODAY, days=300, daily=3)
    db.flush()
    app = made.apps[0].id
    total = behind(web, f"/apps/{app}/reviews")
    for bucket in ("day", "week", "auto"):
        trend = web.get(f"/api/v1/apps/{app}/trends/stars?bucket={bucket}").json()
        assert sum(one["n"] for one in trend["buckets"]) == total
        assert sum(one["rated"] for one in trend["buckets"]) == behind(web, f"/apps/{app}/reviews?rated=true")
    assert trend["bucket"] == "week"
    weeks = trend["buckets"]
    assert all(one["first"] <= one["last"] for one in weeks)
    holes = sum(one["incomplete_days"] for one in weeks)
    assert holes == 7, "six days that Google Play did not give, and today"

"""Few reviews, and days without hours: what pages then draw and say, so that no reader takes noise for news."""

import re
from datetime import date, datetime, time, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from markupsafe import Markup
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.i18n import Words
from app.pages.channels import part_name
from app.pages.drawing import every, fewest_for_a_mean
from app.pages.versions import adopted, trailing
from app.reading.looking import Count
from app.reading.trends import Bucket, Period, Trend
from app.reading.versions import AdoptionDay, Pair, Side
from app.reading.voices import without_hours
from models.apps import App
from models.feedback import Verbatim
from tests.app.conftest import TODAY
from tests.app.seed import Portfolio, roll_up

FRENCH = Words("fr")
PARIS = ZoneInfo("Europe/Paris")


def trend(*rated: int) -> Trend:
    first = TODAY - timedelta(days=7 * len(rated))
    made = [Bucket(first + timedelta(days=7 * at), 7, n, (0, 0, 0, 0, n), 0) for at, n in enumerate(rated)]
    return Trend("week", Period(first, TODAY), made, [])


def test_a_week_that_began_this_morning_has_no_mean_yet() -> None:
    assert fewest_for_a_mean(trend(100, 90, 110, 100, 2)) == 20
    assert fewest_for_a_mean(trend(3, 2, 4, 3)) == 1
    assert fewest_for_a_mean(trend()) == 1


def test_a_long_trend_of_few_reviews_is_drawn_by_the_week() -> None:
    assert every(60, 28, 120) == "week"
    assert every(600, 28, 120) is None
    assert every(60, 28, 40) is None


def pair(days: list[tuple[int, int, int]], released: date) -> Pair:
    def side(version: str, at: date) -> Side:
        return Side(version, at, False, Period(at, TODAY), 0, 0, (0, 0, 0, 0, 0), {})

    first = TODAY - timedelta(days=len(days) - 1)
    told = [AdoptionDay(first + timedelta(days=at), *one) for at, one in enumerate(days)]
    return Pair(side("2", released), side("1", first), None, [], told)  # type: ignore[arg-type]


def test_adoption_begins_with_the_release_and_leaves_out_a_day_of_one_review() -> None:
    released = TODAY - timedelta(days=2)
    # An edited review carries the newer version before it was out; today has one review so far.
    found = pair([(3, 97, 100), (0, 100, 100), (20, 80, 100), (60, 40, 100), (0, 1, 1)], released)
    assert trailing(found.adoption) == 1
    assert adopted(found, found.this) == [None, None, 0.2, 0.6, None]
    assert adopted(found, found.that)[:2] == [0.97, 1.0]


def test_adoption_of_few_reviews_is_a_share_of_several_days() -> None:
    found = pair([(1, 3, 4)] * 10, TODAY - timedelta(days=20))
    assert trailing(found.adoption) == 5
    assert adopted(found, found.this)[-1] == 0.25


def test_days_without_hours_are_told_as_days_and_make_no_busy_midnight(
    web: TestClient, db: Session, portfolio: Portfolio
) -> None:
    app = portfolio.apps[0]
    model = db.scalars(select(Verbatim).where(Verbatim.app_id == app.id)).first()
    assert model is not None
    fields = {c.key: getattr(model, c.key) for c in Verbatim.__mapper__.column_attrs if c.key not in {"id", "search"}}
    midnight = datetime.combine(TODAY - timedelta(days=1), time(), PARIS)
    made = {"channel": "survey", "written_at": midnight, "day": midnight.date(), "storefront": "", "version": ""}
    db.execute(insert(Verbatim), [fields | made | {"external_id": f"s{n}"} for n in range(400)])
    roll_up(db)
    assert without_hours(db, app.id, ["survey", "app_store", "google_play"], "Europe/Paris") == ["survey"]
    page = web.get(f"/apps/{app.id}/channels").text
    assert "Not counted: Survey, of which only the days are known." in page
    assert "between 0:00 and 3:00" not in page
    assert "between 0:00 and 3:00" in web.get(f"/apps/{app.id}/channels?channel=survey").text
    assert FRENCH.moment(midnight, today=TODAY) == "21 nov."
    assert FRENCH.moment(midnight + timedelta(minutes=1), today=TODAY) == "21 nov., 00:01"


def test_a_bounded_count_says_so_and_never_more_than(
    web: TestClient, portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/apps/{portfolio.apps[0].id}/reviews?stars=1&topic=sign_in"
    bounded = ([], None, Count(184, True))
    monkeypatch.setattr("app.reading.verbatims.page_and_count", lambda *_, **__: bounded)
    page = web.get(url).text
    assert "<h1>184 reviews among the newest</h1>" in page
    assert "only the newest 8,000 that could fit were looked at; “More” goes on further" in page
    assert "only the newest 4,000 that could fit" in web.get(f"{url}&q=code").text
    assert "More than" not in page


def test_differences_are_those_of_the_shown_numbers() -> None:
    assert FRENCH.change(4.449, 3.851) == "−0,5"  # 4,4 and 3,9
    assert FRENCH.change(4.351, 3.849) == "−0,6"  # 4,4 and 3,8
    assert FRENCH.times(0.001) == "÷50 ou plus"
    assert (FRENCH.share(0), FRENCH.share(0.001)) == ("0\u202f%", "0,1\u202f%")


def test_waves_are_told_as_months_and_quarters() -> None:
    assert part_name(FRENCH, "2026-11", "wave") == "novembre 2026"
    assert part_name(FRENCH, "2026-Q1", "wave") == "1er trimestre 2026"
    assert part_name(Words("en"), "2026-Q3", "wave") == "Q3 2026"
    assert part_name(FRENCH, "2026-13", "wave") == "2026\u201113"
    assert part_name(FRENCH, "7.2-beta", "version") == "7.2\u2011beta"


def test_an_app_of_which_nothing_was_read_is_never_calm(web: TestClient, db: Session) -> None:
    app = App(name="Ma banque")
    db.add(app)
    db.flush()
    page = web.get("/", headers={"Accept-Language": "fr"}).text
    assert "<h1>Rien n’est encore lu de Ma banque.</h1>" in page
    assert "calme" not in page
    assert f'href="/apps/{app.id}/sources/new"' in page
    assert "<select" not in web.get(f"/apps/{app.id}/versions").text, "nothing to choose from"


def test_a_sentence_that_ends_with_a_month_has_one_full_stop() -> None:
    values = {"before": "1 %", "peak": "39 %", "score": "13,1"}
    assert "le 13 nov. Signal" in FRENCH.t("irritant.sure", noticed="13 nov.", **values)
    assert "le 13 mai. Signal" in FRENCH.t("irritant.sure", noticed="13 mai", **values)
    assert Words("en").t("irritant.since", name="X", day=Markup("13 Nov")).endswith("13 Nov.")


def test_what_the_care_team_looks_for_is_one_click_away(web: TestClient, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    page = web.get(f"/apps/{app}/reviews").text
    wanted = re.findall(rf'href="(/apps/{app}/reviews\?(?:urgent|stars|revised)=[^"]*)"', page.partition("<details")[0])
    assert len(wanted) == 3
    for address in wanted:
        narrowed = web.get(unescape(address)).text
        assert 'class="chips"' in narrowed
        assert "quick" not in narrowed

"""Finding verbatims: accents and typing forgiven, bounded looks, exact counts where rollups know, saved views."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.reading import looking, verbatims
from app.reading.verbatims import Filters
from models.apps import App
from models.finding import SearchWord
from models.intake import Origin, PreparedVerbatim, store_verbatims
from tests.app.seed import Portfolio

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
BODIES = (
    "Le virement est impossible depuis la mise à jour",
    "Impossible de faire un viremant",
    "Ma banque préférée, rien à redire",
    "Il manque une page d’aide",
    "Connexion refusée après l’été",
)


@pytest.fixture
def app(db: Session) -> int:
    made = App(name="Recherche")
    db.add(made)
    db.flush()
    rows = [
        PreparedVerbatim(external_id=str(n), written_at=AT + timedelta(hours=n), day=AT.date(), body=body, stars=1 + n)
        for n, body in enumerate(BODIES)
    ]
    store_verbatims(db, Origin(made.id, 1, "k", "app_store"), rows, AT)
    return made.id


def found(db: Session, app: int, words: str) -> set[str]:
    lines, _ = verbatims.page(db, Filters(app, text=words))
    assert verbatims.count(db, Filters(app, text=words)).n == len(lines)
    return {line.verbatim.body for line in lines}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("virement", {0, 1}),  # the customer's slip is found by the right word
        ("viremant", {0, 1}),  # and the other way round
        ("VIREMENT impossible", {0, 1}),
        ("connexon", {4}),
        ("prefere", {2}),
        ("ete", {4}),
        ("banque", {2}),  # never "manque": the first letter is taken at its word
        ('"viremant"', {1}),  # quotes mean exactly
        ("virement -viremant", set()),
        ("introuvable", set()),
        ("", {0, 1, 2, 3, 4}),
    ],
)
def test_typing_and_accents_are_forgiven(db: Session, app: int, typed: str, meant: set[int]) -> None:
    assert found(db, app, typed) == {BODIES[n] for n in meant} if typed else True


@pytest.mark.parametrize("odd", ["'", "''", "a'b", "\\", "%", "l'été & | ! ( ) : *", "x" * 2000, "‘’ œuvre", "()"])
def test_no_words_can_upset_a_search(db: Session, app: int, odd: str) -> None:
    assert len(verbatims.page(db, Filters(app, text=odd))[0]) <= 5
    assert verbatims.count(db, Filters(app, text=odd)).n <= 5
    assert looking.forgiven(db, odd) in {True, False}


def test_the_words_of_customers_are_learnt_once_and_without_accents(db: Session, app: int) -> None:
    known = set(db.scalars(select(SearchWord.word)))
    assert {"virement", "viremant", "connexion", "refusee", "preferee"} <= known
    assert not {word for word in known if len(word) < 5}
    row = PreparedVerbatim(external_id="new", written_at=AT, day=AT.date(), body="Géolocalisation virement")
    store_verbatims(db, Origin(app, 1, "k", "app_store"), [row], AT)
    assert db.scalar(select(func.count()).where(SearchWord.word == "geolocalisation")) == 1


def test_a_page_says_that_it_forgave_and_offers_the_exact_words(web: TestClient, portfolio: Portfolio) -> None:
    html = web.get(f"/apps/{portfolio.apps[0].id}/reviews?q=conecter").text
    assert "forgiven" not in html  # the seed writes past the intake: no vocabulary, nothing forgiven


@pytest.mark.parametrize("narrow", [{"language": "en"}, {"urgent": False, "topic": "sign_in"}, {"device": "Pixel 9"}])
@pytest.mark.parametrize("look", [1, 7, 40])
def test_bounded_looks_miss_and_repeat_nothing(
    db: Session, portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch, narrow: dict[str, object], look: int
) -> None:
    filters = Filters(portfolio.apps[0].id, **narrow)  # type: ignore[arg-type]
    whole = [line.verbatim.id for line in verbatims.stream(db, filters)]
    assert whole
    monkeypatch.setattr(looking, "LOOK", look)
    got: list[int] = []
    after, pages = None, 0
    while True:
        lines, after = verbatims.page(db, filters, after=after, limit=5)
        got += [line.verbatim.id for line in lines]
        pages += 1
        if after is None:
            break
    assert got == whole
    assert pages >= len(whole) // 5
    told = verbatims.count(db, filters)
    assert told.n <= len(whole)
    assert told.capped


def test_a_page_that_stops_early_says_so_and_goes_on(
    web: TestClient, db: Session, portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOOK", 40)
    monkeypatch.setattr("app.pages.reviews.LOOK", 40)
    said = "This page ends after 40 reviews were looked at; “More” goes on further."
    url: str | None = f"/apps/{portfolio.apps[0].id}/reviews?language=en&topic=sign_in"
    rows, short = 0, 0
    while url:
        page = web.get(url).text
        here = page.count("<article")
        following = re.search(r'rel="next" href="([^"]+)"', page) or re.search(r'href="([^"]+)" rel="next"', page)
        url = unescape(following[1]) if following else None
        assert (said in page) == (url is not None and 0 < here < 30)
        rows, short = rows + here, short + (said in page)
    filters = Filters(portfolio.apps[0].id, language="en", topic="sign_in")
    assert rows == len(list(verbatims.stream(db, filters)))
    assert short


@pytest.mark.parametrize(
    "narrow",
    [
        {"language": "en"},
        {"urgent": True},
        {"urgent": False, "topic": "sign_in"},
        {"topic": "sign_in", "topic_negative": True, "stars": (1, 2)},
        {"device": "no such device"},
        {"stars": (1,)},
        {"text": "connecter"},
    ],
)
@pytest.mark.parametrize(("look", "cap"), [(1, 1), (7, 3), (40, 12), (10**6, 1000), (10**6, 12)])
def test_a_page_and_its_count_in_one_look_are_those_of_two(
    db: Session, portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch, narrow: dict[str, object], look: int, cap: int
) -> None:
    monkeypatch.setattr(looking, "LOOK", look)
    monkeypatch.setattr(looking, "CAP", cap)
    filters = Filters(portfolio.apps[0].id, **narrow)  # type: ignore[arg-type]
    for limit in (1, 5, 500):
        if limit > cap:
            continue
        lines, following = verbatims.page(db, filters, limit=limit)
        both, going_on, count = verbatims.page_and_count(db, filters, limit=limit)
        assert [line.verbatim.id for line in both] == [line.verbatim.id for line in lines]
        assert (going_on, count) == (following, verbatims.count(db, filters))
        if following:
            rest, told = verbatims.page(db, filters, after=following), verbatims.count(db, filters)
            assert verbatims.page_and_count(db, filters, after=following) == (*rest, told)
    assert db.scalar(text("SHOW max_parallel_workers_per_gather")) != "0"


@pytest.mark.parametrize("words", ["connecter", "banque OR agence", '"instant transfers"', "loyer", "introuvable"])
@pytest.mark.parametrize("look", [1, 25, 10**6])
def test_a_search_gone_through_to_its_end_finds_all(
    db: Session, portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch, words: str, look: int
) -> None:
    filters = Filters(portfolio.apps[0].id, text=words)
    whole = [line.verbatim.id for line in verbatims.page(db, filters, limit=5000)[0]]
    count = verbatims.count(db, filters)
    assert count.n == len(whole)
    monkeypatch.setattr(looking, "LOOK_FOR_WORDS", look)
    got: list[int] = []
    after = None
    while True:
        lines, after = verbatims.page(db, filters, after=after, limit=4)
        got += [line.verbatim.id for line in lines]
        if after is None:
            break
    assert got == whole
    told = verbatims.count(db, filters)
    assert told == count or (told.capped and told.n <= count.n)
    assert db.scalar(text("SHOW enable_seqscan")) == "on"


@pytest.mark.parametrize(
    "query",
    [
        "topic=sign_in",
        "topic=sign_in&topic_negative=true&channel=google_play",
        "label=negative",
        "label=positive&version=7.2",
        "topic=crash&version=7.3&from=2026-11-01",
        "replied=true",
        "replied=false&stars=1",
        "device=Pixel+9",
        "storefront=fr",
    ],
)
def test_counts_are_those_of_the_list(web: TestClient, portfolio: Portfolio, query: str) -> None:
    path = f"/api/v1/apps/{portfolio.apps[0].id}/reviews?limit=200&{query}"
    told, got, after = web.get(path).json(), 0, ""
    while True:
        page = web.get(path + (f"&after={after}" if after else "")).json()
        got += len(page["items"])
        after = page["next"]
        if not after:
            break
    assert told["count"] == got


def test_views_are_saved_shown_and_deleted(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    app = portfolio.apps[0].id
    kept = {"name": "  Les  urgents ", "query": "urgent=true&stars=1"}
    answer = web.post(f"/apps/{app}/views", data=kept, headers={"Origin": "http://127.0.0.1:8765"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/apps/{app}/reviews?urgent=true&stars=1")
    html = web.get(f"/apps/{app}/reviews?stars=1&urgent=true").text
    assert re.search(rf'href="/apps/{app}/reviews\?urgent=true&amp;stars=1">Les urgents<', html)
    (view,) = web.get(f"/api/v1/apps/{app}/views").json()["items"]
    assert (view["name"], view["query"], view["saved_by"]) == ("Les urgents", "urgent=true&stars=1", "local")
    same = web.post(f"/api/v1/apps/{app}/views", json={"name": "Les urgents", "query": "stars=2"}).json()
    assert (same["id"], same["query"]) == (view["id"], "stars=2")
    assert (
        web.post(f"/apps/{app}/views", data={"name": "x", "query": "//evil.example"})
        .headers["location"]
        .startswith("/")
    )
    assert web.delete(f"/api/v1/apps/{portfolio.apps[1].id}/views/{view['id']}").status_code == 404
    assert web.delete(f"/api/v1/apps/{app}/views/{view['id']}").status_code == 204
    assert [one["name"] for one in web.get(f"/api/v1/apps/{app}/views").json()["items"]] == ["x"]

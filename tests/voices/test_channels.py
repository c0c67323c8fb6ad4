"""The channels side by side: people and not messages, NPS by hand, disagreements beyond noise, times, hours."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app import clock
from app.main import create_app
from app.reading import voices
from app.reading.trends import Period
from app.seal import Seal
from app.settings import Settings
from collectors.base import Page
from models.apps import App
from models.intake import Stored
from models.records import AnswerRecord, PersonKey, TicketRecord, VerbatimRecord
from models.rollups import DailyStars, DailyTopics, WeeklyTopics
from models.sources import Source
from tests.app.voices_seed import add_voices
from tests.voices.conftest import NOW

Give = Callable[..., Stored]
DAY = NOW.date()
PERIOD = Period(DAY - timedelta(days=89), DAY)
MAIL: PersonKey = ("email", "camille@example.com")


@pytest.fixture(autouse=True)
def still() -> Iterator[None]:
    clock.replace(lambda: NOW)
    yield
    clock.replace(None)


@pytest.fixture
def web(bind: Connection, settings: Settings) -> Iterator[TestClient]:
    app = create_app(bind, settings, Seal(b"tests"))
    with TestClient(app, base_url="http://127.0.0.1:8765", follow_redirects=False) as client:
        yield client


def said(name: str, body: str = "le virement échoue", **changes: object) -> VerbatimRecord:
    return VerbatimRecord(name, NOW - timedelta(hours=2), body, **changes)  # type: ignore[arg-type]


def test_people_are_counted_once_and_the_rest_is_unknown(db: Session, bank: App, give: Give) -> None:
    give("survey", Page((said("a", keys=(MAIL,)), said("b"), said("c"))))
    give("zendesk", Page((said("t:1", keys=(MAIL,), author="u1"), said("t:2", keys=(MAIL,), author="u1"))))
    give("app_store", Page((said("r1", author="x"), said("r2", author="x"), said("r3", author="y"))))
    by_channel, everybody = voices.people(db, bank.id, PERIOD, "Europe/Paris")
    assert by_channel == {
        "survey": voices.People(1, 3, 2),
        "zendesk": voices.People(1, 2, 0),
        "app_store": voices.People(2, 3, 0),
    }
    assert everybody == voices.People(people=3, messages=8, unknown=2)  # the one of two channels once


def answer(number: int, score: float, **changes: object) -> AnswerRecord:
    told: dict[str, object] = {"survey": "S", "question": "Q", "type": "nps", "low": 0, "high": 10}
    told |= {"answered_at": NOW, "respondent": str(number)} | changes
    return AnswerRecord(score=score, **told)  # type: ignore[arg-type]


def test_nps_by_hand_and_by_part(db: Session, bank: App, give: Give) -> None:
    first = [answer(n, score, wave="w1", segment="pro") for n, score in enumerate([10, 9, 9, 8, 7, 6, 0, 10])]
    second = [answer(n, score, wave="w2", segment="part") for n, score in enumerate([3, 10])]
    scale = [answer(n, score, type="csat", low=1, high=5) for n, score in enumerate([5, 4, 3, 1])]
    give("survey", Page(answers=(*first, *second, *(answer(20 + n, 0, question="C") for n in range(0)), *scale)))
    whole = voices.nps_rows(db, bank.id, PERIOD)[0].nps
    # 10 9 9 10 10 | 8 7 | 6 0 3: five, two, three of ten
    assert (whole.promoters, whole.passives, whole.detractors, whole.score) == (5, 2, 3, pytest.approx(20))
    waves = {row.part: (row.nps.n, round(row.nps.score, 1)) for row in voices.nps_rows(db, bank.id, PERIOD, "wave")}
    assert waves == {"w1": (8, 25.0), "w2": (2, 0.0)}
    assert {row.part for row in voices.nps_rows(db, bank.id, PERIOD, "segment")} == {"pro", "part"}
    scales = voices.satisfaction(db, bank.id, PERIOD)
    assert [(row.type, row.share.count, row.share.n) for row in scales] == [("csat", 2, 4)]


def counts(db: Session, app: App, channel: str, n: int, **negative: int) -> None:
    common = {"app_id": app.id, "day": DAY, "channel": channel, "version": ""}
    stars = dict.fromkeys(("s1", "s2", "s3", "s4", "s5", "negative", "positive"), 0)
    db.add(DailyStars(storefront="", n=n, **stars, **common))
    for topic, bad in negative.items():
        db.add(DailyTopics(topic=topic, n=bad, negative=bad, **common))
        monday = DAY - timedelta(days=DAY.weekday())
        db.add(WeeklyTopics(app_id=app.id, week=monday, channel=channel, version="", topic=topic, n=bad, negative=bad))
    db.flush()


def test_only_what_differs_beyond_noise_is_a_disagreement(db: Session, bank: App) -> None:
    counts(db, bank, "survey", 200, price=40, sign_in=10, speed=9)
    counts(db, bank, "app_store", 500, price=20, sign_in=90, speed=21)
    counts(db, bank, "google_play", 500, price=20, sign_in=90, speed=25)
    counts(db, bank, "zendesk", 900, price=900)  # a help desk is no store
    found, survey, stores = voices.disagreements(db, bank.id, PERIOD)
    assert (survey, stores) == (200, 1000)
    assert [row.topic for row in found] == ["price", "sign_in"]  # speed: 4.5 % against 4.6 %
    price = found[0]
    assert (price.survey.share, price.stores.share) == (0.2, 0.04)
    assert price.difference.low > 0.05


def test_too_few_texts_are_not_compared(db: Session, bank: App) -> None:
    counts(db, bank, "survey", 29, price=29)
    counts(db, bank, "app_store", 1000, price=1)
    assert voices.disagreements(db, bank.id, PERIOD) == ([], 29, 1000)


def test_noise_alone_rarely_disagrees(db: Session) -> None:
    import random

    false = 0
    for seed in range(40):
        chance = random.Random(seed)
        app = App(name=f"Même {seed}")
        db.add(app)
        db.flush()
        topics = [f"t{n}" for n in range(20)]
        for channel, n in (("survey", 150), ("app_store", 900)):
            told = {topic: sum(chance.random() < 0.06 for _ in range(n)) for topic in topics}
            counts(db, app, channel, n, **told)
        false += bool(voices.disagreements(db, app.id, PERIOD)[0])
    assert false <= 5  # 5 % of 40 looks is 2


def test_times_of_tickets_by_hand(db: Session, bank: App, give: Give) -> None:
    begin = NOW - timedelta(days=3)

    def one(name: str, answered: float | None, solved: float | None, **changes: object) -> TicketRecord:
        at = {"first_answer_at": answered, "resolved_at": solved}
        moments = {key: begin + timedelta(hours=hours) if hours is not None else None for key, hours in at.items()}
        return TicketRecord(name, NOW, begin, status="solved" if solved else "open", **moments, **changes)  # type: ignore[arg-type]

    rows = (one("1", 1, 10, satisfied=True), one("2", 3, 20, satisfied=False), one("3", 5, None), one("4", None, None))
    give("zendesk", Page(tickets=(*rows, one("5", 100, 100, deleted=True))))
    found = voices.ticket_times(db, bank.id, PERIOD)
    assert len(found) == 1
    times = found[0]
    assert (times.n, times.deleted, times.open, times.unanswered) == (4, 1, 2, 1)
    assert (times.answer_median, times.resolve_median) == (3, 15)
    assert times.answer_slow == pytest.approx(4.6)
    assert times.satisfied is not None
    assert (times.satisfied.count, times.satisfied.n) == (1, 2)


def test_the_week_is_in_the_app_s_own_time(db: Session, bank: App, give: Give) -> None:
    sunday = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)  # Monday, 0:30 in Paris
    give("survey", Page((VerbatimRecord("a", sunday, "bonjour"),)))
    table = voices.week(db, bank.id, PERIOD)
    assert (table[0][0], sum(map(sum, table))) == (1, 1)
    assert voices.busiest(table) == (0, 0)
    assert voices.busiest([[0] * 8] * 7) is None
    assert sum(map(sum, voices.week(db, bank.id, PERIOD, "zendesk"))) == 0


def test_the_page_and_its_twin_say_the_same(db: Session, bank: App, web: TestClient) -> None:
    add_voices(db, bank, DAY)
    db.flush()
    told = web.get(f"/api/v1/apps/{bank.id}/channels").json()
    assert [row["channel"] for row in told["items"]] == ["survey", "zendesk"]
    # 57 at the desk (three deleted), 40 known in the survey of whom 20 are at the desk too, 20 unknown
    assert told["people"] == {"people": 77, "messages": 117, "unknown": 20, "estimated": False}
    score = web.get(f"/api/v1/apps/{bank.id}/nps?by=segment").json()
    assert sum(row["promoters"] + row["passives"] + row["detractors"] for row in score["items"]) == 120
    times = web.get(f"/api/v1/apps/{bank.id}/ticket-times").json()["items"][0]
    assert (times["n"], times["deleted"]) == (57, 3)
    assert sum(map(sum, web.get(f"/api/v1/apps/{bank.id}/hours").json()["rows"])) == 117
    assert web.get(f"/api/v1/apps/{bank.id}/disagreements").json()["items"] == []
    for language, words in (("fr", ("Enquête", "77 personnes, 117 messages", "NPS")), ("en", ("Survey", "77 people"))):
        page = web.get(f"/apps/{bank.id}/channels", headers={"Accept-Language": language})
        assert page.status_code == 200
        for word in words:
            assert word in page.text.replace("\u202f", " ")


def test_a_silent_app_is_told_what_to_do(bank: App, web: TestClient) -> None:
    page = web.get(f"/apps/{bank.id}/channels", headers={"Accept-Language": "en"})
    assert "Nobody wrote in these days" in page.text
    assert web.get(f"/api/v1/apps/{bank.id}/nps").json() == {"items": [], "satisfaction": []}


@pytest.mark.parametrize("asked", ["from=2026-11-20&to=2026-11-01", "from=2001-01-01&to=2026-11-01", "by=weather"])
def test_impossible_questions_are_told(bank: App, web: TestClient, asked: str) -> None:
    assert web.get(f"/api/v1/apps/{bank.id}/nps?{asked}").status_code == 422


def test_days_are_those_of_the_app(db: Session, bank: App, give: Give) -> None:
    give("survey", Page((VerbatimRecord("a", datetime(2026, 11, 15, 23, 30, tzinfo=UTC), "bonjour"),)))
    monday = date(2026, 11, 16)
    assert voices.people(db, bank.id, Period(monday, monday), "Europe/Paris")[1].messages == 1
    assert voices.people(db, bank.id, Period(monday, monday), "UTC")[1].people == 0


def test_very_many_people_are_estimated_and_few_in_a_small_channel_counted(
    db: Session, bank: App, give: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = [said(f"r{n}", author=f"a{n % 1500}") for n in range(2000)]
    give("app_store", Page(tuple(written)))
    give("zendesk", Page((said("t:1", author="u1"), said("t:2", author="u1"), said("t:3"))))
    exact, everybody = voices.people(db, bank.id, PERIOD, "Europe/Paris")
    assert (exact["app_store"].people, everybody.people, everybody.estimated) == (1500, 1501, False)
    monkeypatch.setattr(voices, "COUNTED", 100)
    found, about = voices.people(db, bank.id, PERIOD, "Europe/Paris")
    assert found["zendesk"] == voices.People(1, 3, 1)
    assert (found["app_store"].messages, found["app_store"].estimated, about.unknown) == (2000, True, 1)
    assert 700 < found["app_store"].people < 2600  # one in 64 of 1,500: 23 people, give or take 5
    assert found["app_store"].people <= about.people


def test_questions_declared_anew_are_read_from_the_start(db: Session, bank: App, web: TestClient) -> None:
    told = {"survey_id": "F", "questions": "a=nps", "cursor": "2026-11-01T00:00:00+00:00"}
    survey = Source(app_id=bank.id, kind="typeform", channel="survey", name="F", config=told, rhythm_minutes=60)
    desk = Source(app_id=bank.id, kind="zendesk", channel="zendesk", name="Z", config={}, rhythm_minutes=60)
    db.add_all([survey, desk])
    db.flush()
    answer = web.patch(f"/api/v1/sources/{survey.id}", json={"questions": "a=nps; b=text"})
    assert answer.json()["config"] == {"survey_id": "F", "questions": "a=nps; b=text"}
    assert web.patch(f"/api/v1/sources/{desk.id}", json={"questions": "a=nps"}).status_code == 422

"""The letter: the first sentence answers, numbers are those of the pages, and it is written once a day."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from app.digests import due_at, write_letters
from app.letter import letter, period_of
from app.reading.trends import Slice, total
from models.apps import App
from models.feedback import Verbatim
from models.incidents import Delivery, Destination, Incident
from models.insight import Irritant
from models.rollups import DailyStars, DailyTopics
from models.sources import Coverage
from tests.app.conftest import NOW, TODAY
from tests.app.seed import Portfolio

API, BASE = "/api/v1", "https://cocoon.example"
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def app(portfolio: Portfolio, db: Session) -> App:
    incident = db.scalars(select(Incident).where(Incident.state == "open").limit(1)).one()
    return db.get_one(App, incident.app_id)


def write(db: Session, *apps: App, every: Any = "daily", language: str = "fr") -> Any:
    return letter(db, apps, every, TODAY, language=language, zone="Europe/Paris", base_url=BASE)


def told(message: Any) -> dict[str, list[str]]:
    return {section.title: [one.text for one in section.lines] for section in message.sections}


@pytest.mark.parametrize("every", ["daily", "weekly"])
def test_its_numbers_are_those_of_the_verbatims_behind_its_links(
    web: TestClient, db: Session, app: App, every: Any
) -> None:
    message = write(db, app, every=every)
    period = period_of(every, TODAY)
    _, stars = total(db, Slice(app.id), period)
    rating = next(section for section in message.sections if section.title == "Note")
    assert f"sur {sum(stars)} avis" in rating.lines[0].text
    for section in message.sections:
        for one in section.lines:
            assert one.link.startswith(BASE)
            assert web.get(one.link.removeprefix(BASE)).status_code == 200
    link = rating.lines[0].link.removeprefix(BASE).replace("/apps", f"{API}/apps", 1)
    assert web.get(link).json()["count"] == sum(stars)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_complaints_are_told_by_the_irritants_that_people_know(
    web: TestClient, db: Session, app: App, language: str
) -> None:
    message = write(db, app, every="weekly", language=language)
    title = "Ce dont on se plaint le plus" if language == "fr" else "What people complain about most"
    lines = next(section.lines for section in message.sections if section.title == title)
    named = [
        one for one in lines if one.text.startswith("Connexion impossible" if language == "fr" else "Cannot sign in")
    ]
    assert len(named) == 1
    assert named[0].text.endswith(" · naissant" if language == "fr" else " · emerging")
    earlier = 0
    for one in lines:
        said = re.search(r"(\d+) (?:plainte|complaint)", one.text)
        assert said is not None
        listed = web.get(one.link.removeprefix(BASE).replace("/apps", f"{API}/apps", 1)).json()
        assert int(said[1]) == listed["count"] > 0
        shifted = re.sub(
            r"(from|to)=([\d-]+)",
            lambda found: f"{found[1]}={date.fromisoformat(found[2]) - timedelta(days=7)}",
            one.link.removeprefix(BASE).replace("/apps", f"{API}/apps", 1),
        )
        before = re.search(r"\((\d+) (?:sur la même durée avant|in the same time before)\)", one.text)
        assert before is not None
        assert int(before[1]) == web.get(shifted).json()["count"]
        earlier += int(before[1])
    assert earlier > 0
    db.execute(delete(Irritant))  # an app whose irritants are not known yet
    topics = told(write(db, app, every="weekly", language=language))[title]
    assert topics
    assert not any("·" in one for one in topics)


def test_the_worst_news_is_the_first_sentence(db: Session, app: App) -> None:
    incident = db.scalars(select(Incident).where(Incident.app_id == app.id, Incident.state == "open")).first()
    assert incident is not None
    incident.opened_day = TODAY - timedelta(days=1)
    db.flush()
    message = write(db, app)
    assert message.lead.startswith("Nouveau\u00a0: ")
    assert "1 incident ouvert" in message.title
    assert any(str(incident.id) in one.link for section in message.sections for one in section.lines)
    assert write(db, app, language="en").lead.startswith("New: ")


def test_what_began_and_ended_before_the_day_is_not_told(db: Session, app: App) -> None:
    incident = db.scalars(select(Incident).where(Incident.app_id == app.id, Incident.state == "open")).first()
    assert incident is not None
    incident.opened_day = TODAY - timedelta(days=20)

    def tells_it() -> bool:
        return any(str(incident.id) in one.link for section in write(db, app).sections for one in section.lines)

    db.flush()
    assert tells_it()  # still open
    incident.state, incident.resolved_at = "resolved", NOW - timedelta(days=9)
    db.flush()
    assert not tells_it()


def test_a_calm_day_is_one_honest_sentence(db: Session, app: App) -> None:
    db.execute(delete(Incident))
    db.execute(update(Coverage).values(state="complete"))
    message = write(db, app)
    assert message.lead.startswith("Rien à signaler\u00a0: ")
    assert " ± " in message.lead
    assert not {"Incidents ouverts", "Ce qu’on ne sait pas"} & set(told(message))


def test_no_review_is_not_calm_when_something_was_not_read(db: Session, app: App) -> None:
    db.execute(delete(Incident))
    yesterday = TODAY - timedelta(days=1)
    for table in (DailyStars, DailyTopics, Verbatim):
        db.execute(delete(table).where(table.day == yesterday))  # type: ignore[attr-defined]
    db.execute(update(Coverage).values(state="complete"))
    vouching = db.scalars(select(Coverage).where(Coverage.app_id == app.id, Coverage.day == yesterday)).all()
    assert vouching
    assert write(db, app).lead == "Aucun avis n’est arrivé\u202f; les sources ont été lues jusqu’au bout."
    changed = db.execute(
        update(Coverage).where(Coverage.app_id == app.id, Coverage.day == yesterday).values(state="unknown")
    )
    assert changed.rowcount  # type: ignore[attr-defined]
    message = write(db, app)
    assert "ce n’est pas du calme" in message.lead
    assert any("données incomplètes, 21 nov." in one for one in told(message)["Ce qu’on ne sait pas"])


def test_several_apps_each_have_their_sentence(db: Session, portfolio: Portfolio) -> None:
    message = write(db, *portfolio.apps)
    assert f"Vos {len(portfolio.apps)} applications" in message.title
    for app in portfolio.apps:
        assert app.name in told(message)
    assert write(db).title == "Il n’y a pas encore d’application à raconter"


@pytest.mark.parametrize(
    ("now", "every", "expected"),
    [
        ("2026-11-22 07:59", "daily", None),  # yesterday's is no news any more
        ("2026-11-22 08:00", "daily", "2026-11-22 08:00"),
        ("2026-11-22 19:30", "daily", "2026-11-22 08:00"),
        ("2026-11-22 20:30", "daily", None),
        ("2026-11-23 08:00", "weekly", "2026-11-23 08:00"),  # a Monday
        ("2026-11-24 23:00", "weekly", "2026-11-23 08:00"),
        ("2026-11-26 09:00", "weekly", None),
        ("2026-10-25 08:00", "daily", "2026-10-25 08:00"),  # the clock went back in the night
    ],
)
def test_when_a_letter_is_due_in_its_own_zone(now: str, every: Any, expected: str | None) -> None:
    local = datetime.strptime(now, "%Y-%m-%d %H:%M").replace(tzinfo=PARIS)
    due = due_at({"digest": [every], "zone": "Europe/Paris"}, every, local.astimezone(UTC))
    assert (due.strftime("%Y-%m-%d %H:%M") if due else None) == expected


def letters(db: Session) -> list[Delivery]:
    return list(db.scalars(select(Delivery).where(Delivery.kind.like("digest.%")).order_by(Delivery.created_at)))


def test_a_letter_is_written_once_and_missed_days_not_at_all(db: Session, portfolio: Portfolio) -> None:
    made = Destination(kind="inbox", name="lettres", config={"digest": ["daily", "weekly"], "digest_at": "08:00"})
    db.add(made)
    db.flush()
    assert write_letters(db, NOW, base_url=BASE) == 1
    assert write_letters(db, NOW + timedelta(minutes=1), base_url=BASE) == 0
    assert write_letters(db, NOW + timedelta(days=5), base_url=BASE) == 1  # a Friday: one, not five
    assert write_letters(db, NOW + timedelta(days=8), base_url=BASE) == 2  # a Monday: the day's and the week's
    assert [one.kind for one in letters(db)].count("digest.weekly") == 1
    made.enabled = False
    db.flush()
    assert write_letters(db, NOW + timedelta(days=9), base_url=BASE) == 0


def test_letters_are_asked_for_by_api_and_page(web: TestClient, db: Session) -> None:
    made = web.post(
        f"{API}/destinations", json={"kind": "inbox", "name": "l", "digest": ["daily"], "digest_at": "07:30"}
    )
    assert made.status_code == 201, made.text
    assert made.json()["config"] == {
        "levels": ["alert"], "digest": ["daily"], "digest_at": "07:30", "zone": "Europe/Paris",
    }  # fmt: skip
    number = made.json()["id"]
    wrong = web.patch(f"{API}/destinations/{number}", json={"digest_at": "25:00"})
    assert (wrong.status_code, wrong.json()["errors"][0]["where"]) == (422, "body.digest_at")
    off = web.patch(f"{API}/destinations/{number}", json={"digest": []})
    assert "digest" not in off.json()["config"]


def test_a_letter_is_one_row_for_two_leaders_at_once(db: Session, portfolio: Portfolio) -> None:
    db.add(Destination(kind="inbox", name="lettres", config={"digest": ["daily"]}))
    db.flush()
    write_letters(db, NOW, base_url=BASE)
    (row,) = letters(db)
    doubled = db.execute(
        text(
            "INSERT INTO deliveries (app_id, id, event_id, destination_id, kind, message) "
            "SELECT app_id, gen_random_uuid(), event_id, destination_id, kind, message FROM deliveries WHERE id = :id "
            "ON CONFLICT DO NOTHING"
        ),
        {"id": row.id},
    )
    assert doubled.rowcount == 0  # type: ignore[attr-defined]


def test_where_no_source_vouches_for_it_nothing_is_not_calm(db: Session, app: App) -> None:
    db.execute(delete(Incident))
    yesterday = TODAY - timedelta(days=1)
    for table in (DailyStars, DailyTopics, Verbatim, Coverage):
        db.execute(delete(table).where(table.day == yesterday))  # type: ignore[attr-defined]
    assert "ce n’est pas du calme" in write(db, app).lead

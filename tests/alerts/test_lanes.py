"""Urgent verbatims, keywords and overdue answers: told at once, grouped, and over when they are over."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerts.incidents import reconcile
from alerts.life import Change
from alerts.rules import look
from alerts.wording import headline, lead
from models.apps import App
from models.feedback import Verbatim
from models.incidents import Delivery, Incident
from models.rules import RuleChoice
from tests.alerts import bank
from tests.alerts.conftest import fill

Day = Callable[[int], date]


@pytest.fixture
def calm_app(db: Session) -> App:
    app = bank.make_app(db, language="en")
    fill(db, app, days=120, faults=False)
    bank.make_destination(db, name="inbox")
    return app


def say(db: Session, app: App, day: date, words: str, n: int = 1, *, urgent: bool = False, stars: int = 1) -> None:
    bank.store(db, app, [bank.Said(day, stars, f"{words} {k}", version="9.9", urgent=urgent) for k in range(n)])


def judged(db: Session, app: App, day: date) -> list[Change]:
    now = datetime.combine(day + timedelta(days=1), time(6), UTC)
    return reconcile(db, app, look(db, app, day), now=now)


def test_thirty_urgent_reviews_are_one_message(db: Session, calm_app: App, day: Day) -> None:
    say(db, calm_app, day(100), "I was hacked, somebody emptied my account", 30, urgent=True, stars=4)
    changes = judged(db, calm_app, day(100))
    (incident,) = [c.incident for c in changes if c.incident.rule == "urgent"]
    assert incident.severity == "alert"
    assert headline("B", incident, "en") == "B: 30 urgent reviews in 2 days, usually less than one"
    assert lead(incident, "fr").startswith("Depuis ")
    assert all(quote["urgent"] for quote in incident.evidence["quotes"])
    assert len(db.scalars(select(Delivery).where(Delivery.incident_id == incident.id)).all()) == 1
    say(db, calm_app, day(101), "They took my money again", 5, urgent=True)
    assert all(c.kind != "opened" for c in judged(db, calm_app, day(101)) if c.incident.rule == "urgent")


def test_one_urgent_review_is_an_alert_where_they_are_rare_and_a_warning_where_they_are_usual(
    db: Session, calm_app: App, day: Day
) -> None:
    say(db, calm_app, day(100), "Fraud on my card", urgent=True)
    (first,) = [c for c in judged(db, calm_app, day(100)) if c.incident.rule == "urgent"]
    assert first.incident.severity == "alert"
    other = bank.make_app(db, "Other")
    fill(db, other, days=120, faults=False)
    for number in range(40, 100, 2):
        say(db, other, day(number), "Cannot pay my rent", urgent=True)
    (usual,) = [c for c in judged(db, other, day(99)) if c.incident.rule == "urgent"]
    assert usual.incident.severity == "watch"
    db.add(RuleChoice(app_id=other.id, rule="urgent", settings={"minimum": 1}, changed_by="Ana"))
    db.flush()
    assert judged(db, other, day(99))[0].kind == "raised", "a team may want to be told of each"


def test_a_quiet_week_ends_it(db: Session, calm_app: App, day: Day) -> None:
    say(db, calm_app, day(100), "Fraud on my card", urgent=True)
    judged(db, calm_app, day(100))
    ended = [c for number in range(101, 112) for c in judged(db, calm_app, day(number)) if c.kind == "resolved"]
    assert [c.incident.rule for c in ended] == ["urgent"]
    assert ended[0].finding.day == day(108)


def test_a_keyword_is_found_with_its_accents_and_endings_and_is_off_without_words(
    db: Session, calm_app: App, day: Day
) -> None:
    say(db, calm_app, day(100), "Les virements instantanés sont refusés", 2)
    assert not [c for c in judged(db, calm_app, day(100)) if c.incident.rule == "keyword"]
    chosen = RuleChoice(
        app_id=calm_app.id, rule="keyword", settings={"keywords": ["virement instantane", "absent"]}, changed_by="Ana"
    )
    db.add(chosen)
    db.flush()
    (change,) = [c for c in judged(db, calm_app, day(100)) if c.incident.rule == "keyword"]
    assert change.incident.subject == "keyword:virement instantane"
    assert headline("B", change.incident, "en") == "B: “virement instantane” in 2 reviews in 2 days"
    assert "virements" in change.incident.evidence["quotes"][0]["text"]
    chosen.settings = {"keywords": []}
    db.flush()
    assert [c.kind for c in judged(db, calm_app, day(101)) if c.incident.rule == "keyword"] == ["resolved"]


def test_answers_are_overdue_only_where_asked_for_and_where_replies_are_known(
    db: Session, calm_app: App, day: Day
) -> None:
    assert not [c for c in judged(db, calm_app, day(100)) if c.incident.rule == "unanswered"]
    db.add(RuleChoice(app_id=calm_app.id, rule="unanswered", settings={"days": 3}, changed_by="Ana"))
    db.flush()
    assert not [c for c in judged(db, calm_app, day(100)) if c.incident.rule == "unanswered"], "no reply was ever seen"
    mine = Verbatim.app_id == calm_app.id, Verbatim.channel == "google_play", Verbatim.stars <= 2
    db.execute(update(Verbatim).where(*mine).values(reply="Merci", replied_at=datetime.combine(day(98), time(9), UTC)))
    db.execute(update(Verbatim).where(*mine, Verbatim.day == day(90)).values(reply=None, replied_at=None))
    late = len(db.scalars(select(Verbatim.id).where(*mine, Verbatim.day == day(90))).all())
    assert late
    (change,) = [c for c in judged(db, calm_app, day(100)) if c.incident.rule == "unanswered"]
    assert headline("B", change.incident, "en").endswith("without an answer for more than 3 days")
    assert change.finding.effect["n_after"] == late
    db.execute(update(Verbatim).where(*mine).values(reply="Merci", replied_at=datetime.combine(day(101), time(9), UTC)))
    assert [c.kind for c in judged(db, calm_app, day(101)) if c.incident.rule == "unanswered"] == ["resolved"]
    assert db.scalars(select(Incident).where(Incident.rule == "unanswered")).one().state == "resolved"

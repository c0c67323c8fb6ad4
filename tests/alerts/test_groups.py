"""The same trouble in several apps on one day: every message after the first names the others."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.groups import matter, same_elsewhere
from alerts.incidents import reconcile
from alerts.life import Finding
from models.apps import App
from models.incidents import Delivery, Incident
from tests.alerts import bank

NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)
DAY = date(2026, 11, 17)


def irritant(subject: str, day: date = DAY) -> Finding:
    window = {"from": str(day), "to": str(day), "days": 1, "reviews": 90}
    effect = {"before": 0.01, "after": 0.2, "difference": 0.19, "half_width": 0.1, "n_before": 900, "n_after": 90}
    return Finding(
        "new_irritant", subject, "alert", 5.0, day, day, 1, day - timedelta(days=30), day - timedelta(days=1), 9.0,
        effect, {"window": window},
    )  # fmt: skip


def opened(db: Session, app: App, finding: Finding, *, quiet: bool = False) -> Incident:
    (change,) = reconcile(db, app, [finding], now=NOW, quiet=quiet)
    return change.incident


def test_the_second_app_of_the_day_names_the_first(db: Session) -> None:
    first, second, third = (bank.make_app(db, name, "en") for name in ("Bank A", "Bank B", "Bank C"))
    bank.make_destination(db, name="inbox")
    one = opened(db, first, irritant("topic:sign_in"))
    two = opened(db, second, irritant("topic:sign_in"))
    other = opened(db, third, irritant("topic:fees"))
    titles = dict(db.execute(select(Delivery.incident_id, Delivery.message["title"].astext)).all())
    assert "Bank A" in titles[two.id]
    assert "the same day, also in" in titles[two.id]
    assert "also at" not in titles[one.id]
    assert "also at" not in titles[other.id], "another topic is another matter"
    assert [app.name for _, app in same_elsewhere(db, one)] == ["Bank B"]


def test_other_days_history_and_what_is_over_do_not_count(db: Session) -> None:
    first, second, third = (bank.make_app(db, name, "en") for name in ("Bank A", "Bank B", "Bank C"))
    opened(db, first, irritant("topic:sign_in", DAY - timedelta(days=1)))
    opened(db, second, irritant("topic:sign_in"), quiet=True)
    assert same_elsewhere(db, opened(db, third, irritant("topic:sign_in"))) == []


def test_versions_of_two_apps_are_the_same_matter() -> None:
    assert matter("bad_release", "version:app_store:7.2") == matter("bad_release", "version:google_play:3.0")
    assert matter("keyword", "keyword:fraud") != matter("keyword", "keyword:card")

"""An app whose stars are back says so: since which version, for two weeks, unless something else is going on."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app import clock
from app.i18n import Words
from app.pages.headlines import app_headline
from app.reading.apps import today
from app.reading.overview import overview
from models.apps import App
from models.incidents import Incident


def ended(app: App, day: date, **changes: Any) -> Incident:
    told = {"subject": "version:google_play:7.3", "channel": "google_play", "version": "7.3"}
    told |= {"since": str(day - timedelta(days=4)), "day": str(day), "usual": 4.4, "worst": 3.6, "now": 4.2}
    fields = {
        "rule": "rating_drop",
        "subject": "app",
        "state": "resolved",
        "severity": "alert",
        "opened_at": clock.now(),
        "opened_day": day - timedelta(days=9),
        "updated_at": clock.now(),
        "resolved_at": clock.now(),
        "last_above_day": day,
        "score": 0.0,
        "peak_score": 5.0,
        "effect": {"before": 4.4, "after": 3.6},
        "evidence": {"window": {"from": str(day), "to": str(day)}, "recovered": told | {"reviews": 63}},
    }
    return Incident(app_id=app.id, **fields | changes)


@pytest.fixture
def app(db: Session) -> App:
    made = App(name="Banque")
    db.add(made)
    db.flush()
    return made


def headline(db: Session, app: App, language: str) -> str:
    found = overview(db, app, language)
    told = app_headline(Words(language), found.incident, found.stars, 28, found.today, found.back)
    return told.replace("\u00a0", " ")


def test_it_is_told_for_two_weeks(db: Session, app: App) -> None:
    now = today(app)
    assert "7.3" not in headline(db, app, "fr")
    row = ended(app, now - timedelta(days=13))
    db.add(row)
    db.flush()
    assert headline(db, app, "en") == (
        "Since 7.3 the rating is back to normal: 4.2 on 63 reviews (it had fallen to 3.6)."
    )
    assert headline(db, app, "fr").startswith("Depuis la 7.3, la note est revenue à la normale : 4,2 sur 63 avis")
    row.evidence = row.evidence | {"recovered": row.evidence["recovered"] | {"day": str(now - timedelta(days=15))}}
    db.flush()
    assert "7.3" not in headline(db, app, "en")


def test_what_goes_on_comes_first_and_an_end_by_calm_is_not_told(db: Session, app: App) -> None:
    now = today(app)
    db.add(ended(app, now, evidence={"window": {"from": str(now), "to": str(now)}}))
    db.flush()
    assert "7.3" not in headline(db, app, "en")
    db.add(ended(app, now))
    db.add(ended(app, now, subject="channel:app_store", state="open", resolved_at=None, evidence={}))
    db.flush()
    assert "falling" in headline(db, app, "en")


def test_without_a_version_it_is_since_a_day(db: Session, app: App) -> None:
    row = ended(app, today(app))
    row.evidence = row.evidence | {"recovered": row.evidence["recovered"] | {"version": "", "since": "2026-11-17"}}
    told = app_headline(Words("fr"), None, [0, 0, 0, 0, 0], 28, date(2026, 11, 20), row)
    assert told.startswith("La note est revenue à la normale depuis le 17 nov.")

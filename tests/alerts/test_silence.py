"""A source that says nothing is an incident of its own: told once, alone, and over when it speaks again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.incidents import reconcile
from alerts.life import Finding, advance, held
from alerts.messages import opened_message, resolved_message
from alerts.silence import Heard, judge, patience, silences
from models.apps import App
from models.incidents import Delivery, Destination
from models.sources import Run, Source

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)


def one(silent: timedelta, **changes: Any) -> Heard:
    fields = {
        "id": 5,
        "name": "App Store FR",
        "kind": "app_store_feed",
        "channel": "app_store",
        "rhythm": HOUR,
        "since": NOW - silent,
        "spoke": True,
        "brings": True,
        "outcome": "failed",
    }
    return Heard(**fields | changes)  # type: ignore[arg-type]


def levels(source: Heard) -> dict[str, str | None]:
    return {finding.rule: finding.level for finding in judge(source, NOW, PARIS)}


def test_patience_follows_the_rhythm() -> None:
    assert patience(HOUR) == (6 * HOUR, 24 * HOUR)
    assert patience(24 * HOUR) == (72 * HOUR, 144 * HOUR)
    assert levels(one(6 * HOUR)) == {}
    assert levels(one(7 * HOUR)) == {"silent_source": "watch"}
    assert levels(one(25 * HOUR)) == {"silent_source": "alert"}
    # A store's counter makes no hole in the counts: shown, nobody woken.
    assert levels(one(25 * HOUR, brings=False)) == {"silent_source": "watch"}
    assert levels(one(71 * HOUR, rhythm=24 * HOUR)) == {}


def test_two_days_before_plays_window_would_lose_anything_somebody_is_told() -> None:
    play = {"kind": "google_play_api", "name": "Google Play API"}
    assert "loss_ahead" not in levels(one(119 * HOUR, **play))
    assert levels(one(120 * HOUR, **play)) == {"silent_source": "alert", "loss_ahead": "alert"}
    assert "loss_ahead" not in levels(one(200 * HOUR))
    finding = next(f for f in judge(one(120 * HOUR, **play), NOW, PARIS) if f.rule == "loss_ahead")
    assert finding.evidence["source"]["deadline"] == (NOW + timedelta(days=2)).isoformat()


@pytest.fixture
def app(db: Session) -> App:
    app = App(name="Banque")
    db.add_all([app, Destination(kind="inbox", name="inbox", config={})])
    db.flush()
    return app


def source(session: Session, app: App, **changes: Any) -> Source:
    fields = {"kind": "app_store_feed", "channel": "app_store", "name": "App Store FR", "rhythm_minutes": 60}
    made = Source(app_id=app.id, config={}, **fields | changes)
    session.add(made)
    session.flush()
    return made


def ran(session: Session, of: Source, ago: timedelta, outcome: str = "complete", seen: int = 5) -> None:
    at = NOW - ago
    session.add(
        Run(
            app_id=of.app_id,
            source_id=of.id,
            trigger="schedule",
            outcome=outcome,
            started_at=at,
            finished_at=at + timedelta(minutes=1),
            seen=seen,
        )
    )
    session.flush()


def test_its_life_is_told_once_and_ends_when_it_speaks(db: Session, app: App) -> None:
    feed = source(db, app)
    ran(db, feed, 30 * HOUR)
    for ago in (20, 10, 1):
        ran(db, feed, ago * HOUR, "throttled", seen=0)
    (opened,) = reconcile(db, app, silences(db, app, NOW), now=NOW)
    assert (opened.kind, opened.incident.rule, opened.incident.severity) == ("opened", "silent_source", "alert")
    assert reconcile(db, app, silences(db, app, NOW), now=NOW) == []
    ran(db, feed, timedelta(minutes=5))
    (ended,) = reconcile(db, app, silences(db, app, NOW), now=NOW)
    assert (ended.kind, ended.incident.state) == ("resolved", "resolved")
    told = [delivery.message for delivery in db.scalars(select(Delivery).order_by(Delivery.created_at))]
    assert sorted(one["kind"] for one in told) == ["incident.opened", "incident.resolved"]
    first = next(one for one in told if one["kind"] == "incident.opened")
    assert first["title"] == "Banque, App Store FR : plus rien depuis 29 heures"
    assert "demande d’attendre" in first["lead"]


def test_an_answer_that_nothing_confirms_is_silence_and_a_paused_source_is_not(db: Session, app: App) -> None:
    feed, paused, fresh = source(db, app), source(db, app, name="b"), source(db, app, name="c")
    for each in (feed, paused):
        ran(db, each, 30 * HOUR)
        ran(db, each, 1 * HOUR, "empty_unconfirmed", seen=0)
    ran(db, fresh, 2 * HOUR, "partial")
    paused.enabled = False
    db.flush()
    assert [f.subject for f in silences(db, app, NOW)] == [f"source:{feed.id}"]
    reconcile(db, app, silences(db, app, NOW), now=NOW)
    feed.enabled = False
    db.flush()
    (ended,) = reconcile(db, app, silences(db, app, NOW), now=NOW)
    assert ended.kind == "resolved"


def test_it_never_joins_an_incident_about_customers() -> None:
    day = date(2026, 11, 20)
    window = {"from": str(day - timedelta(days=1)), "to": str(day), "days": 2}
    drop = Finding("rating_drop", "app", "alert", 5.0, day, day, 2, day, day, 1.0, {}, {"window": window})
    (silent,) = judge(one(30 * HOUR), NOW, PARIS)
    changes = advance(1, [], [drop, silent], NOW, "live")
    assert [change.kind for change in changes] == ["opened", "opened"]
    alive = [change.incident for change in changes]
    rising = replace(drop, rule="new_irritant", subject="topic:sign_in")
    again = advance(1, alive, [rising], NOW, "live")
    assert [change.incident.rule for change in again] == ["rating_drop"]
    # The rules' own look knows nothing of it: a silence is neither "no data" nor calm.
    assert set(held(alive)) == {("rating_drop", "app"), ("new_irritant", "topic:sign_in")}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("spoke", [True, False])
@pytest.mark.parametrize("outcome", ["failed", "throttled", "empty_unconfirmed", "", "complete"])
def test_every_silence_has_its_sentences(language: str, spoke: bool, outcome: str) -> None:
    identity = {"severity": "alert", "incident_id": str(uuid4()), "link": "http://x/", "data": {}}
    heard = one(121 * HOUR, kind="google_play_api", spoke=spoke, outcome=outcome)
    for finding in judge(heard, NOW, PARIS):
        opened = opened_message("incident.opened", "Banque", finding, language, **identity)
        assert "App Store FR" in opened.title
        assert "{" not in opened.title + opened.lead
        assert opened.chance == ""
        ended = resolved_message(
            "Banque", finding, language, opened=NOW.date(), ended=NOW.date(), calm_days=14, actor=None, **identity
        )
        assert "App Store FR" in ended.title
        assert "{" not in ended.lead

"""From counts to the message: a look, an incident, the outbox, the inbox."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.orm import Session

from alerts.channels.base import Message
from alerts.channels.registry import opener
from alerts.decisions import acknowledge, reopen, resolve, silence
from alerts.dispatch import dispatch_once
from alerts.incidents import reconcile
from alerts.life import Change
from alerts.replay import replay
from alerts.rules import look
from app.db import transaction
from models.apps import App
from models.incidents import Delivery, InboxMessage, Incident, IncidentEvent
from models.rollups import DailyStars
from models.sources import Coverage
from tests.alerts import bank
from tests.alerts.conftest import BROKEN, fill

Day = Callable[[int], date]


def evening(day: date) -> datetime:
    return datetime.combine(day, time(21), UTC)


def live(db: Session, app: App, days: range, day: Day, *, quiet: bool = False) -> list[Change]:
    """Look every evening, as the service does."""
    changes = []
    for number in days:
        found = look(db, app, day(number))
        changes += reconcile(db, app, found, now=evening(day(number)), quiet=quiet, base_url="https://cocoon.example")
    return changes


def deliveries(db: Session) -> list[Delivery]:
    return list(db.scalars(select(Delivery).order_by(Delivery.created_at, Delivery.kind)))


def test_a_broken_release_is_one_incident_told_once_and_its_end_once(
    db: Session, bind: Connection, broken_app: App, day: Day
) -> None:
    bank.make_destination(db, name="inbox")
    changes = live(db, broken_app, range(BROKEN - 8, BROKEN + 40), day)
    incidents = list(db.scalars(select(Incident).where(Incident.opened_day < day(BROKEN + 30))))
    assert len(incidents) == 1
    (incident,) = incidents
    assert day(BROKEN) <= incident.opened_day <= day(BROKEN + 3)
    assert incident.baseline_to == incident.opened_day - timedelta(days=1)
    assert incident.state == "resolved"
    rules = {incident.rule} | {s["rule"] for s in incident.evidence["support"]}
    assert rules == {"rating_drop", "bad_release", "new_irritant", "burst"}
    about = [d for d in deliveries(db) if d.incident_id == incident.id]
    assert [d.kind for d in about] == ["incident.opened", "incident.resolved"]
    assert [c.kind for c in changes if c.incident is incident and c.kind in {"opened", "resolved"}] == [
        "opened",
        "resolved",
    ]
    # 7.2.1 came on the twelfth day, and its stars show the end
    ended = next(c for c in changes if c.kind == "resolved" and c.incident is incident)
    assert incident.evidence["recovered"]["version"] == "7.2.1"
    assert day(BROKEN + 14) <= ended.finding.day <= day(BROKEN + 18)

    sent = dispatch_once(lambda: transaction(bind), opener(lambda s: s, lambda: transaction(bind)), "w")
    assert sent == len(deliveries(db))
    bodies = list(db.scalars(select(InboxMessage.body).where(InboxMessage.delivery_id == about[0].id)))
    assert len(bodies) == 1
    assert "Banque Mésange" in bodies[0]["blocks"][0]["text"]["text"]
    assert f"https://cocoon.example/incidents/{incident.id}" in str(bodies[0])
    assert len(Message.from_json(about[0].message).quotes) == 3
    db.expire_all()
    assert {d.state for d in deliveries(db)} == {"sent"}


def test_the_same_look_twice_changes_nothing(db: Session, broken_app: App, day: Day) -> None:
    bank.make_destination(db)
    live(db, broken_app, range(BROKEN, BROKEN + 6), day)
    before = db.scalar(select(func.count()).select_from(IncidentEvent)), len(deliveries(db))
    for _ in range(3):
        found = look(db, broken_app, day(BROKEN + 5))
        reconcile(db, broken_app, found, now=evening(day(BROKEN + 5)))
    assert (db.scalar(select(func.count()).select_from(IncidentEvent)), len(deliveries(db))) == before


def test_a_first_import_shows_history_and_never_sends(db: Session, broken_app: App, day: Day) -> None:
    bank.make_destination(db, levels=["watch", "alert"])
    live(db, broken_app, range(BROKEN + 4, BROKEN + 5), day, quiet=True)
    (incident,) = db.scalars(select(Incident))
    assert incident.origin == "history"
    live(db, broken_app, range(BROKEN + 5, BROKEN + 40), day)  # what follows that opening is not sent either
    assert incident.state == "resolved"
    assert [d for d in deliveries(db) if d.incident_id == incident.id] == []


def test_what_grows_out_of_history_is_told(db: Session, broken_app: App, day: Day) -> None:
    bank.make_destination(db)
    live(db, broken_app, range(BROKEN + 1, BROKEN + 3), day, quiet=True)
    (incident,) = db.scalars(select(Incident))
    # As a first import would have left it that saw the first signs only.
    incident.severity, incident.origin = "watch", "history"
    incident.score = incident.peak_score = 3.0
    live(db, broken_app, range(BROKEN + 3, BROKEN + 40), day)
    assert incident.origin == "live"
    about = [d.kind for d in deliveries(db) if d.incident_id == incident.id]
    assert about == ["incident.opened", "incident.resolved"]


def test_a_look_at_history_leaves_what_is_to_be_told_to_the_next_live_look(
    db: Session, broken_app: App, day: Day
) -> None:
    """Another source is read for the first time while an incident lives: its end and its rise are still news."""
    bank.make_destination(db)
    strong = next(f for f in look(db, broken_app, day(BROKEN + 6)) if f.rule == "rating_drop")
    support = next(f for f in look(db, broken_app, day(BROKEN + 6)) if f.rule == "bad_release")
    now = evening(strong.day)
    reconcile(db, broken_app, [replace(strong, level="watch", score=3.2)], now=now)
    (incident,) = db.scalars(select(Incident))
    reconcile(db, broken_app, [strong, support], now=now, quiet=True)
    assert (incident.severity, deliveries(db)) == ("watch", [])
    reconcile(db, broken_app, [strong, support], now=now)
    assert incident.severity == "alert"
    assert [d.kind for d in deliveries(db)] == ["incident.opened"]

    over = replace(strong, level=None, over=True, day=day(BROKEN + 30), evidence={})
    blind = replace(over, over=False, unseen="no_data", window_days=40)
    for end in (over, blind):
        reconcile(db, broken_app, [end], now=evening(over.day), quiet=True)
        assert incident.state == "open"
    reconcile(db, broken_app, [over], now=evening(over.day))
    assert incident.state == "resolved"
    assert [d.kind for d in deliveries(db)] == ["incident.opened", "incident.resolved"]


def test_calm_reviews_open_no_alert(db: Session, day: Day) -> None:
    app = bank.make_app(db, "Calme")
    fill(db, app, days=400, faults=False)
    bank.make_destination(db)
    assert [r for r in replay(db, app, day(60), day(399)) if r["severity"] == "alert"] == []


def test_a_hole_is_not_judged_and_does_not_close_an_incident(db: Session, broken_app: App, day: Day) -> None:
    bank.make_destination(db)
    db.execute(
        update(Coverage).where(Coverage.day >= day(BROKEN), Coverage.app_id == broken_app.id).values(state="unknown")
    )
    assert look(db, broken_app, day(BROKEN + 5)) == []
    db.execute(update(Coverage).values(state="complete"))
    live(db, broken_app, range(BROKEN, BROKEN + 6), day)
    (incident,) = db.scalars(select(Incident))
    last = incident.last_above_day
    db.execute(update(Coverage).where(Coverage.day > day(BROKEN + 5)).values(state="partial"))
    live(db, broken_app, range(BROKEN + 6, BROKEN + 50), day)
    assert (incident.state, incident.last_above_day) == ("open", last)


def test_one_stores_outage_leaves_the_other_judged(db: Session, broken_app: App, day: Day) -> None:
    apple = select(Coverage.source_id).join_from(Coverage, bank.Source, bank.Source.id == Coverage.source_id)
    db.execute(
        update(Coverage)
        .where(Coverage.source_id.in_(apple.where(bank.Source.channel == "app_store")), Coverage.day >= day(BROKEN))
        .values(state="unknown", reason="throttled")
    )
    found = look(db, broken_app, day(BROKEN + 6))
    assert {f.subject for f in found if f.rule == "rating_drop"} == {"channel:google_play"}
    drop = next(f for f in found if f.rule == "rating_drop")
    assert drop.evidence["version"]["version"] == "7.2"
    assert [q["stars"] <= 2 for q in drop.evidence["quotes"]] == [True] * 3
    assert len({q["text"] for q in drop.evidence["quotes"]}) == 3


def test_watch_is_shown_but_sent_only_when_raised(db: Session, broken_app: App, day: Day) -> None:
    wants = bank.make_destination(db, name="all", levels=["watch", "alert"])
    alerts_only = bank.make_destination(db, name="alerts")
    strong = next(f for f in look(db, broken_app, day(BROKEN + 6)) if f.rule == "rating_drop")
    weak = replace(strong, level="watch", score=3.2)
    reconcile(db, broken_app, [weak], now=evening(strong.day))
    assert [(d.destination_id, d.kind) for d in deliveries(db)] == [(wants.id, "incident.opened")]
    reconcile(db, broken_app, [strong], now=evening(strong.day))
    assert sorted((d.destination_id, d.kind) for d in deliveries(db)) == sorted(
        [
            (wants.id, "incident.opened"),
            (wants.id, "incident.updated"),
            (alerts_only.id, "incident.opened"),
        ]
    )


def test_people_acknowledge_silence_resolve_and_reopen(db: Session, broken_app: App, day: Day) -> None:
    bank.make_destination(db)
    live(db, broken_app, range(BROKEN, BROKEN + 6), day)
    (incident,) = db.scalars(select(Incident))
    now = evening(day(BROKEN + 6))
    acknowledge(db, broken_app.id, incident.id, actor="Ada", now=now)
    assert (incident.state, incident.acknowledged_by) == ("acknowledged", "Ada")
    resolve(db, broken_app, incident.id, actor="Ada", now=now)
    resolve(db, broken_app, incident.id, actor="Ada", now=now)
    reopen(db, broken_app, incident.id, actor="Lin", now=now)
    kinds = sorted(d.kind for d in deliveries(db))
    assert kinds == ["incident.opened", "incident.opened", "incident.resolved"]
    silence(db, broken_app.id, incident.id, until=now + timedelta(days=3), actor="Lin", now=now)
    resolve(db, broken_app, incident.id, actor="Lin", now=now + timedelta(days=1))
    assert len(deliveries(db)) == 4  # resolving by hand ends the silence: the second opening is told its end once
    story = [e.kind for e in db.scalars(select(IncidentEvent).order_by(IncidentEvent.id)) if e.actor != "cocoon"]
    assert story == ["acknowledged", "resolved", "reopened", "silenced", "resolved"]


def test_a_silenced_incident_sends_nothing(db: Session, broken_app: App, day: Day) -> None:
    bank.make_destination(db)
    live(db, broken_app, range(BROKEN, BROKEN + 6), day)
    (incident,) = db.scalars(select(Incident))
    told = len(deliveries(db))
    now = evening(day(BROKEN + 6))
    silence(db, broken_app.id, incident.id, until=now + timedelta(days=90), actor="Lin", now=now)
    live(db, broken_app, range(BROKEN + 6, BROKEN + 42), day)
    assert incident.state == "resolved"
    assert len(deliveries(db)) == told


def test_a_replay_finds_what_live_looks_found_and_leaves_no_trace(db: Session, broken_app: App, day: Day) -> None:
    bank.make_destination(db)
    played = list(replay(db, broken_app, day(BROKEN - 8), day(BROKEN + 39)))
    assert db.scalar(select(func.count()).select_from(Incident)) == 0
    assert deliveries(db) == []
    live(db, broken_app, range(BROKEN - 8, BROKEN + 40), day)
    kept = list(db.scalars(select(Incident).order_by(Incident.opened_at)))
    assert [(p["rule"], p["subject"], p["opened_day"], p["severity"], p["score"]) for p in played] == [
        (i.rule, i.subject, str(i.opened_day), i.severity, round(i.peak_score, 3)) for i in kept
    ]
    assert played
    assert len(played[0]["evidence"]["quotes"]) == 3
    assert played[0]["effect"] == pytest.approx(kept[0].effect)


def test_a_storefront_is_watched_only_when_busy(db: Session, day: Day) -> None:
    app = bank.make_app(db)
    rows = []
    for number in range(120):
        bad = number >= 110
        rows += [bank.Said(day(number), 1 if bad else 5, "x", storefront="be") for _ in range(2)]
        rows += [bank.Said(day(number), 1 if bad else 5, "x", storefront="fr") for _ in range(8)]
    bank.store(db, app, rows)
    subjects = {f.subject for f in look(db, app, day(113)) if f.rule == "rating_drop"}
    assert subjects == {"app", "storefront:google_play:fr"}


def test_no_reviews_at_all_is_no_finding(db: Session, day: Day) -> None:
    app = bank.make_app(db, "Neuve")
    db.execute(delete(DailyStars))
    assert look(db, app, day(3)) == []
    assert list(replay(db, app, day(0), day(30))) == []

"""Bursts on the app's own hours: how they are read, how a few reviews that name one thing are told, how they end."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.detectors import scan_bursts, scan_topic_bursts
from alerts.hours import read_hours
from alerts.incidents import reconcile
from alerts.life import Change
from alerts.rules import look
from alerts.wording import headline
from models.apps import App
from models.feedback import Verbatim
from models.incidents import Incident
from models.rules import RuleChoice
from tests.alerts import bank
from tests.alerts.conftest import fill

Day = Callable[[int], date]
NIGHT = 100


@pytest.fixture
def app(db: Session) -> App:
    made = bank.make_app(db, language="en")
    fill(db, made, days=120, faults=False)
    return made


def outage(db: Session, app: App, day: date, hour: int, n: int, topics: tuple[str, ...] = ("outage",)) -> None:
    """`n` bad reviews in one local hour."""
    bank.store(
        db, app, [bank.Said(day, 1, f"Service indisponible {k}", version="9.9", topics=topics) for k in range(n)]
    )
    at = datetime.combine(day, time(hour, 30), ZoneInfo("Europe/Paris"))
    for row in db.scalars(select(Verbatim).where(Verbatim.app_id == app.id, Verbatim.version == "9.9")):
        row.written_at = at
    db.flush()


def judged(db: Session, app: App, day: date) -> list[Change]:
    now = datetime.combine(day + timedelta(days=1), time(6), UTC)
    return reconcile(db, app, look(db, app, day), now=now)


def test_the_hours_add_up_to_the_days_and_are_local(db: Session, app: App, day: Day) -> None:
    outage(db, app, day(NIGHT), 0, 9)
    hours = read_hours(db, app, day(NIGHT))
    assert hours.reviews.shape == (31 * 24,)
    by_day = hours.reviews.reshape(-1, 24).sum(axis=1)
    bad_by_day = hours.negatives.reshape(-1, 24).sum(axis=1)
    for back in (0, 3, 20):
        where = Verbatim.app_id == app.id, Verbatim.day == day(NIGHT - back)
        stars = [row.stars or 0 for row in db.scalars(select(Verbatim).where(*where))]
        assert by_day[-1 - back] == pytest.approx(len(stars)), "spread or counted, a day keeps its number"
        assert bad_by_day[-1 - back] == pytest.approx(sum(star <= 2 for star in stars))
    assert hours.negatives[-24] >= 9, "half past midnight in Paris belongs to the new day"
    row = hours.topics.index("outage")
    assert hours.mentions[row, -24] == 9


def test_a_few_reviews_that_name_one_thing_are_an_incident_before_the_counts_are(
    db: Session, app: App, day: Day
) -> None:
    outage(db, app, day(NIGHT), 20, 6)
    changes = judged(db, app, day(NIGHT))
    incidents = list(db.scalars(select(Incident)))
    told = {(i.rule, i.subject) for i in incidents}
    told |= {(one["rule"], one["subject"]) for i in incidents for one in i.evidence.get("support", [])}
    assert ("burst", "topic:outage") in told
    burst = next(c.finding for c in changes if c.finding.key == ("burst", "topic:outage"))
    assert burst.evidence["burst"]["seen"] >= 6
    assert burst.evidence["window"]["hours"] <= 24


def test_a_burst_in_the_evening_is_still_seen_the_morning_after_and_ends_after_two_calm_days(
    db: Session, app: App, day: Day
) -> None:
    for rule in ("rating_drop", "bad_release", "new_irritant"):
        db.add(RuleChoice(app_id=app.id, rule=rule, enabled=False, settings={}, changed_by="Ana"))
    outage(db, app, day(NIGHT), 22, 25, topics=())
    found = [c for c in judged(db, app, day(NIGHT)) if c.finding.rule == "burst" and c.kind in {"opened", "supported"}]
    assert found
    later = [f for f in look(db, app, day(NIGHT + 1)) if f.rule == "burst" and f.level]
    assert later, "late reviews are published after midnight"
    title = headline("B", found[0].incident, "en")
    assert "bad reviews in" in title
    ended = [c for n in range(NIGHT + 1, NIGHT + 6) for c in judged(db, app, day(n)) if c.kind == "resolved"]
    assert [c.finding.day for c in ended] == [day(NIGHT + 4)], (
        "the evening is in the windows of two days, then two are calm"
    )


def test_the_printed_frequency_of_both_scans_is_even_and_a_campaign_is_no_burst() -> None:
    rng = np.random.default_rng(4)
    reviews = rng.poisson(3.0, (1, 60 * 24))
    reviews[:, 45 * 24 : 48 * 24] = rng.poisson(12.0, (1, 72))
    negatives = rng.binomial(reviews, 0.15)
    assert np.nanmax(scan_bursts(negatives, reviews).score[:, 45 * 24 :]) < 4.6
    mentions = rng.binomial(negatives[0], 0.2, (1, 60 * 24))
    assert np.nanmax(scan_topic_bursts(mentions, negatives[0], reviews[0]).score[:, 45 * 24 :]) < 4.8
    with pytest.raises(ValueError, match="same hours"):
        scan_topic_bursts(mentions[:, :9], negatives[0], reviews[0])

"""Crashes in the rules: a spike is an incident, withheld sessions are no calm, and a version few have is ignored."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from alerts.crashes import unjudged
from alerts.incidents import reconcile
from alerts.life import Change
from alerts.rules import look
from alerts.wording import headline, lead
from models.apps import App
from models.incidents import Incident
from models.releases import Release
from models.sources import Source
from models.stability import DailySessions
from models.stability_series import crash_series
from tests.alerts import bank
from tests.alerts.conftest import FIRST, fill

Day = Callable[[int], date]
DAYS, BAD = 120, 100


def crash_source(db: Session, app: App, *, factor: float = 3.0, withheld: bool = False, share: float = 0.3) -> Source:
    """Sessions and crashes of Google Play by day; from day 100 version 8.0, which crashes `factor` times as often."""
    source = bank.make_source(db, app, "google_play", FIRST, FIRST + timedelta(days=DAYS - 1))
    source.name, source.kind = "Crashlytics", "crashlytics"
    rng = np.random.default_rng(3)
    rows = []
    for number in range(DAYS):
        after = number >= BAD
        for version, part, times in (("", 1.0, 1 + share * (factor - 1) if after else 1.0), ("8.0", share, factor)):
            if version and not after:
                continue
            ran = int(20_000 * part)
            crashed = int(rng.poisson(ran * 0.004 * times))
            rows.append(
                {
                    "app_id": app.id, "source_id": source.id, "day": FIRST + timedelta(days=number),
                    "version": version, "channel": "google_play", "sessions": None if withheld else ran,
                    "crashed_sessions": None if withheld else crashed, "withheld": withheld,
                }
            )  # fmt: skip
    db.execute(insert(DailySessions), rows)
    bank.release(db, app, "8.0", FIRST + timedelta(days=BAD), ("google_play",))
    return source


@pytest.fixture
def app(db: Session) -> App:
    made = bank.make_app(db, language="en")
    fill(db, made, days=DAYS, faults=False)
    return made


def judged(db: Session, app: App, day: date) -> list[Change]:
    now = datetime.combine(day + timedelta(days=1), time(6), UTC)
    return reconcile(db, app, look(db, app, day), now=now)


def crashes(db: Session) -> list[Incident]:
    return list(db.scalars(select(Incident).where(Incident.rule == "crash_spike")))


def test_a_version_that_crashes_is_one_incident_with_the_whole_app(db: Session, app: App, day: Day) -> None:
    crash_source(db, app)
    for number in range(BAD - 5, BAD):
        judged(db, app, day(number))
    assert not crashes(db)
    for number in range(BAD, BAD + 3):
        judged(db, app, day(number))
    (incident,) = crashes(db)
    assert incident.severity == "alert"
    told = {incident.subject} | {one["subject"] for one in incident.evidence.get("support", [])}
    assert "version:google_play:8.0" in told
    line = headline("B", incident, "en")
    assert "crash rate 0.4" in line
    assert re.search(
        r"Difference of the crash rate: \+0\.\d\d points ± 0\.\d\d, the 95% interval\.", lead(incident, "en")
    )
    assert re.search(r"Écart du taux de plantage\xa0: \+0,\d\d point ± 0,\d\d", lead(incident, "fr"))
    assert " → " in line


def test_the_calm_end_of_it_is_told_by_the_guard_and_the_scan(db: Session, app: App, day: Day) -> None:
    source = crash_source(db, app)
    for number in range(BAD, BAD + 3):
        judged(db, app, day(number))
    mended = DailySessions.source_id == source.id, DailySessions.day >= day(BAD + 3)
    db.execute(update(DailySessions).where(*mended).values(crashed_sessions=DailySessions.sessions * 4 / 1000))
    for number in range(BAD + 3, DAYS):
        judged(db, app, day(number))
    (incident,) = crashes(db)
    assert incident.score < incident.peak_score


def test_withheld_sessions_are_not_judged_and_that_is_said(db: Session, app: App, day: Day) -> None:
    crash_source(db, app, factor=30.0, withheld=True)
    judged(db, app, day(BAD + 5))
    assert not crashes(db)
    (series,) = crash_series(db, app.id, day(0), day(BAD + 5)).values()
    assert unjudged(series, day(BAD + 5)) == "no_denominator"


def test_a_version_for_few_is_ignored(db: Session, app: App, day: Day) -> None:
    crash_source(db, app, factor=6.0, share=0.01)
    for number in range(BAD, BAD + 6):
        judged(db, app, day(number))
    assert not crashes(db)


def test_a_staged_release_for_hardly_anybody_is_ignored(db: Session, app: App, day: Day) -> None:
    crash_source(db, app, factor=1.5)
    db.execute(update(Release).where(Release.version == "8.0").values(rollout=0.005))
    for number in range(BAD, BAD + 3):
        judged(db, app, day(number))
    assert not [one for one in crashes(db) if one.subject.startswith("version")]


def test_figures_that_stop_are_not_calm(db: Session, app: App, day: Day) -> None:
    source = crash_source(db, app)
    for number in range(BAD, BAD + 3):
        judged(db, app, day(number))
    gone = DailySessions.source_id == source.id, DailySessions.day >= day(BAD + 3)
    db.execute(update(DailySessions).where(*gone).values(sessions=None, crashed_sessions=None, withheld=True))
    changes = [
        c.kind
        for number in range(BAD + 3, DAYS)
        for c in judged(db, app, day(number))
        if c.finding.rule == "crash_spike"
    ]
    assert "unseen" in changes
    assert crashes(db)[0].evidence.get("unseen", {}).get("why") == "no_data"

"""One picture of stability: what is told again replaces, what is withheld is not zero, users are never added up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.reading.stability import stability, top_issues, version_days
from app.reading.trends import Period
from models.apps import App
from models.records import CrashIssueRecord, DailyCrashesRecord, DailySessionsRecord, ReplacedDays
from models.sources import Coverage, Source
from models.stability import CrashIssue, DailyCrashes, DailySessions
from models.stability_intake import store_stability
from models.stability_series import choices, crash_series, issue_series

DAY = date(2026, 11, 16)
NOW = datetime(2026, 11, 18, 8, tzinfo=UTC)
WEEK = Period(DAY - timedelta(days=3), DAY + timedelta(days=3))


@pytest.fixture
def app(db: Session) -> App:
    made = App(name="Banque")
    db.add(made)
    db.flush()
    return made


def add(
    db: Session, app: App, kind: str = "crashlytics_bigquery", channel: str = "google_play", **config: object
) -> Source:
    source = Source(app_id=app.id, kind=kind, channel=channel, name=kind, config=config, rhythm_minutes=60)
    db.add(source)
    db.flush()
    return source


def cover(db: Session, source: Source, *days: date) -> None:
    for day in days:
        db.add(Coverage(app_id=source.app_id, source_id=source.id, day=day, state="complete", checked_at=NOW))
    db.flush()


def test_a_day_told_again_replaces_its_numbers(db: Session, app: App) -> None:
    source = add(db, app)
    rows = [
        DailyCrashesRecord(DAY, 5, users=4),
        DailyCrashesRecord(DAY, 5, version="7.2.0", users=4),
        DailyCrashesRecord(DAY, 3, issue="a"),
        DailyCrashesRecord(DAY - timedelta(days=1), 2),
    ]
    ran = [DailySessionsRecord(DAY, sessions=1000, crashed_sessions=5)]
    for _ in range(2):
        store_stability(db, source, [CrashIssueRecord("a", title="NPE")], rows, ran)
    assert db.scalar(select(func.sum(DailyCrashes.events)).where(DailyCrashes.version == "")) == 10
    # The version was a mistake there: a day told whole forgets it, and the issues and other days stay.
    again = [DailyCrashesRecord(DAY, 4, users=4)]
    store_stability(db, source, (), again, (), [ReplacedDays(DAY, DAY, "crashes")])
    left = db.execute(select(DailyCrashes.day, DailyCrashes.version, DailyCrashes.events).order_by(DailyCrashes.events))
    assert [tuple(row) for row in left] == [(DAY - timedelta(days=1), "", 2), (DAY, "", 3), (DAY, "", 4)]
    store_stability(db, source, replaced=[ReplacedDays(DAY, DAY, "sessions")])
    assert db.scalar(select(func.count()).select_from(DailySessions)) == 0
    store_stability(db, source, replaced=[ReplacedDays(DAY, DAY, "issues", ("anr",))])
    assert db.scalar(select(func.count()).where(DailyCrashes.issue_id != 0)) == 1
    store_stability(db, source, replaced=[ReplacedDays(DAY, DAY, "issues", ("crash", "anr"))])
    assert db.scalar(select(func.count()).where(DailyCrashes.issue_id != 0)) == 0


def test_an_issue_keeps_its_first_and_its_last_version_in_whatever_order_they_are_told(db: Session, app: App) -> None:
    source = add(db, app)
    middle = CrashIssueRecord("a", "crash", "NPE", "Login.kt", "7.1.0", "7.1.0", NOW, NOW, "open")
    newer = replace(
        middle,
        first_version="7.2.0",
        last_version="7.2.0",
        first_seen_at=NOW + timedelta(days=2),
        last_seen_at=NOW + timedelta(days=2),
    )
    older = replace(
        middle,
        first_version="7.0.0",
        last_version="7.0.0",
        first_seen_at=NOW - timedelta(days=2),
        last_seen_at=NOW - timedelta(days=2),
    )
    silent = CrashIssueRecord("a", "crash", state="resolved")
    for told in (middle, newer, older, silent):
        store_stability(db, source, [told])
    issue = db.scalars(select(CrashIssue)).one()
    assert (issue.first_version, issue.last_version, issue.title, issue.state) == ("7.0.0", "7.2.0", "NPE", "resolved")
    assert (issue.first_seen_at, issue.last_seen_at) == (NOW - timedelta(days=2), NOW + timedelta(days=2))


def test_figures_of_an_issue_that_nobody_described_are_kept(db: Session, app: App) -> None:
    source = add(db, app)
    store_stability(
        db, source, crashes=[DailyCrashesRecord(DAY, 7, "anr", issue="x"), DailyCrashesRecord(DAY, 8, "anr", issue="x")]
    )
    issue = db.scalars(select(CrashIssue)).one()
    assert (issue.kind, issue.external_id) == ("anr", "x")
    assert db.scalar(select(DailyCrashes.events)) == 8


def test_a_withheld_rate_is_withheld_and_never_zero(db: Session, app: App) -> None:
    source = add(db, app, "play_vitals")
    store_stability(
        db,
        source,
        sessions=[
            DailySessionsRecord(
                DAY - timedelta(days=1),
                users=1000,
                users_rounded=True,
                crash_free_users=0.99,
                zone="America/Los_Angeles",
            ),
            DailySessionsRecord(DAY, users=50, users_rounded=True, withheld=True, zone="America/Los_Angeles"),
        ],
    )
    series = crash_series(db, app.id, WEEK.first, WEEK.last)["google_play"]
    assert (series.base, series.rounded, series.zone) == ("users", True, "America/Los_Angeles")
    assert series.total.withheld.tolist() == [False, False, False, True, False, False, False]
    assert np.isnan(series.total.crashed[3])
    assert np.isnan(series.total.exposed[3])
    assert series.total.crashed[2] == pytest.approx(10)
    shown = stability(db, app.id, WEEK)["google_play"]
    assert (shown.days[3].withheld, shown.days[3].crash_free_users, shown.days[3].users) == (True, None, 50)
    assert (shown.withheld_days, shown.crash_free) == (1, pytest.approx(0.99))
    # People of several days are not a sum of people.
    assert shown.exposed is None


def test_a_day_without_a_row_is_unknown_and_a_complete_day_without_crashes_is_zero(db: Session, app: App) -> None:
    source = add(db, app)
    store_stability(db, source, crashes=[DailyCrashesRecord(DAY, 3)])
    cover(db, source, DAY, DAY + timedelta(days=1))
    total = crash_series(db, app.id, WEEK.first, WEEK.last)["google_play"].total
    assert total.events[3:5].tolist() == [3.0, 0.0]
    assert np.isnan(total.events[[0, 1, 2, 5, 6]]).all()
    assert np.isnan(total.exposed).all()
    days = stability(db, app.id, WEEK)["google_play"].days
    assert [(day.crashes, day.state) for day in days[3:6]] == [(3, "complete"), (0, "complete"), (None, "unknown")]


def test_sessions_add_up_over_versions_but_users_do_not(db: Session, app: App) -> None:
    source = add(db, app)
    store_stability(
        db,
        source,
        sessions=[
            DailySessionsRecord(DAY, "7.1.0", sessions=800, users=300, crashed_sessions=4),
            DailySessionsRecord(DAY, "7.2.0", sessions=200, users=100, crashed_sessions=6),
            DailySessionsRecord(DAY + timedelta(days=1), "7.1.0", sessions=100, crashed_sessions=1),
            DailySessionsRecord(DAY + timedelta(days=1), "7.2.0", sessions=100, withheld=True),
        ],
    )
    series = crash_series(db, app.id, WEEK.first, WEEK.last)["google_play"]
    assert (series.total.exposed[3], series.total.crashed[3]) == (1000, 10)
    assert series.total.crash_free_sessions[3] == pytest.approx(0.99)
    assert np.isnan(series.total.users[3])
    # One version's crashes are withheld: the sum is unknown, not smaller.
    assert np.isnan(series.total.crashed[4])
    versions = {each.version: each for each in stability(db, app.id, WEEK)["google_play"].versions}
    assert versions["7.2.0"].crash_free == pytest.approx(0.97)
    assert (versions["7.2.0"].exposed, versions["7.2.0"].withheld_days) == (200, 1)
    assert [day.sessions for day in version_days(db, app.id, WEEK, "google_play", "7.2.0")][3] == 200
    assert version_days(db, app.id, WEEK, "app_store", "7.2.0") == []


def test_a_crash_stands_for_its_session_where_only_crashes_are_counted(db: Session, app: App) -> None:
    source = add(db, app)
    store_stability(db, source, (), [DailyCrashesRecord(DAY, 12)], [DailySessionsRecord(DAY, sessions=1000)])
    total = crash_series(db, app.id, WEEK.first, WEEK.last)["google_play"].total
    assert total.crashed[3] == 12
    assert total.crash_free_sessions[3] == pytest.approx(0.988)


def test_one_source_speaks_for_a_channel_and_nothing_counts_twice(db: Session, app: App) -> None:
    vitals, big, ios = add(db, app, "play_vitals"), add(db, app), add(db, app, "sentry", "app_store")
    store_stability(
        db, vitals, (), [DailyCrashesRecord(DAY, 90)], [DailySessionsRecord(DAY, users=700, crash_free_users=0.9)]
    )
    store_stability(
        db, big, (), [DailyCrashesRecord(DAY, 100)], [DailySessionsRecord(DAY, sessions=1000, crashed_sessions=100)]
    )
    store_stability(db, ios, (), [DailyCrashesRecord(DAY, 7)])
    found = choices(db, app.id, WEEK.first, WEEK.last)
    assert {name: (each.source_id, each.reason) for name, each in found.items()} == {
        "app_store": (ios.id, "only"),
        "google_play": (big.id, "sessions"),
    }
    assert found["google_play"].others == ("play_vitals",)
    assert crash_series(db, app.id, WEEK.first, WEEK.last)["google_play"].total.events[3] == 100
    vitals.config = {"preferred": True}
    db.flush()
    assert choices(db, app.id, WEEK.first, WEEK.last)["google_play"].reason == "pinned"
    assert crash_series(db, app.id, WEEK.first, WEEK.last)["google_play"].total.events[3] == 90
    vitals.config, big.enabled = {}, False
    db.flush()
    assert choices(db, app.id, WEEK.first, WEEK.last)["google_play"].source_id == vitals.id


def test_issues_are_ranked_by_events_of_the_source_that_speaks(db: Session, app: App) -> None:
    big, sentry = add(db, app), add(db, app, "sentry")
    store_stability(
        db,
        big,
        [CrashIssueRecord("a", title="NPE"), CrashIssueRecord("b", title="OOM")],
        [
            DailyCrashesRecord(DAY, 5, issue="a", users=4),
            DailyCrashesRecord(DAY, 5, issue="a", version="7.2.0", users=4),
            DailyCrashesRecord(DAY + timedelta(days=1), 2, issue="a", users=6),
            DailyCrashesRecord(DAY, 4, issue="b", version="7.1.0"),
            DailyCrashesRecord(DAY, 6, issue="b", version="7.2.0"),
        ],
        [DailySessionsRecord(DAY, sessions=10)],
    )
    store_stability(db, sentry, [CrashIssueRecord("z")], [DailyCrashesRecord(DAY, 500, issue="z")])
    lines = top_issues(db, app.id, WEEK)
    assert [(each.issue.title, each.events, each.users_on_worst_day) for each in lines] == [
        ("OOM", 10, None),
        ("NPE", 7, 6),
    ]
    assert [(each.issue.title, each.events) for each in top_issues(db, app.id, WEEK, version="7.2.0")] == [
        ("OOM", 6),
        ("NPE", 5),
    ]
    assert top_issues(db, app.id, WEEK, channel="app_store") == []
    cover(db, big, DAY - timedelta(days=1))
    series = {each.issue_id: each.events for each in issue_series(db, app.id, WEEK.first, WEEK.last)}
    assert sorted(float(np.nansum(events)) for events in series.values()) == [7.0, 10.0]
    assert all(events[2] == 0 and np.isnan(events[0]) for events in series.values())


def test_more_crashes_than_sessions_leave_no_less_than_no_session_without_one(db: Session, app: App) -> None:
    """A source that counts sessions but not those that crashed: a crash stands for its session, and for one at most."""
    source = add(db, app)
    cover(db, source, DAY)
    store_stability(db, source, (), [DailyCrashesRecord(DAY, 25)], [DailySessionsRecord(DAY, sessions=10)])
    told = crash_series(db, app.id, DAY, DAY)["google_play"].total
    assert (told.crashed[0], told.crash_free_sessions[0]) == (10.0, 0.0)

"""An incident whose stars are back ends on that evidence, is told once, and is not found again the next day."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.orm import Session

from alerts import recovery, rules
from alerts.decisions import reopen
from alerts.detectors.recovery import Rise, rise
from alerts.incidents import reconcile
from alerts.life import Change
from alerts.rules import look
from alerts.streams import History, Stream
from app.db import transaction
from models.apps import App
from models.feedback import Verbatim
from models.incidents import Delivery, Incident, IncidentEvent
from models.rollups import DailyStars, DailyTopics
from models.sources import Coverage, Source
from tests.alerts import bank
from tests.alerts.conftest import BROKEN, FIRST, fill

MENDED = BROKEN + 12
Day = Callable[[int], date]


def told(db: Session) -> list[dict[str, Any]]:
    """What was told of incidents, openings first: in one transaction no time tells their order."""
    rows = db.scalars(select(Delivery.message).where(Delivery.incident_id.is_not(None)).order_by(Delivery.kind))
    return [row for row in rows if "urgent" not in str(row["data"].get("rule"))]


FALL = (BROKEN, BROKEN + 1, BROKEN + 3, BROKEN + 7, MENDED - 1)
"""Evenings on which the fall is looked at: every one of them would take the tests longer, and say the same."""


def live(db: Session, app: App, days: Iterable[int], day: Day, *, quiet: bool = False) -> list[Change]:
    changes = []
    for number in days:
        at = datetime.combine(day(number), time(21), UTC)
        found = look(db, app, day(number))
        changes += reconcile(db, app, found, now=at, quiet=quiet, base_url="https://cocoon.example")
    return changes


@pytest.fixture(scope="module")
def stage(engine: Engine) -> Iterator[Connection]:
    """The fall of the app, told and looked at once for all tests of this file: each goes on from there."""
    with engine.connect() as connection, connection.begin() as outer:
        with transaction(connection) as session:
            app = bank.make_app(session)
            fill(session, app)
            bank.make_destination(session, name="inbox")
            live(session, app, FALL, lambda number: FIRST + timedelta(days=number))
        yield connection
        outer.rollback()


@pytest.fixture
def bind(stage: Connection) -> Iterator[Connection]:
    """What a test does is taken back to the last evening of the fall."""
    with stage.begin_nested() as point:
        yield stage
        point.rollback()


@pytest.fixture
def broken_app(db: Session) -> App:
    """The app whose stars have fallen."""
    return db.scalars(select(App)).one()


def test_a_better_release_ends_it_within_days_and_says_so_once(db: Session, broken_app: App, day: Day) -> None:
    live(db, broken_app, range(MENDED, MENDED + 10), day)
    (incident,) = db.scalars(select(Incident))
    assert incident.state == "resolved"
    shown = incident.evidence["recovered"]
    assert (shown["version"], shown["since"]) == ("7.2.1", str(day(MENDED)))
    assert day(MENDED + 2) <= date.fromisoformat(shown["day"]) <= day(MENDED + 6)
    assert shown["now"] > shown["worst"] + 0.7 * (shown["usual"] - shown["worst"])
    opened, ended = told(db)
    assert (opened["kind"], ended["kind"]) == ("incident.opened", "incident.resolved")
    assert " ★ depuis la 7.2.1" in ended["title"]
    assert "retour à la normale" in ended["title"]
    assert f"sur {shown['reviews']} avis" in ended["lead"]
    (line,) = db.scalars(select(IncidentEvent).where(IncidentEvent.kind == "resolved"))
    assert line.detail["recovered"]["version"] == "7.2.1"
    assert line.detail["effect"]["after"] == shown["now"]
    # The history is kept: what it was of, and how bad.
    assert incident.rule == "new_irritant"
    assert incident.effect["after"] > 5 * incident.effect["before"]


def test_without_that_evidence_it_takes_fourteen_calm_days(
    db: Session, broken_app: App, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "with_ends", lambda history, live, found, day: found)
    changes = live(db, broken_app, range(MENDED, MENDED + 33, 4), day)
    ended = next(change for change in changes if change.kind == "resolved")
    assert ended.finding.day > day(MENDED + 20)
    assert (ended.finding.day - ended.incident.last_above_day).days >= 14


def test_the_next_look_would_find_the_fall_again_and_leaves_its_days_out(
    db: Session, broken_app: App, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(db, broken_app, range(MENDED + 3, MENDED + 8, 2), day)
    (incident,) = db.scalars(select(Incident))
    assert incident.state == "resolved"
    assert [one for one in look(db, broken_app, day(MENDED + 8)) if one.level is not None] == []
    monkeypatch.setattr(rules, "leaving_out", lambda history, past: history)
    assert [one for one in look(db, broken_app, day(MENDED + 8)) if one.level is not None] != []


def test_a_fault_that_goes_on_is_not_over(db: Session, day: Day) -> None:
    app = bank.make_app(db, "Une autre")
    story(db, app, {(BROKEN, 235): "7.2"})
    live(db, app, (*FALL[::2], *range(MENDED, BROKEN + 28, 4)), day)
    assert {one.state for one in db.scalars(select(Incident).where(Incident.app_id == app.id))} == {"open"}


def story(db: Session, app: App, faults: dict[tuple[int, int], str]) -> None:
    told = bank.Story(FIRST, 236, releases={"7.1": 100, "7.2": BROKEN, "7.2.1": MENDED}, faults=faults)
    bank.store(db, app, told.tell())
    for channel in told.channels:
        bank.make_source(db, app, channel, FIRST, FIRST + timedelta(days=235))
    for version, number in told.releases.items():
        bank.release(db, app, version, FIRST + timedelta(days=number), told.channels)


def test_the_same_fault_later_is_a_new_incident(db: Session, day: Day) -> None:
    app = bank.make_app(db, "Une autre")
    story(db, app, {(BROKEN, MENDED - 1): "7.2", (MENDED + 14, MENDED + 30): "7.2.1"})
    live(db, app, (*FALL[::2], *range(MENDED + 2, MENDED + 7, 2), *range(MENDED + 13, MENDED + 18)), day)
    first, second = db.scalars(select(Incident).where(Incident.app_id == app.id).order_by(Incident.opened_at))
    assert first.state == "resolved"
    assert second.state == "open"
    assert day(MENDED + 14) <= second.opened_day <= day(MENDED + 17)
    assert second.effect["before"] - second.effect["after"] > 0.5


def gone(db: Session, app: App, channel: str, first: date) -> None:
    """A source is down from a day on: nothing comes, and no day is complete."""
    for table in (DailyStars, DailyTopics, Verbatim):
        db.execute(delete(table).where(table.app_id == app.id, table.channel == channel, table.day >= first))
    source = select(Source.id).where(Source.channel == channel).scalar_subquery()
    db.execute(update(Coverage).where(Coverage.source_id == source, Coverage.day >= first).values(state="unknown"))


@pytest.mark.parametrize("channels", [("google_play",), ("google_play", "app_store")])
def test_an_outage_is_no_recovery(db: Session, broken_app: App, day: Day, channels: tuple[str, ...]) -> None:
    for channel in channels:
        gone(db, broken_app, channel, day(MENDED))
    live(db, broken_app, range(MENDED, MENDED + 9, 2), day)
    (incident,) = db.scalars(select(Incident))
    assert incident.state == "open"
    assert "recovered" not in incident.evidence


def test_an_end_is_never_lost_in_a_look_that_may_not_speak(db: Session, broken_app: App, day: Day) -> None:
    live(db, broken_app, range(MENDED + 1, MENDED + 8, 2), day, quiet=True)  # an import lasts a week
    (incident,) = db.scalars(select(Incident))
    assert incident.state == "open"
    live(db, broken_app, range(MENDED + 8, MENDED + 9), day)
    assert incident.state == "resolved"
    assert [one["kind"] for one in told(db)] == ["incident.opened", "incident.resolved"]


def test_who_opens_it_again_is_not_overruled_by_the_same_evidence(db: Session, broken_app: App, day: Day) -> None:
    live(db, broken_app, range(MENDED + 3, MENDED + 8, 2), day)
    (incident,) = db.scalars(select(Incident))
    now = datetime.combine(day(MENDED + 8), time(9), UTC)
    reopen(db, broken_app, incident.id, actor="ada", now=now)
    live(db, broken_app, range(MENDED + 8, MENDED + 10), day)
    assert incident.state == "open"
    assert "recovered" not in incident.evidence


def still_said(db: Session, app: App, day: Day, times: int) -> None:
    """From the mending on the topic is said so many times a day, of some thirty reviews."""
    for number in range(MENDED, MENDED + 12):
        db.execute(delete(DailyTopics).where(DailyTopics.app_id == app.id, DailyTopics.day == day(number)))
        row = {"app_id": app.id, "day": day(number), "channel": "google_play", "version": "7.2"}
        db.add(DailyTopics(**row, topic="sign_in", n=times, negative=times))
    db.flush()


def test_a_topic_that_is_still_loud_keeps_it_open(db: Session, broken_app: App, day: Day) -> None:
    still_said(db, broken_app, day, 9)
    live(db, broken_app, range(MENDED + 3, MENDED + 8, 2), day)
    (incident,) = db.scalars(select(Incident))
    assert "new_irritant" in {incident.rule} | {one["rule"] for one in incident.evidence["support"]}
    assert incident.state == "open"


def test_who_is_still_on_the_old_version_complains_half_as_often_and_opens_nothing(
    db: Session, broken_app: App, day: Day
) -> None:
    still_said(db, broken_app, day, 4)
    live(db, broken_app, range(MENDED + 3, MENDED + 8, 2), day)
    (incident,) = db.scalars(select(Incident))
    assert incident.state == "resolved"


def days_of(*spans: tuple[int, float]) -> np.ndarray:
    """Counts of 20 reviews a day whose mean is each span's."""
    rows = []
    for days, mean in spans:
        fives = round(20 * (mean - 1) / 4)
        rows += [[20 - fives, 0, 0, 0, fives]] * days
    return np.array(rows)


def seen(counts: np.ndarray, since: int, judged: np.ndarray | None = None, *, released: bool = True) -> Rise:
    found = rise(
        counts,
        counts,
        fell=100,
        since=since,
        last=len(counts) - 1,
        judged=np.ones(len(counts), np.bool_) if judged is None else judged,
        released=released,
    )
    assert found is not None
    return found


def test_most_of_the_fall_is_made_good_on_enough_complete_days() -> None:
    back = seen(days_of((100, 4.4), (10, 3.0), (5, 4.4)), 110)
    assert back.normal
    assert back.score > recovery.BACK
    assert (round(back.before, 1), round(back.worst, 1), round(back.now, 1)) == (4.4, 3.0, 4.4)
    assert not seen(days_of((100, 4.4), (10, 3.0), (5, 3.6)), 110).normal  # better, but not back
    assert not seen(days_of((100, 4.4), (10, 3.0), (2, 4.4)), 110).normal  # two days are no proof
    holes = np.ones(115, np.bool_)
    holes[110:113] = False
    assert not seen(days_of((100, 4.4), (10, 3.0), (5, 4.4)), 110, holes).normal
    assert not seen(days_of((100, 3.0), (10, 4.0), (5, 4.4)), 110).normal  # it never fell


def test_a_good_day_or_two_amid_a_fall_is_not_significant() -> None:
    few = days_of((100, 4.4), (10, 3.0), (3, 4.4))
    few[110:] = [[1, 0, 0, 0, 3]] * 3
    assert seen(few, 110).score < recovery.BETTER
    assert seen(few, 110, released=False).score > seen(few, 110).score  # first users of a version differ


def test_a_fall_lies_before_its_end() -> None:
    with pytest.raises(ValueError, match="before"):
        seen(days_of((100, 4.4), (10, 3.0)), 100)


def two_stores(*means_of_the_second: tuple[int, float], down: bool = False) -> History:
    """Both stores fall on day 100; the first is back on day 110; `down`: the second says nothing from then on."""
    first, second = days_of((100, 4.4), (10, 3.0), (6, 4.4)), days_of(*means_of_the_second)
    heard = np.ones(len(first), np.bool_)
    if down:
        second[110:], heard[110:] = 0, False
    stores = {"app_store": first, "google_play": second}
    everywhere = np.ones(len(first), np.bool_)
    return History(
        app_id=1,
        first_day=FIRST,
        streams=(Stream("app", FIRST, first + second, heard),),
        versions={(store, ""): counts for store, counts in stores.items()},
        negatives={(store, ""): counts[:, 0] for store, counts in stores.items()},
        reviews={"app": (first + second).sum(axis=1)},
        topics=(),
        mentions={"app": np.zeros((0, len(first)), np.int64)},
        judged={"app": heard, "app_store": everywhere, "google_play": heard},
        launches=(),
        holes=(),
    )


def test_every_store_with_a_part_in_the_fall_must_be_back() -> None:
    fell, day = FIRST + timedelta(days=100), FIRST + timedelta(days=115)
    incident = Incident(app_id=1, rule="rating_drop", subject="app", state="open", opened_day=fell, last_above_day=day)
    incident.evidence = {"window": {"from": str(fell), "to": str(day)}, "began": str(fell)}
    back = two_stores((100, 4.4), (10, 3.0), (6, 4.4))
    (end,) = recovery.with_ends(back, [incident], [], day)
    assert end.over
    assert 3.0 <= end.evidence["recovered"]["worst"] < 3.2
    still = two_stores((100, 4.4), (16, 3.0))
    assert recovery.with_ends(still, [incident], [], day) == []
    silent = two_stores((100, 4.4), (10, 3.0), (6, 4.4), down=True)
    assert recovery.with_ends(silent, [incident], [], day) == []
    never = two_stores((116, 4.4))  # the other store alone had fallen: it alone must be back
    assert len(recovery.with_ends(never, [incident], [], day)) == 1

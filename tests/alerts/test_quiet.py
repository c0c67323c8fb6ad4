"""Quiet hours: held, then sent; what cannot be read keeps nothing back."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alerts.messages import test_message as trial_message
from alerts.outbox import claim, enqueue, oldest_due_age, release
from alerts.quiet import quiet_until, read_span, read_zone
from models.incidents import Delivery, Destination
from tests.alerts import bank


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


NIGHT = {"quiet": "22:00-07:00", "zone": "Europe/Paris"}
NOON = {"quiet": "12:00-14:00", "zone": "Europe/Paris"}


@pytest.mark.parametrize(
    ("config", "at", "until"),
    [
        (NIGHT, "2026-11-19T21:59:59+01:00", None),
        (NIGHT, "2026-11-19T22:00:00+01:00", "2026-11-20T07:00:00+01:00"),
        (NIGHT, "2026-11-20T03:00:00+01:00", "2026-11-20T07:00:00+01:00"),
        (NIGHT, "2026-11-20T07:00:00+01:00", None),
        (NOON, "2026-11-20T12:30:00+01:00", "2026-11-20T14:00:00+01:00"),
        (NOON, "2026-11-20T14:00:00+01:00", None),
        (NIGHT, "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"),  # the clock goes back in that night
        # 02:30 comes twice in that night: it ends at the second one
        ({"quiet": "22:00-02:30"}, "2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+01:00"),
        (NIGHT, "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"),
        ({"quiet": "22:00-07:00", "zone": "America/Toronto"}, "2026-11-20T05:00:00+01:00", "2026-11-20T13:00:00+01:00"),
        ({"quiet": "22:00-07:00"}, "2026-11-20T03:00:00+01:00", "2026-11-20T07:00:00+01:00"),
        ({"quiet": "nachts"}, "2026-11-20T03:00:00+01:00", None),
        ({"quiet": "22:00-07:00", "zone": "Nowhere/Town"}, "2026-11-20T03:00:00+01:00", None),
        ({}, "2026-11-20T03:00:00+01:00", None),
    ],
)
def test_quiet_hours_end_when_they_should(config: dict[str, Any], at: str, until: str | None) -> None:
    assert quiet_until(config, utc(at)) == (utc(until) if until else None)


@given(
    st.tuples(st.times(), st.times()).filter(lambda pair: pair[0].strftime("%H:%M") != pair[1].strftime("%H:%M")),
    st.integers(0, 2 * 365 * 24 * 3600).map(lambda seconds: utc("2026-01-01T00:00:00+00:00") + timedelta(0, seconds)),
    st.sampled_from(["Europe/Paris", "America/Toronto", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
)
@settings(max_examples=300, deadline=None)
def test_nothing_is_held_for_longer_than_a_day(span: Any, at: datetime, zone: str) -> None:
    text = f"{span[0]:%H:%M}-{span[1]:%H:%M}"
    until = quiet_until({"quiet": text, "zone": zone}, at)
    assert until is None or at <= until <= at + timedelta(hours=25)


@pytest.mark.parametrize("text", ["", "22-7", "24:00-07:00", "22:00-22:00", "22:00–07:00", "22:60-07:00"])
def test_a_span_is_written_in_one_way(text: str) -> None:
    with pytest.raises(ValueError, match="Quiet hours"):
        read_span(text)


@pytest.mark.parametrize("name", ["", "Nowhere/Town", "../../etc/passwd", "/etc/localtime"])
def test_a_zone_must_be_known(name: str) -> None:
    with pytest.raises(ValueError, match="no such time zone"):
        read_zone(name)


def put(db: Session, destination: Destination, kind: str) -> None:
    enqueue(
        db,
        app_id=1,
        destination_id=destination.id,
        kind=kind,
        event_id=uuid4(),
        message=trial_message("fr", at=datetime.now(UTC)),
    )


def around_now(db: Session) -> str:
    """Quiet hours that the database's clock lies well inside of."""
    now = db.scalar(select(func.clock_timestamp()))
    assert now is not None
    return f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=2):%H:%M}"


def test_alerts_wait_for_the_end_of_quiet_hours_and_a_test_does_not(db: Session) -> None:
    calm = bank.make_destination(db, name="calm", quiet=around_now(db), zone="UTC")
    loud = bank.make_destination(db, name="loud")
    for destination in (calm, loud):
        put(db, destination, "incident.opened")
        put(db, destination, "test")
    got = sorted((c.target.name, c.kind) for c in claim(db, "w", 10))
    assert got == [("calm", "test"), ("loud", "incident.opened"), ("loud", "test")]
    held = db.scalars(select(Delivery).where(Delivery.state == "queued")).one()
    assert timedelta(minutes=110) < held.due_at - datetime.now(UTC) <= timedelta(hours=2)
    assert oldest_due_age(db) is None  # what waits as it should is not late
    assert claim(db, "w", 10) == []

    calm.config = {"levels": ["alert"]}  # the quiet hours are taken away
    db.flush()
    assert release(db, calm.id) == 1
    assert [(c.target.name, c.kind) for c in claim(db, "w", 10)] == [("calm", "incident.opened")]


def test_changed_quiet_hours_do_not_hurry_a_receiver_that_failed(db: Session) -> None:
    place = bank.make_destination(db)
    put(db, place, "incident.opened")
    later = func.clock_timestamp() + timedelta(minutes=30)
    db.execute(update(Delivery).values(tries=3, due_at=later).execution_options(synchronize_session=False))
    assert release(db, place.id) == 0
    assert claim(db, "w", 10) == []

"""What several sources say of a version is one row, and a build finds its version."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from app.irritant_episodes import _launches as irritant_launches
from app.reading.launches import launches, marks
from models.apps import App
from models.records import ReleaseRecord
from models.releases import (
    ENOUGH,
    ENOUGH_FAR,
    Release,
    build_names,
    doubted,
    in_order,
    last_before,
    learn_builds,
    line,
    merge,
)
from models.rollups import DailyStars

PARIS = ZoneInfo("Europe/Paris")
OUT = datetime(2026, 11, 10, 23, 30, tzinfo=UTC)


@pytest.fixture
def app_id(db: Session) -> int:
    app = App(name="Banque")
    db.add(app)
    db.flush()
    return app.id


def told(session: Session, app_id: int, version: str = "7.2", channel: str = "app_store") -> Release:
    session.expire_all()
    return session.get_one(Release, (app_id, channel, version))


def test_the_lookup_and_connect_make_one_release(db: Session, app_id: int) -> None:
    lookup = ReleaseRecord("7.2", OUT + timedelta(days=2), "Notes du store")
    phased = ReleaseRecord("7.2 (720)", OUT, build=None, rollout=0.02, rollout_state="active")
    merge(db, app_id, "app_store", lookup, "app_store_lookup", PARIS)
    merge(db, app_id, "app_store", phased, "app_store_connect", PARIS)
    merge(db, app_id, "app_store", lookup, "app_store_lookup", PARIS)
    found = told(db, app_id)
    assert (found.released_at, found.day) == (OUT, date(2026, 11, 11))
    assert (found.build, found.notes, found.rollout, found.rollout_state) == ("720", "Notes du store", 0.02, "active")
    assert (found.inferred, found.seen_by) == (False, ["app_store_lookup", "app_store_connect"])
    assert found.rollout_at is not None
    merge(db, app_id, "app_store", ReleaseRecord("7.2", OUT, rollout=1.0, rollout_state="complete"), "x", PARIS)
    assert (told(db, app_id).rollout, told(db, app_id).rollout_state) == (1.0, "complete")


def test_a_date_that_a_store_tells_beats_an_earlier_guess(db: Session, app_id: int) -> None:
    seen = ReleaseRecord("7.2", None, seen_at=OUT - timedelta(days=5))
    merge(db, app_id, "app_store", seen, "google_play_tracks", PARIS)
    assert (told(db, app_id).inferred, told(db, app_id).released_at) == (True, OUT - timedelta(days=5))
    merge(db, app_id, "app_store", ReleaseRecord("7.2", OUT), "app_store_lookup", PARIS)
    assert (told(db, app_id).inferred, told(db, app_id).released_at) == (False, OUT)
    merge(db, app_id, "app_store", seen, "google_play_tracks", PARIS)
    assert (told(db, app_id).inferred, told(db, app_id).released_at) == (False, OUT)


def test_an_old_version_without_a_date_only_completes_what_is_there(db: Session, app_id: int) -> None:
    undated = ReleaseRecord("7.1", None, "Corrections", build="710")
    merge(db, app_id, "app_store", undated, "app_store_connect", PARIS)
    assert db.get(Release, (app_id, "app_store", "7.1")) is None
    assert build_names(db, app_id, "app_store") == {"710": "7.1"}
    merge(db, app_id, "app_store", ReleaseRecord("7.1", OUT), "app_store_lookup", PARIS)
    merge(db, app_id, "app_store", undated, "app_store_connect", PARIS)
    found = told(db, app_id, "7.1")
    assert (found.build, found.notes, found.released_at) == ("710", "Corrections", OUT)


def test_a_release_without_a_version_name_is_named_by_its_builds(db: Session, app_id: int) -> None:
    track = ReleaseRecord(
        "", None, build="721", builds=("720", "721"), rollout=0.2, rollout_state="active", seen_at=OUT
    )
    merge(db, app_id, "google_play", track, "google_play_tracks", PARIS)
    assert line(db, app_id, "google_play") == []
    learn_builds(db, app_id, "google_play", {"720": "7.2.0"})
    merge(db, app_id, "google_play", track, "google_play_tracks", PARIS)
    (found,) = line(db, app_id, "google_play")
    assert (found.version, found.rollout) == ("7.2.0", 0.2)
    assert build_names(db, app_id, "google_play", ["721", "1"]) == {"721": "7.2.0"}


def test_the_line_is_by_version_and_channel(db: Session, app_id: int) -> None:
    for version, days in (("7.10", 0), ("7.9", 30), ("7.9.1", -5), ("7.2", 60)):
        merge(db, app_id, "app_store", ReleaseRecord(version, OUT - timedelta(days=days)), "x", PARIS)
    merge(db, app_id, "google_play", ReleaseRecord("8.0", OUT), "x", PARIS)
    found = line(db, app_id, "app_store")
    assert [one.version for one in found] == ["7.2", "7.9", "7.9.1", "7.10"]
    before = last_before(found, "7.10")
    assert before is not None
    assert before.version == "7.9"
    assert [one.version for one in line(db, app_id, "app_store", OUT.date())] == ["7.2", "7.9"]


def offered(session: Session, app_id: int, version: str, *, inferred: bool, reviews: int, day: int = 0) -> None:
    at = OUT + timedelta(days=day)
    release = Release(app_id=app_id, channel="app_store", version=version, released_at=at, day=at.date())
    release.inferred = inferred
    session.add(release)
    key = {"app_id": app_id, "channel": "app_store", "storefront": "fr", "version": version, "day": at.date()}
    session.add(DailyStars(**key, n=reviews, s1=0, s2=0, s3=0, s4=0, s5=reviews, negative=0, positive=reviews))
    session.flush()


def unsure(session: Session, app_id: int) -> list[str]:
    return sorted(doubted(session, app_id, in_order(line(session, app_id, "app_store"))))


def test_a_version_that_only_a_few_reviews_name_is_not_the_newest(db: Session, app_id: int) -> None:
    offered(db, app_id, "7.1", inferred=True, reviews=1)
    offered(db, app_id, "7.2", inferred=False, reviews=0)
    assert unsure(db, app_id) == [], "what a store tells is believed without a review, and what lies below does no harm"
    offered(db, app_id, "7.3", inferred=True, reviews=ENOUGH - 1, day=3)
    assert unsure(db, app_id) == ["7.3"]
    offered(db, app_id, "7.4", inferred=True, reviews=ENOUGH, day=4)
    assert unsure(db, app_id) == [], "enough people have it"


def test_one_far_above_the_known_line_needs_many_reviews(db: Session, app_id: int) -> None:
    offered(db, app_id, "7.2", inferred=False, reviews=300)
    offered(db, app_id, "99.0", inferred=True, reviews=ENOUGH_FAR - 1, day=1)
    assert unsure(db, app_id) == ["99.0"]
    db.get_one(DailyStars, (app_id, date(2026, 11, 11), "app_store", "fr", "99.0")).n += 1
    db.flush()
    assert unsure(db, app_id) == []


def test_a_store_settles_it(db: Session, app_id: int) -> None:
    offered(db, app_id, "7.2", inferred=False, reviews=300)
    offered(db, app_id, "99.0", inferred=True, reviews=2, day=1)
    merge(db, app_id, "app_store", ReleaseRecord("99.0", None, seen_at=OUT), "app_store_lookup", PARIS)
    db.expire_all()
    assert told(db, app_id, "99.0").inferred, "still without a date of its own"
    assert unsure(db, app_id) == []


def test_where_no_store_tells_anything_the_versions_with_reviews_are_believed(db: Session, app_id: int) -> None:
    offered(db, app_id, "7.1", inferred=True, reviews=40)
    offered(db, app_id, "7.2", inferred=True, reviews=20, day=1)
    offered(db, app_id, "72", inferred=True, reviews=20, day=2)
    assert unsure(db, app_id) == ["72"], "twenty slips of a thumb"
    db.query(DailyStars).update({"n": 1})
    assert unsure(db, app_id) == [], "none is doubted where all would be"


def test_a_doubted_version_begins_no_irritant_and_marks_no_chart(db: Session, app_id: int) -> None:
    offered(db, app_id, "7.2", inferred=False, reviews=300)
    offered(db, app_id, "99.0", inferred=True, reviews=2, day=1)
    until = date(2026, 12, 31)
    assert [one.version for one in irritant_launches(db, app_id, until)] == ["7.2"]
    whole = launches(db, app_id, until)
    assert ([one.version for one in whole], [one.doubted for one in whole]) == (["7.2", "99.0"], [False, True])
    assert [version for _, version in marks(whole, date(2026, 1, 1), until)] == ["7.2"]
    merge(db, app_id, "app_store", ReleaseRecord("99.0", None, seen_at=OUT), "app_store_lookup", PARIS)
    db.expire_all()
    assert {one.version for one in irritant_launches(db, app_id, until)} == {"7.2", "99.0"}

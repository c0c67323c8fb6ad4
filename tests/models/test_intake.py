"""The way in for verbatims: once each, edits as revisions, counts always equal to a recount."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, text
from sqlalchemy.orm import Session

from app.db import transaction
from models.apps import App
from models.feedback import Revision, Verbatim, VerbatimTopic
from models.intake import Origin, PreparedVerbatim, Stored, store_verbatims
from models.releases import Release
from models.rollups import DailySources, DailyStars, DailyTopics, WeeklyTopics

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def origin(db: Session) -> Origin:
    app = App(name="Banque")
    db.add(app)
    db.flush()
    return Origin(app.id, 1, "app_store_feed", "app_store")


def review(external_id: str = "1", **changes: object) -> PreparedVerbatim:
    written = datetime(2026, 11, 18, 9, tzinfo=UTC)
    base = PreparedVerbatim(
        external_id=external_id,
        written_at=written,
        day=written.date(),
        body="Impossible de se connecter",
        stars=1,
        version="7.2",
        label="negative",
        sentiment=-0.9,
        language="fr",
        topics=(("sign_in", -0.9, "Impossible de se connecter"),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_page_is_stored_once_however_often_it_comes(db: Session, origin: Origin) -> None:
    page = [review("1"), review("2"), review("2")]
    assert store_verbatims(db, origin, page, NOW) == Stored(new=2)
    assert store_verbatims(db, origin, page, NOW) == Stored(unchanged=2)
    assert db.scalar(select(func.count()).select_from(Verbatim)) == 2
    assert db.scalar(select(func.sum(DailyStars.n))) == 2


def test_an_edit_is_a_revision_of_the_same_verbatim(db: Session, origin: Origin) -> None:
    store_verbatims(db, origin, [review()], NOW)
    later = datetime(2026, 11, 19, 8, tzinfo=UTC)
    # Apple dates a review by its last edit: its counts move, they do not travel to that day.
    edited = review(
        written_at=later, day=later.date(), body="Réparé", stars=4, label="positive", sentiment=0.8, topics=()
    )
    assert store_verbatims(db, origin, [edited], NOW + timedelta(hours=1)) == Stored(revised=1)
    verbatim = db.scalars(select(Verbatim)).one()
    assert (verbatim.stars, verbatim.body, verbatim.revision) == (4, "Réparé", 1)
    assert (verbatim.written_at, verbatim.edited_at) == (datetime(2026, 11, 18, 9, tzinfo=UTC), later)
    before = db.scalars(select(Revision)).one()
    assert (before.stars, before.body) == (1, "Impossible de se connecter")
    counts = db.scalars(select(DailyStars).where(DailyStars.n > 0)).one()
    assert (counts.day, counts.s1, counts.s4, counts.negative, counts.positive) == (date(2026, 11, 18), 0, 1, 0, 1)
    assert db.scalar(select(func.sum(DailyTopics.n))) == 0
    assert db.scalar(select(func.count()).select_from(VerbatimTopic)) == 0


def test_a_stale_copy_does_not_undo_an_edit(db: Session, origin: Origin) -> None:
    later = datetime(2026, 11, 19, 8, tzinfo=UTC)
    store_verbatims(db, origin, [review()], NOW)
    store_verbatims(db, origin, [review(written_at=later, stars=5)], NOW)
    assert store_verbatims(db, origin, [review()], NOW) == Stored(stale=1)
    assert db.scalar(select(Verbatim.stars)) == 5


def test_a_reply_or_a_version_learnt_later_is_no_revision(db: Session, origin: Origin) -> None:
    store_verbatims(db, origin, [review(version="")], NOW)
    told = review(version="7.2", reply="Bonjour", replied_at=NOW)
    assert store_verbatims(db, origin, [told], NOW) == Stored(touched=1)
    assert store_verbatims(db, origin, [review(version="")], NOW) == Stored(unchanged=1)
    verbatim = db.scalars(select(Verbatim)).one()
    assert (verbatim.version, verbatim.version_origin, verbatim.reply, verbatim.revision) == (
        "7.2",
        "reported",
        "Bonjour",
        0,
    )
    assert db.scalars(select(DailyStars.version).where(DailyStars.n > 0)).all() == ["7.2"]


def test_a_version_seen_in_a_review_is_an_inferred_release(db: Session, origin: Origin) -> None:
    store_verbatims(db, origin, [review("1")], NOW)
    store_verbatims(
        db, origin, [review("2", written_at=datetime(2026, 11, 17, 9, tzinfo=UTC), day=date(2026, 11, 17))], NOW
    )
    release = db.scalars(select(Release)).one()
    assert (release.version, release.day, release.inferred) == ("7.2", date(2026, 11, 17), True)


def test_search_forgives_accents(db: Session, origin: Origin) -> None:
    store_verbatims(db, origin, [review(body="La mise à jour a tout cassé")], NOW)
    query = select(func.count()).where(Verbatim.search.op("@@")(func.websearch_to_tsquery(text("'cocoon'"), "casse")))
    assert db.scalar(query) == 1


verbatims = st.builds(
    review,
    external_id=st.sampled_from("abcd"),
    stars=st.sampled_from([None, 1, 2, 3, 4, 5]),
    version=st.sampled_from(["", "1.0", "2.0"]),
    storefront=st.sampled_from(["", "fr"]),
    body=st.sampled_from(["nul", "super", "bof"]),
    label=st.sampled_from(["negative", "positive", "neutral"]),
    model=st.sampled_from(["m1", "m2"]),
    written_at=st.integers(-60, 40).map(lambda hours: datetime(2026, 11, 18, tzinfo=UTC) + timedelta(hours=hours)),
    topics=st.lists(st.sampled_from(["sign_in", "crash"]), unique=True).map(lambda t: tuple((x, -0.5, "…") for x in t)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=st.lists(st.lists(verbatims, max_size=5), max_size=5))
def test_counts_always_equal_a_recount(bind: Connection, pages: list[list[PreparedVerbatim]]) -> None:
    with bind.begin_nested() as outer:
        counts_equal_a_recount(bind, pages)
        outer.rollback()


def counts_equal_a_recount(bind: Connection, pages: list[list[PreparedVerbatim]]) -> None:
    with transaction(bind) as session:
        app = App(name="Recount")
        session.add(app)
        session.flush()
        origin = Origin(app.id, 1, "app_store_feed", "app_store")
    for page in pages:
        with transaction(bind) as session:
            store_verbatims(session, origin, page, NOW)
    with transaction(bind) as session:
        key = (Verbatim.day, Verbatim.storefront, Verbatim.version)
        counted = {
            row[:3]: row[3:]
            for row in session.execute(
                select(
                    *key,
                    func.count(),
                    *(func.count().filter(Verbatim.stars == n) for n in range(1, 6)),
                    func.count().filter(Verbatim.label == "negative"),
                ).group_by(*key)
            )
        }
        kept = {
            (r.day, r.storefront, r.version): (r.n, r.s1, r.s2, r.s3, r.s4, r.s5, r.negative)
            for r in session.scalars(select(DailyStars))
            if r.n or r.s1 or r.s2 or r.s3 or r.s4 or r.s5 or r.negative
        }
        assert kept == counted
        topics = session.execute(
            select(Verbatim.day, Verbatim.version, VerbatimTopic.topic, func.count())
            .join(VerbatimTopic, VerbatimTopic.verbatim_id == Verbatim.id)
            .group_by(Verbatim.day, Verbatim.version, VerbatimTopic.topic)
        )
        rolled = {(r.day, r.version, r.topic): r.n for r in session.scalars(select(DailyTopics)) if r.n or r.negative}
        assert rolled == {row[:3]: row[3] for row in topics}
        weeks: dict[tuple[date, str, str], tuple[int, int]] = {}
        for r in session.scalars(select(DailyTopics)):
            key_of_week = (r.day - timedelta(days=r.day.weekday()), r.version, r.topic)
            n, negative = weeks.get(key_of_week, (0, 0))
            weeks[key_of_week] = (n + r.n, negative + r.negative)
        assert {(r.week, r.version, r.topic): (r.n, r.negative) for r in session.scalars(select(WeeklyTopics))} == weeks
        by_source = session.execute(
            select(Verbatim.source_id, Verbatim.day, func.count()).group_by(Verbatim.source_id, Verbatim.day)
        )
        brought = {(r.source_id, r.day): r.n for r in session.scalars(select(DailySources)) if r.n}
        assert brought == {row[:2]: row[2] for row in by_source}

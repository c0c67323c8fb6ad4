"""Stores that misbehave: nothing is lost, nothing is doubled, and no outage becomes "no reviews"."""

import random
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.jobs import collect
from models.feedback import Revision, Verbatim
from models.sources import HostPause
from tests.fakes.stores import Cut, Drop, Empty, FakePlay, FakeStore, Fault, Hang, Html, Status, some_reviews
from tests.faults.conftest import Bench, apple, google

Make = Callable[..., Bench]
both = pytest.mark.parametrize("fake", [apple, google])


@both
def test_all_is_well(bench: Make, fake: Callable[[int], FakeStore]) -> None:
    it = bench(fake, 320)
    run = it.read()
    assert run.outcome == "complete", run.reason
    assert it.stored() == it.offered()
    assert set(it.states()[1:]) == {"complete"}
    again = it.read()
    assert (again.outcome, again.stored, again.revised) == ("complete", 0, 0)


@both
@pytest.mark.parametrize(
    ("fault", "outcomes"),
    [
        (Status(429, (("retry-after", "7"),)), {"throttled"}),
        (Status(502), {"failed", "partial"}),
        (Hang(2), {"failed", "partial"}),
        (Cut(0.5), {"failed", "partial"}),
        (Html(), {"failed", "partial"}),
        (Drop(), {"failed", "partial"}),
        (Empty(), {"empty_unconfirmed", "failed", "partial"}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, set) else "",
)
def test_an_outage_says_what_happened_and_is_made_good(
    bench: Make, fake: Callable[[int], FakeStore], fault: Fault, outcomes: set[str]
) -> None:
    it = bench(fake, 120)
    assert it.read().outcome == "complete"
    newest = it.store.reviews[0].written_at
    for number, review in enumerate(
        some_reviews(60, seed=99, newest=newest + timedelta(days=3), apart=timedelta(hours=1), play=fake is google)
    ):
        it.store.add(
            review if fake is google else type(review)(**{**review.__dict__, "id": str(9_900_000_000 - number)})
        )
    it.store.fail(fault, times=1000)
    run = it.read()
    assert run.outcome in outcomes, (run.outcome, run.reason)
    assert run.reason
    assert it.states()[-1] in {"unknown", "partial"}
    assert len(it.stored()) == 120
    it.store._planned.clear()
    run = it.read()
    assert run.outcome == "complete", run.reason
    assert it.stored() == it.offered()
    assert it.states()[-1] == "complete"


def test_apples_403_is_throttling_and_googles_is_not(bench: Make) -> None:
    for fake, outcome in ((apple, "throttled"), (google, "failed")):
        it = bench(fake, 10)
        it.store.fail(Status(403), times=1000)
        assert it.read().outcome == outcome


def test_a_paused_host_is_left_alone(bench: Make) -> None:
    it = bench(apple, 10)
    it.store.fail(Status(429, (("retry-after", "60"),)), times=1000)
    it.read()
    asked = len(it.store.requests)
    assert collect(it.context, it.source_id, "schedule") is None
    assert len(it.store.requests) == asked
    with it.context.transaction() as session:
        assert len(session.scalars(select(HostPause)).all()) == 1


@both
def test_empty_pages_at_random(bench: Make, fake: Callable[[int], FakeStore]) -> None:
    it = bench(fake, 450)
    chance = random.Random(5)
    it.store.script = lambda request: Empty() if chance.random() < 0.25 else None
    for _ in range(40):
        if it.read().outcome == "complete":
            break
    it.store.script = None
    it.read("backfill")
    assert it.stored() == it.offered()


def test_a_play_token_that_leads_in_a_circle_ends(bench: Make) -> None:
    it = bench(google, 450)
    assert isinstance(it.store, FakePlay)
    it.store.circle = True
    run = it.read()
    assert it.stored() == it.offered()
    assert run.outcome in {"partial", "complete"}
    assert len(it.store.requests) < 20


def test_reviews_deleted_between_pages_hide_no_other(bench: Make) -> None:
    it = bench(apple, 300)
    survivors = {review.id for review in it.store.reviews[5:]}
    gone = [review.id for review in it.store.reviews[:5]]

    def before(request: object) -> None:
        if gone and "page=2" in getattr(request, "path", ""):
            for review_id in gone:
                it.store.delete(review_id)
            gone.clear()

    it.store.before = before
    assert it.read().outcome == "complete"
    assert survivors <= set(it.stored())


@both
def test_reviews_edited_between_pages_are_revisions(bench: Make, fake: Callable[[int], FakeStore]) -> None:
    it = bench(fake, 250)
    target = it.store.reviews[200]
    newest = it.store.reviews[0].written_at
    first = len(it.store.requests)

    def before(request: object) -> None:
        if getattr(request, "number", 0) == first + 2:
            it.store.edit(
                target.id, stars=5 if target.stars != 5 else 1, body="Réparé", written_at=newest + timedelta(minutes=5)
            )

    it.store.before = before
    it.read()
    it.store.before = None
    assert it.read().outcome == "complete"
    assert it.stored() == it.offered()
    with it.context.transaction() as session:
        verbatim = session.scalars(select(Verbatim).where(Verbatim.external_id == target.id)).one()
        assert verbatim.body == "Réparé"
        assert len(session.scalars(select(Revision)).all()) == verbatim.revision <= 1


@both
@pytest.mark.parametrize("seed", range(4))
def test_any_mix_of_faults_ends_with_every_row_once(bench: Make, fake: Callable[[int], FakeStore], seed: int) -> None:
    it = bench(fake, 400)
    chance = random.Random(seed)
    faults: list[Fault] = [Status(502), Status(429), Cut(0.4), Cut(0.4, honest=False), Html(), Drop(), Empty()]
    it.store.script = lambda request: chance.choice(faults) if chance.random() < 0.15 else None
    outcomes = set()
    for _ in range(60):
        run = it.read()
        outcomes.add(run.outcome)
        if run.outcome == "complete":
            break
    it.store.script = None
    assert it.read("backfill").outcome == "complete"
    assert it.stored() == it.offered()


@both
def test_the_hosts_time_zone_changes_nothing(
    bench: Make, fake: Callable[[int], FakeStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        it = bench(fake, 60)
        it.read()
    finally:
        monkeypatch.undo()
        time.tzset()
    expected = {review.id: review.written_at.replace(microsecond=0) for review in it.store.reviews}
    with it.context.transaction() as session:
        rows = session.execute(select(Verbatim.external_id, Verbatim.written_at)).all()
    assert {row[0]: row[1] for row in rows} == expected

"""An end that nothing confirms is believed after a while; an outage is never believed, however long it lasts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from app.db import transaction
from app.seal import Seal
from app.walk import walk
from collectors.base import EMPTY, Page, SourceError
from models.apps import App
from models.sources import Coverage, Run, Source
from tests.walks.conftest import NOW, Scripted, page

HOUR = timedelta(hours=1)
STOPS = page(range(100, 50, -1), end="unconfirmed", doubt="r51")
NOTHING = Page(end="unconfirmed", doubt=EMPTY)
AWAY = SourceError("The store did not answer.", kind="unreachable")


@dataclass
class Bench:
    engine: Engine
    source_id: int
    at: Callable[[datetime], None]

    def read(self, step: Page | SourceError, hours: float = 0.0, source_id: int | None = None) -> Run:
        """Walk once, this many hours after NOW."""
        self.at(NOW + timedelta(hours=hours))
        return walk(self.engine, source_id or self.source_id, Scripted([step]), seal=Seal(b"test"))

    def another(self) -> int:
        with transaction(self.engine) as session:
            app = session.scalars(select(App)).one()
            source = Source(app_id=app.id, kind="app_store_feed", channel="app_store", name="BE", config={})
            source.rhythm_minutes = 30
            session.add(source)
            session.flush()
            return source.id

    @property
    def days(self) -> dict[date, str]:
        with transaction(self.engine) as session:
            wanted = select(Coverage).where(Coverage.source_id == self.source_id)
            return {cell.day: cell.state for cell in session.scalars(wanted)}

    @property
    def source(self) -> Source:
        with transaction(self.engine) as session:
            return session.get_one(Source, self.source_id)


@pytest.fixture
def bench(own_engine: Engine, source_id: int, at: Callable[[datetime], None]) -> Bench:
    return Bench(own_engine, source_id, at)


def test_the_same_end_over_hours_is_believed_and_its_day_stays_incomplete(bench: Bench) -> None:
    outcomes = [bench.read(STOPS, hours).outcome for hours in (0, 1, 3, 5)]
    assert outcomes == ["partial"] * 4
    assert not bench.source.history_done
    run = bench.read(STOPS, 7)
    assert run.outcome == "complete"
    assert "same place since 2026-11-20 12:00 UTC (5 walks)" in run.reason
    assert bench.source.history_done
    # The list stops in the middle of the 18th: of that day only what was shown is known.
    assert [bench.days[date(2026, 11, day)] for day in (18, 19, 20)] == ["partial", "complete", "complete"]
    # From then on a walk that meets what is known is complete, without the end.
    assert bench.read(page(range(100, 60, -1)), 8).outcome == "complete"


def test_one_walk_more_or_hours_alone_are_not_enough(bench: Bench) -> None:
    assert bench.read(STOPS, 0).outcome == "partial"
    assert bench.read(STOPS, 20).outcome == "partial"
    # Another place: it begins anew.
    assert bench.read(page(range(100, 30, -1), end="unconfirmed", doubt="r31"), 21).outcome == "partial"
    assert bench.read(page(range(100, 30, -1), end="unconfirmed", doubt="r31"), 22).outcome == "partial"
    assert bench.read(STOPS, 30).outcome == "partial"


def test_faults_between_say_nothing_about_the_end(bench: Bench) -> None:
    bench.read(STOPS, 0)
    bench.read(AWAY, 1)
    bench.read(STOPS, 2)
    bench.read(AWAY, 3)
    assert bench.read(STOPS, 7).outcome == "complete"


def test_an_end_that_lacks_what_we_have_is_never_believed(bench: Bench) -> None:
    bench.read(page(range(100, 10, -1), end="exhausted"))
    cut = page(range(150, 140, -1), end="unconfirmed", doubt="r141")
    runs = [bench.read(cut, hours) for hours in range(50, 500, 30)]
    assert {run.outcome for run in runs} == {"partial"}
    assert bench.source.high_water == NOW


def test_where_a_page_between_shows_nothing_only_what_is_newer_is_complete(bench: Bench) -> None:
    holed = page(range(100, 20, -1), end="unconfirmed", doubt="r21", sure=NOW - 10 * HOUR)
    for hours in (0, 3, 7):
        run = bench.read(holed, hours)
    assert run.outcome == "complete"
    # Paris is an hour ahead: ten hours before noon is the 20th, three in the morning.
    assert bench.days[date(2026, 11, 20)] == "partial"
    assert date(2026, 11, 18) not in bench.days or bench.days[date(2026, 11, 18)] != "complete"


def test_a_storefront_without_texts_is_believed_after_two_days_when_another_is_heard(bench: Bench) -> None:
    other = bench.another()
    for hours in (0, 12, 24, 36):
        bench.read(page([100, 99], end="exhausted"), hours, other)
        assert bench.read(NOTHING, hours).outcome == "empty_unconfirmed"
    bench.read(page([100, 99], end="exhausted"), 48, other)
    run = bench.read(NOTHING, 49)
    assert run.outcome == "complete"
    assert "no review since 2026-11-20 12:00 UTC" in run.reason
    assert bench.days[date(2026, 11, 22)] == "complete"
    assert bench.days[date(2026, 11, 20)] != "complete"
    # The next day's walk vouches for the evening before as well.
    bench.read(page([100, 99], end="exhausted"), 70, other)
    assert bench.read(NOTHING, 72).outcome == "complete"
    assert [bench.days[date(2026, 11, day)] for day in (22, 23)] == ["complete", "complete"]


def test_alone_it_takes_a_week(bench: Bench) -> None:
    outcomes = {hours: bench.read(NOTHING, hours).outcome for hours in range(0, 24 * 7 + 1, 12)}
    assert [hours for hours, outcome in outcomes.items() if outcome == "complete"] == [24 * 7]


def test_an_outage_of_ten_days_never_looks_like_calm(bench: Bench) -> None:
    other = bench.another()
    bench.read(page(range(100, 10, -1), end="exhausted"))
    for hours in range(24, 240, 12):
        bench.read(page([100, 99], end="exhausted"), hours, other)
        assert bench.read(NOTHING, hours).outcome == "empty_unconfirmed"
    assert {bench.days[date(2026, 11, day)] for day in range(21, 30)} == {"unknown"}


def test_a_list_that_shows_nothing_is_not_believed_against_a_single_review(bench: Bench) -> None:
    assert bench.read(page([100], end="exhausted")).outcome == "complete"
    bench.read(page([1], end="exhausted"), source_id=bench.another())
    outcomes = [bench.read(NOTHING, 24.0 * day).outcome for day in range(1, 15)]
    assert outcomes == ["empty_unconfirmed"] * 14


def test_an_empty_answer_that_not_every_way_gave_never_counts(bench: Bench) -> None:
    for hours in range(0, 24 * 20, 24):
        assert bench.read(Page(end="unconfirmed"), hours).outcome == "empty_unconfirmed"


def test_an_empty_window_is_believed_unless_another_way_shows_reviews_of_these_days(bench: Bench) -> None:
    other = bench.another()

    def window(hours: float) -> Page:
        return Page(end="unconfirmed", doubt=EMPTY, reaches=NOW + timedelta(hours=hours) - timedelta(days=7))

    bench.read(page([100, 99], end="exhausted"), 0, other)
    for hours in range(0, 24 * 6, 24):
        assert bench.read(window(hours), hours).outcome == "empty_unconfirmed"
    # Eight days later the reviews of the other way have left the window.
    assert bench.read(window(24 * 8), 24 * 8).outcome == "complete"
    assert bench.source.high_water == datetime(2026, 11, 28, 12, tzinfo=UTC)

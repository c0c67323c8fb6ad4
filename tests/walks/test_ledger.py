"""The ledger is honest: no day is called complete whose evening nobody read, or whose morning the source has lost."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import ProgrammingError

from app.db import transaction
from app.ledger import settle
from app.seal import Seal
from app.walk import walk
from collectors.base import Page, SourceError
from models.apps import App
from models.records import RatingRecord, VerbatimRecord
from models.sources import Coverage, Run, Source
from tests.walks.conftest import NOW, Scripted, page

Read = Callable[..., Run]
At = Callable[[datetime], None]
AWAY = SourceError("The store did not answer.", kind="unreachable")


def ledger(engine: Engine) -> dict[date, str]:
    with transaction(engine) as session:
        return {row.day: row.state for row in session.scalars(select(Coverage))}


def settled(engine: Engine, now: datetime) -> dict[date, str]:
    with transaction(engine) as session:
        settle(session, session.scalars(select(App)).one(), now)
    return ledger(engine)


def written(*moments: datetime) -> tuple[VerbatimRecord, ...]:
    return tuple(VerbatimRecord(external_id=f"{m:%d%H%M%S}", written_at=m, body="avis", stars=4) for m in moments)


def test_a_day_whose_evening_nobody_read_is_not_complete(own_engine: Engine, read: Read, at: At) -> None:
    read(page(range(100, 50, -1), end="exhausted"))
    at(NOW + timedelta(days=1))
    read(AWAY)
    days = ledger(own_engine)
    assert [days[date(2026, 11, day)] for day in (19, 20, 21)] == ["complete", "unknown", "unknown"]


def test_a_day_that_was_read_after_its_end_stays_complete_in_an_outage(own_engine: Engine, read: Read, at: At) -> None:
    read(page(range(100, 90, -1), end="exhausted"))
    at(datetime(2026, 11, 20, 23, 30, tzinfo=UTC))  # half past midnight in Paris: the 20th is over
    read(page(range(100, 90, -1)))
    at(datetime(2026, 11, 22, 12, tzinfo=UTC))
    read(AWAY)
    assert ledger(own_engine)[date(2026, 11, 20)] == "complete"
    assert ledger(own_engine)[date(2026, 11, 21)] == "unknown"


def test_without_any_further_walk_the_day_is_taken_back(own_engine: Engine, read: Read, at: At) -> None:
    at(datetime(2026, 11, 20, 20, tzinfo=UTC))
    read(page(range(100, 50, -1), end="exhausted"))
    evening = datetime(2026, 11, 20, 22, 59, tzinfo=UTC)
    assert settled(own_engine, evening)[date(2026, 11, 20)] == "complete"
    assert settled(own_engine, evening + timedelta(minutes=2))[date(2026, 11, 20)] == "partial"
    assert settled(own_engine, evening + timedelta(days=3))[date(2026, 11, 19)] == "complete"


def test_the_next_walk_gives_it_back(own_engine: Engine, read: Read, at: At) -> None:
    read(page(range(100, 90, -1), end="exhausted"))
    tomorrow = NOW + timedelta(days=1)
    settled(own_engine, tomorrow)
    at(tomorrow)
    read(page(range(100, 90, -1)))
    assert settled(own_engine, tomorrow)[date(2026, 11, 20)] == "complete"


def test_a_counter_is_complete_by_the_day(own_engine: Engine, read: Read) -> None:
    read(Page(ratings=(RatingRecord(NOW, 4.2, 10, storefront="fr"),), end="exhausted"))
    assert settled(own_engine, NOW + timedelta(days=1))[date(2026, 11, 20)] == "complete"


def test_what_rolled_out_of_the_feed_within_a_day_is_named(own_engine: Engine, read: Read, at: At) -> None:
    read(Page(verbatims=written(NOW - timedelta(hours=4)), end="exhausted"))
    at(NOW)
    run = read(Page(verbatims=written(NOW, NOW - timedelta(hours=1)), end="source_limit"))
    assert "lost" in run.reason
    assert ledger(own_engine)[date(2026, 11, 20)] == "partial"


def test_what_is_lost_stays_lost_when_the_next_walk_meets_what_is_known(own_engine: Engine, read: Read, at: At) -> None:
    read(Page(verbatims=written(NOW - timedelta(days=3)), end="exhausted"))
    read(Page(verbatims=written(NOW, NOW - timedelta(hours=1)), end="source_limit"))
    assert ledger(own_engine)[date(2026, 11, 20)] == "partial"
    at(NOW + timedelta(minutes=30))
    run = read(Page(verbatims=written(NOW, NOW - timedelta(hours=1))))
    assert run.outcome == "complete"
    assert ledger(own_engine)[date(2026, 11, 20)] == "partial"


def test_a_whole_reading_finds_again_what_was_lost(own_engine: Engine, read: Read) -> None:
    read(Page(verbatims=written(NOW - timedelta(days=3)), end="exhausted"))
    read(Page(verbatims=written(NOW), end="source_limit"))
    moments = [NOW - timedelta(hours=hours) for hours in (0, 5, 30, 60, 72)]
    read(Page(verbatims=written(*moments), end="exhausted"), trigger="backfill")
    assert set(ledger(own_engine).values()) == {"complete"}


def test_the_last_day_that_a_feed_shows_is_not_whole(own_engine: Engine, read: Read) -> None:
    read(Page(verbatims=written(NOW, NOW - timedelta(days=2)), end="source_limit"))
    days = ledger(own_engine)
    assert [days[date(2026, 11, day)] for day in (18, 19, 20)] == ["partial", "complete", "complete"]


def test_a_walk_asked_for_by_hand_is_a_first_one_too(own_engine: Engine, read: Read) -> None:
    assert read(page(range(100, 90, -1), end="exhausted"), trigger="manual").trigger == "first"
    assert read(page(range(101, 90, -1)), trigger="manual").trigger == "manual"


def test_an_end_that_nothing_confirms_says_what_it_means(own_engine: Engine, read: Read) -> None:
    run = read(page(range(100, 90, -1), end="unconfirmed"))
    assert run.outcome == "partial"
    assert "older ones may be missing" in run.reason
    with transaction(own_engine) as session:
        source = session.scalars(select(Source)).one()
        assert (source.failures, source.high_water, source.history_done) == (1, None, False)


def test_a_date_in_the_future_does_not_vouch_for_what_comes(own_engine: Engine, read: Read, at: At) -> None:
    ahead = NOW + timedelta(days=1)
    read(Page(verbatims=written(ahead, NOW), end="exhausted"))
    at(NOW + timedelta(hours=6))
    hour = timedelta(hours=1)
    first = Page(verbatims=written(ahead, NOW + 5 * hour, NOW + 4 * hour))
    assert read(first, AWAY).outcome == "partial"
    run = read(first, Page(verbatims=written(NOW + 3 * hour, NOW)), Page(verbatims=written(NOW)))
    assert (run.outcome, run.stored) == ("complete", 1)


def test_the_reason_of_a_defect_holds_no_statement_and_no_rows(
    own_engine: Engine, source_id: int, at: Callable[[datetime], None]
) -> None:
    at(NOW)

    class Broken(Scripted):
        def pages(self, resume: str | None = None) -> Iterator[Page]:
            with own_engine.connect() as connection:
                connection.execute(text("SELECT nothing FROM nowhere WHERE words = :words"), {"words": "un secret"})
            yield Page(end="exhausted")

    with pytest.raises(ProgrammingError):
        walk(own_engine, source_id, Broken([]), seal=Seal(b"test"))
    with transaction(own_engine) as session:
        run = session.scalars(select(Run)).one()
    assert run.outcome == "failed"
    assert "nowhere" in run.reason
    assert "secret" not in run.reason
    assert "WHERE" not in run.reason


def test_today_is_not_complete_any_more_once_the_source_is_silent(own_engine: Engine, read: Read) -> None:
    read(page([100, 99], end="exhausted"))
    assert settled(own_engine, NOW + timedelta(hours=5))[NOW.date()] == "complete"
    assert settled(own_engine, NOW + timedelta(hours=7))[NOW.date()] == "partial"

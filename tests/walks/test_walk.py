"""One walk: one outcome, nothing lost, nothing doubled, and a ledger that never calls an outage calm."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from app.db import transaction
from app.seal import Seal
from app.walk import AlreadyWalkingError, walk
from collectors.base import Page, SourceError
from models.feedback import Verbatim
from models.records import QuarantinedRow
from models.sources import Coverage, HostPause, Quarantine, Run, Source
from tests.walks.conftest import NOW, Scripted, page, record

Read = Callable[..., Run]
AWAY = SourceError("The store did not answer.", kind="unreachable")


def stored(engine: Engine) -> list[str]:
    with transaction(engine) as session:
        return list(session.scalars(select(Verbatim.external_id).order_by(Verbatim.written_at.desc())))


def ledger(engine: Engine) -> dict[date, str]:
    with transaction(engine) as session:
        return {row.day: row.state for row in session.scalars(select(Coverage))}


def source(engine: Engine) -> Source:
    with transaction(engine) as session:
        return session.scalars(select(Source)).one()


def test_a_first_walk_reads_to_the_end(own_engine: Engine, read: Read) -> None:
    run = read(page(range(100, 90, -1)), page(range(90, 80, -1), end="exhausted"))
    assert (run.outcome, run.trigger, run.pages, run.seen, run.stored) == ("complete", "first", 2, 20, 20)
    assert source(own_engine).high_water == record(100).written_at
    assert source(own_engine).history_done
    assert ledger(own_engine)[date(2026, 11, 20)] == "complete"


def test_the_next_walk_stops_where_it_meets_what_is_known(own_engine: Engine, read: Read) -> None:
    read(page(range(100, 90, -1), end="exhausted"))
    run = read(page(range(104, 98, -1)), page(range(98, 92, -1)), AWAY)
    assert (run.outcome, run.pages, run.stored) == ("complete", 2, 4)
    assert len(stored(own_engine)) == 14


def test_a_walk_that_ends_early_leaves_a_gap_that_the_next_one_closes(own_engine: Engine, read: Read) -> None:
    read(page(range(50, 40, -1), end="exhausted"))
    run = read(page(range(100, 90, -1)), AWAY)
    assert (run.outcome, run.reason) == ("partial", "The store did not answer.")
    assert source(own_engine).high_water == record(50).written_at
    run = read(page(range(100, 90, -1)), page(range(90, 48, -1)), page(range(48, 40, -1)))
    assert run.outcome == "complete"
    assert stored(own_engine) == [f"r{n}" for n in range(100, 40, -1)]


def test_a_long_walk_goes_on_from_its_place(own_engine: Engine, source_id: int, read: Read) -> None:
    read(page(range(100, 90, -1), resume="a"), page(range(90, 80, -1), resume="b"), AWAY)
    again = Scripted(
        [page(range(102, 92, -1), resume="x"), page(range(92, 82, -1), resume="y"), AWAY],
        after=[page(range(80, 70, -1), end="exhausted")],
    )
    run = walk(own_engine, source_id, again, seal=Seal(b"test"))
    assert again.resumed == [None, "b"]
    assert (run.outcome, run.stored) == ("complete", 12)
    assert stored(own_engine) == [f"r{n}" for n in range(102, 70, -1)]


def test_a_place_that_is_no_longer_valid_starts_again(own_engine: Engine, source_id: int, read: Read) -> None:
    read(page(range(100, 90, -1), resume="a"), AWAY)
    again = Scripted(
        [page(range(100, 90, -1), resume="x"), page(range(90, 80, -1), end="exhausted")],
        after=[SourceError("The token has expired.", kind="refused")],
    )
    assert walk(own_engine, source_id, again, seal=Seal(b"test")).outcome == "complete"
    assert stored(own_engine) == [f"r{n}" for n in range(100, 80, -1)]


def test_an_empty_answer_is_unknown_never_calm(own_engine: Engine, read: Read) -> None:
    read(page(range(90, 80, -1), end="exhausted"))
    run = read(Page(end="unconfirmed"))
    assert run.outcome == "empty_unconfirmed"
    assert ledger(own_engine)[NOW.date()] == "unknown"
    assert len(stored(own_engine)) == 10


def test_a_confirmed_empty_answer_is_complete(own_engine: Engine, read: Read) -> None:
    assert read(Page(end="exhausted")).outcome == "complete"
    assert ledger(own_engine)[NOW.date()] == "complete"


def test_an_outage_of_days_is_seen_and_then_filled(
    own_engine: Engine, read: Read, at: Callable[[datetime], None]
) -> None:
    read(page(range(100, 90, -1), end="exhausted"))
    at(NOW + timedelta(days=2))
    assert read(AWAY).outcome == "failed"
    days = ledger(own_engine)
    assert [days.get(NOW.date() + timedelta(days=n)) for n in range(3)] == ["unknown"] * 3  # the 20th from noon on
    at(NOW + timedelta(days=3))
    read(page(range(160, 90, -1)), page(range(100, 90, -1)))
    days = ledger(own_engine)
    assert [days.get(NOW.date() + timedelta(days=n)) for n in range(4)] == ["complete"] * 4


def test_days_that_rolled_out_of_the_feed_are_named(
    own_engine: Engine, read: Read, at: Callable[[datetime], None]
) -> None:
    read(page(range(100, 90, -1), end="exhausted"))
    at(NOW + timedelta(days=10))
    run = read(page(range(340, 220, -1), end="source_limit"))
    assert run.outcome == "complete"
    assert "lost" in run.reason
    days = ledger(own_engine)
    assert days[date(2026, 11, 23)] == "partial"
    assert days[date(2026, 11, 29)] == "complete"


def test_throttling_pauses_the_host_for_everybody(own_engine: Engine, read: Read) -> None:
    asked = SourceError("Apple asked us to slow down.", kind="throttled", retry_after=120, host="itunes.apple.com")
    run = read(asked)
    assert (run.outcome, run.reason) == ("throttled", "Apple asked us to slow down.")
    with transaction(own_engine) as session:
        pause = session.get_one(HostPause, "itunes.apple.com")
        left = pause.paused_until - session.scalar(select(func.clock_timestamp()))
    assert timedelta(seconds=100) < left <= timedelta(seconds=120)


def test_failures_come_back_sooner_than_the_rhythm_and_then_less_often(own_engine: Engine, read: Read) -> None:
    waits = []
    for _ in range(3):
        read(AWAY)
        with transaction(own_engine) as session:
            now = session.scalar(select(func.clock_timestamp()))
            waits.append(round((session.scalars(select(Source)).one().next_run_at - now).total_seconds() / 60))
    assert waits == [1, 2, 4]


def test_a_row_that_cannot_be_read_is_kept_with_its_reason_once(own_engine: Engine, read: Read) -> None:
    bad = QuarantinedRow(raw=b'{"id": "x"}', reason="no rating")
    for _ in range(2):
        run = read(Page(verbatims=(record(100),), quarantined=(bad,), end="exhausted"))
    assert run.quarantined == 1
    with transaction(own_engine) as session:
        row = session.scalars(select(Quarantine)).one()
    assert (Seal(b"tests").open_bytes(row.raw), row.reason) == (b'{"id": "x"}', "no rating")


def test_personal_data_does_not_reach_the_table(own_engine: Engine, read: Read) -> None:
    body = "Mon IBAN FR14 2004 1010 0505 0001 3M02 606, écrivez à jean.dupont@example.org ou 06 12 34 56 78"
    read(Page(verbatims=(record(100, body=body, author="Jean Dupont"),), end="exhausted"))
    with transaction(own_engine) as session:
        row = session.scalars(select(Verbatim)).one()
    everything = f"{row.body} {row.author}"
    for secret in ("2004", "3M02", "jean.dupont", "12 34 56", "Jean"):
        assert secret not in everything


def test_texts_that_postgres_cannot_hold_are_stored_all_the_same(own_engine: Engine, read: Read) -> None:
    read(Page(verbatims=(record(100, body="nul\x00 \ud800 fin", version="7\x00.2"),), end="exhausted"))
    with transaction(own_engine) as session:
        row = session.scalars(select(Verbatim)).one()
    assert (row.body, row.version) == ("nul ? fin", "7.2")


def test_two_walks_of_one_source_never_run_at_once(own_engine: Engine, source_id: int, read: Read) -> None:
    class Nested(Scripted):
        def pages(self, resume: str | None = None):  # type: ignore[no-untyped-def]
            with pytest.raises(AlreadyWalkingError):
                walk(own_engine, source_id, Scripted([]), seal=Seal(b"test"))
            yield Page(end="exhausted")

    assert walk(own_engine, source_id, Nested([]), seal=Seal(b"test")).outcome == "complete"


def test_a_defect_in_a_collector_still_ends_in_an_outcome(own_engine: Engine, source_id: int) -> None:
    class Broken(Scripted):
        def pages(self, resume: str | None = None):  # type: ignore[no-untyped-def]
            yield page([100])
            raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        walk(own_engine, source_id, Broken([]), seal=Seal(b"test"))
    with transaction(own_engine) as session:
        run = session.scalars(select(Run)).one()
    assert run.outcome == "partial"
    assert "a defect" in run.reason


def test_a_run_left_open_by_a_dead_process_is_closed(own_engine: Engine, source_id: int, read: Read) -> None:
    with transaction(own_engine) as session:
        app_id = session.scalars(select(Source)).one().app_id
        session.add(Run(app_id=app_id, source_id=source_id, trigger="schedule", started_at=NOW))
    read(Page(end="exhausted"))
    with transaction(own_engine) as session:
        outcomes = session.scalars(select(Run.outcome).order_by(Run.id)).all()
    assert outcomes == ["failed", "complete"]


def test_a_walk_that_ends_says_so_by_the_databases_clock(own_engine: Engine, source_id: int) -> None:
    """What it brought counts from its end: a look between its last page and its end could not see it whole."""
    beats: list[datetime] = []
    script = Scripted([page([3, 2, 1], end="exhausted")])
    run = walk(
        own_engine, source_id, script, seal=Seal(b"tests"), on_progress=lambda now: beats.append(now.heartbeat_at)
    )
    with transaction(own_engine) as session:
        assert session.get_one(Run, (run.app_id, run.id)).heartbeat_at > beats[-1]


def test_a_list_that_ends_below_what_is_known_has_lost_nothing(own_engine: Engine, read: Read) -> None:
    read(page(range(50, 40, -1), end="exhausted"))
    run = read(page(range(100, 45, -1), end="source_limit"))
    assert (run.outcome, run.reason) == ("complete", "")
    with transaction(own_engine) as session:
        assert "older than the source shows" not in session.scalars(select(Coverage.reason)).all()


def test_a_host_that_throttles_again_within_an_hour_is_left_alone_for_twice_as_long(
    own_engine: Engine, read: Read
) -> None:
    busy = SourceError("Slow down.", kind="throttled", host="itunes.apple.com")

    def pause() -> tuple[int, int]:
        """(strikes, seconds it still lasts), and the pause is over at once."""
        with transaction(own_engine) as session:
            kept = session.get_one(HostPause, "itunes.apple.com")
            clock = session.scalars(select(func.clock_timestamp())).one()
            left = (kept.paused_until - clock).total_seconds()
            kept.paused_until = clock - timedelta(minutes=1)
            return kept.strikes, round(left / 15) * 15

    told = []
    for _ in range(3):
        read(busy)
        told.append(pause())
    assert told == [(1, 30), (2, 60), (3, 120)]
    with transaction(own_engine) as session:
        session.get_one(HostPause, "itunes.apple.com").paused_until -= timedelta(hours=2)
    read(busy)
    assert pause() == (1, 30)

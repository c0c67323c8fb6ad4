"""A walk of daily figures: how far back it reads, what it vouches for, and what it masks."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlalchemy import Engine, select

from app.db import transaction
from collectors.base import Page, SourceError
from models.records import CrashIssueRecord, DailyCrashesRecord, ReplacedDays
from models.sources import Coverage, Run
from models.stability import CrashIssue, DailyCrashes
from tests.walks.conftest import NOW

Read = Callable[..., Run]
TODAY = NOW.date()


def week(number: int, until: datetime = NOW, **fields: object) -> Page:
    """The week of this number backwards, with one crash a day."""
    last = until.date() - timedelta(days=7 * number)
    first = last - timedelta(days=6)
    rows = tuple(DailyCrashesRecord(first + timedelta(days=n), 1) for n in range(7))
    midnight = datetime.combine(first, datetime.min.time(), until.tzinfo)
    days = (ReplacedDays(first, last, "crashes"),)
    return Page(daily_crashes=rows, replaced=days, reaches=midnight, until=until, **fields)  # type: ignore[arg-type]


def days(engine: Engine, source_id: int) -> dict[date, str]:
    with transaction(engine) as session:
        return {c.day: c.state for c in session.scalars(select(Coverage).where(Coverage.source_id == source_id))}


def test_the_first_walk_reads_all_and_the_next_only_what_may_have_changed(
    own_engine: Engine, source_id: int, read: Read, at: Callable[[datetime], None]
) -> None:
    first = read(week(0), week(1), week(2, end="source_limit"))
    assert (first.outcome, first.figures, first.pages, first.seen) == ("complete", 21, 3, 0)
    known = days(own_engine, source_id)
    assert known[TODAY] == "complete"
    assert known[TODAY - timedelta(days=19)] == "complete"
    later = NOW + timedelta(hours=6)
    at(later)
    again = read(week(0, later), week(1, later), SourceError("must not be asked"))
    assert (again.outcome, again.pages) == ("complete", 1)
    with transaction(own_engine) as session:
        assert len(session.scalars(select(DailyCrashes)).all()) == 21


def test_after_a_long_silence_the_walk_goes_back_to_what_is_known(
    own_engine: Engine, source_id: int, read: Read, at: Callable[[datetime], None]
) -> None:
    read(week(0, end="source_limit"))
    later = NOW + timedelta(days=10)
    at(later)
    run = read(week(0, later), week(1, later), SourceError("must not be asked"))
    assert (run.outcome, run.pages) == ("complete", 2)
    assert set(days(own_engine, source_id).values()) <= {"complete", "partial"}
    assert days(own_engine, source_id)[(NOW + timedelta(days=1)).date()] == "complete"


def test_the_last_three_days_before_what_is_known_are_read_again(
    own_engine: Engine, source_id: int, read: Read, at: Callable[[datetime], None]
) -> None:
    """Late devices and batches correct them: the walk goes on past the newest moment that it knows."""
    read(week(0, end="source_limit"))
    later = NOW + timedelta(hours=6)
    at(later)

    def one(ago: int) -> Page:
        day = later.date() - timedelta(days=ago)
        midnight = datetime.combine(day, datetime.min.time(), later.tzinfo)
        row = DailyCrashesRecord(day, 2)
        return Page(daily_crashes=(row,), replaced=(ReplacedDays(day, day, "crashes"),), reaches=midnight, until=later)

    again = read(*(one(ago) for ago in range(7)))
    assert (again.outcome, again.pages) == ("complete", 4)
    with transaction(own_engine) as session:
        told = {row.day: row.events for row in session.scalars(select(DailyCrashes))}
    assert [told[TODAY - timedelta(days=ago)] for ago in range(5)] == [2, 2, 2, 2, 1]


def test_a_fault_leaves_unknown_days_and_not_quiet_ones(
    own_engine: Engine, source_id: int, read: Read, at: Callable[[datetime], None]
) -> None:
    read(week(0, end="source_limit"))
    later = NOW + timedelta(days=2)
    at(later)
    assert read(SourceError("The source is down.")).outcome == "failed"
    cells = days(own_engine, source_id)
    assert cells[later.date()] == "unknown"
    assert cells[TODAY + timedelta(days=1)] == "unknown"


def test_a_source_that_publishes_late_says_nothing_of_today(own_engine: Engine, source_id: int, read: Read) -> None:
    read(week(0, NOW - timedelta(days=2), end="source_limit"))
    cells = days(own_engine, source_id)
    assert cells[(NOW - timedelta(days=2)).date()] == "complete"
    assert [cells[(NOW - timedelta(days=ago)).date()] for ago in (1, 0)] == ["held", "held"]


def test_what_a_customer_typed_into_an_exception_is_masked(own_engine: Engine, read: Read) -> None:
    issue = CrashIssueRecord("a", title="IllegalState: jean.dupont@example.com", subtitle="FR7630006000011234567890189")
    read(Page(crash_issues=(issue,), end="source_limit"))
    with transaction(own_engine) as session:
        kept = session.scalars(select(CrashIssue)).one()
    assert "example.com" not in kept.title
    assert "7630006" not in kept.subtitle

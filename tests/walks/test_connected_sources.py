"""Sources with credentials in the store: one review however it came, and a ledger that knows their windows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from app.db import transaction
from app.judge import TEXTS
from app.seal import Seal
from app.walk import walk
from collectors.base import Page
from collectors.google_play import GooglePlay
from collectors.http import Http
from collectors.pace import Pace
from collectors.play_console_csv import PlayConsoleCsv
from collectors.play_developer import WINDOW, PlayDeveloper
from collectors.registry import KINDS
from models.feedback import Verbatim
from models.ratings import RatingSnapshot
from models.records import RatingRecord
from models.rollups import DailyStars
from models.sources import Coverage, Run, Source
from tests.collectors.test_play_console_csv import REVIEWS, row, write
from tests.collectors.test_play_developer import reviews
from tests.fakes.play_api import FakePlayApi
from tests.fakes.stores import FakePlay
from tests.walks.conftest import NOW, Scripted, page, record

Read = Callable[..., Run]
APP = "com.example.bank"


def add(engine: Engine, kind: str) -> int:
    with transaction(engine) as session:
        first = session.scalars(select(Source).order_by(Source.id)).first()
        assert first is not None
        source = Source(
            app_id=first.app_id, kind=kind, channel=KINDS[kind].channel, name=kind, config={}, rhythm_minutes=60
        )
        session.add(source)
        session.flush()
        return source.id


def ledger(engine: Engine, source_id: int) -> dict[date, str]:
    with transaction(engine) as session:
        found = session.scalars(select(Coverage).where(Coverage.source_id == source_id))
        return {cell.day: cell.state for cell in found}


@pytest.mark.usefixtures("source_id", "at")
def test_a_play_review_counts_once_by_page_api_and_export(own_engine: Engine, tmp_path: Path) -> None:
    http = Http(timeout=20.0, sleep=lambda seconds: None, pace=Pace(intervals={"127.0.0.1": 0.0}), now=lambda: NOW)
    told = reviews(20)
    rows = [
        row(
            one.id,
            one.written_at,
            **{"Star Rating": str(one.stars), "Review Text": one.body, "App Version Name": "7.2.0"},
        )
        for one in told
    ]
    write(tmp_path / f"reviews_{APP}_202611.csv", REVIEWS, rows)
    key = tmp_path / "key.json"
    with FakePlay(reviews=list(told)) as page_of_play, FakePlayApi(now=NOW) as api:
        api.reviews = list(told)
        key.write_text(api.key_file())
        collectors = (
            GooglePlay(APP, "fr", "fr", page_of_play.url, http=http),
            PlayDeveloper(APP, str(key), api.url, http=http),
            PlayConsoleCsv(APP, str(tmp_path)),
        )
        runs = [
            walk(own_engine, add(own_engine, collector.kind), collector, seal=Seal(b"test")) for collector in collectors
        ]
    assert [(run.seen, run.stored, run.revised) for run in runs] == [(20, 20, 0), (20, 0, 0), (20, 0, 0)]
    with transaction(own_engine) as session:
        assert session.scalar(select(func.count()).select_from(Verbatim)) == 20
        assert session.scalar(select(func.sum(DailyStars.n))) == 20
        # What only the API and the export tell is added to what the page told.
        assert set(session.scalars(select(Verbatim.device))) == {"a52q"}
        assert set(session.scalars(select(Verbatim.kind))) == {"google_play"}


def test_a_window_without_old_rows_is_no_loss(
    own_engine: Engine, source_id: int, read: Read, at: Callable[..., None]
) -> None:
    first = page([100], end="source_limit", reaches=NOW - WINDOW)
    assert read(first).outcome == "complete"
    later = NOW + timedelta(days=2)
    at(later)
    fresh = replace(record(200), written_at=later - timedelta(hours=1))
    run = read(Page((fresh,), end="source_limit", reaches=later - WINDOW))
    assert "lost" not in run.reason
    days = ledger(own_engine, source_id)
    assert {days[date(2026, 11, day)] for day in range(15, 23)} == {"complete"}
    # Nobody looked for nine days: what lies before the window is lost, and said to be.
    again = later + timedelta(days=9)
    at(again)
    fresh = replace(record(300), written_at=again - timedelta(hours=1))
    run = read(Page((fresh,), end="source_limit", reaches=again - WINDOW))
    assert "lost" in run.reason
    assert ledger(own_engine, source_id)[date(2026, 11, 23)] == "partial"


def test_a_late_source_vouches_for_no_day_that_it_has_not_seen(own_engine: Engine, source_id: int, read: Read) -> None:
    until = datetime(2026, 11, 17, 12, tzinfo=UTC)
    read(page(range(40, 10, -1), end="exhausted", until=until))
    days = ledger(own_engine, source_id)
    assert days[date(2026, 11, 17)] == "complete"
    assert [days[date(2026, 11, day)] for day in (18, 19, 20)] == ["held"] * 3
    assert max(days) == date(2026, 11, 20)
    # What comes later settles the days that were awaited.
    read(page(range(90, 10, -1), end="exhausted", until=until + timedelta(days=2)))
    assert [ledger(own_engine, source_id)[date(2026, 11, n)] for n in (18, 19, 20)] == ["complete"] * 2 + ["held"]


def test_a_late_source_has_no_say_in_whether_today_is_read() -> None:
    assert "play_console_csv" not in TEXTS
    assert {"google_play_api", "app_store_connect", "google_play"} <= set(TEXTS)


def test_an_average_without_a_number_is_kept_as_unknown(own_engine: Engine, source_id: int, read: Read) -> None:
    days = [RatingRecord(NOW - timedelta(days=n), 4.3, None) for n in (2, 1)]
    read(page([100], ratings=tuple(days), end="exhausted"))
    read(page([100], ratings=tuple(days), end="exhausted"))
    with transaction(own_engine) as session:
        kept = list(session.scalars(select(RatingSnapshot)))
    assert {(one.average, one.count) for one in kept} == {(4.3, None)}


def test_connect_and_the_feed_do_not_share_their_ids(own_engine: Engine, source_id: int, read: Read) -> None:
    read(page([100], end="exhausted"))
    other = add(own_engine, "app_store_connect")
    run = walk(
        own_engine, other, Scripted([page([100], end="exhausted")], kind="app_store_connect"), seal=Seal(b"test")
    )
    # The same id is another review there; both kinds on for one storefront count twice, as docs/sources.md says.
    assert run.stored == 1

"""What users of other review monitors complain about in collecting, one test each: it must not happen here.

The numbers are those of the list that the project began with; each test walks a real collector against a store on
loopback, into a real database.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.context import Context
from app.doctor import examine
from app.jobs import collect
from app.judge import judge
from app.setup import add_listing
from models.apps import App
from models.feedback import Revision, Verbatim
from models.incidents import Delivery, Destination, Incident
from models.ratings import RatingSnapshot
from models.releases import build_names
from models.rollups import DailyStars
from models.sources import Coverage, HostPause, Quarantine, Run, Source
from tests.collectors.test_play_console_csv import REVIEWS, row, write
from tests.fakes.play_api import FakePlayApi, PlayApiReview
from tests.fakes.stores import (
    Empty,
    FakeAppStore,
    FakePlay,
    Fault,
    Html,
    Review,
    Status,
    Undated,
    some_reviews,
)
from tests.walks.conftest import at, context  # noqa: F401  fixtures

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
APP = "com.example.bank"


@dataclass
class Bench:
    context: Context
    at: Callable[[datetime], None]

    def app(self) -> int:
        with self.context.transaction() as session:
            found = session.scalars(select(App)).first()
            if found is None:
                found = App(name="Banque")
                session.add(found)
                session.flush()
            return found.id

    def source(self, kind: str, channel: str, **config: Any) -> int:
        app_id = self.app()
        with self.context.transaction() as session:
            made = Source(app_id=app_id, kind=kind, channel=channel, name=kind, config=config, rhythm_minutes=60)
            session.add(made)
            session.flush()
            return made.id

    def apple(self, store: FakeAppStore) -> int:
        return self.source("app_store_feed", "app_store", app_id=store.app_id, storefront="fr", app_store_url=store.url)

    def play(self, store: FakePlay, kind: str = "google_play") -> int:
        return self.source(kind, "google_play", app_id=store.app_id, lang="fr", google_play_url=store.url)

    def play_api(self, api: FakePlayApi, folder: Path) -> int:
        key = folder / "key.json"
        key.write_text(api.key_file())
        config = {"app_id": api.app_id, "key_file": str(key), "android_publisher_url": api.url}
        return self.source("google_play_api", "google_play", **config)

    def read(self, source_id: int, hours: float = 0, trigger: str = "schedule") -> Run:
        self.at(NOW + timedelta(hours=hours))
        run = collect(self.context, source_id, trigger)
        assert run is not None
        return run

    def count(self, model: Any, *where: Any) -> int:
        with self.context.transaction() as session:
            return session.scalar(select(func.count()).select_from(model).where(*where)) or 0

    def ids(self) -> set[str]:
        with self.context.transaction() as session:
            return set(session.scalars(select(Verbatim.external_id)))

    def ledger(self, source_id: int) -> dict[date, str]:
        with self.context.transaction() as session:
            cells = session.scalars(select(Coverage).where(Coverage.source_id == source_id))
            return {cell.day: cell.state for cell in cells}


@pytest.fixture
def bench(context: Context, at: Callable[[datetime], None]) -> Bench:  # noqa: F811
    return Bench(context, at)


@pytest.fixture
def apple() -> Iterator[FakeAppStore]:
    with FakeAppStore(reviews=some_reviews(120)) as store:
        yield store


@pytest.fixture
def play() -> Iterator[FakePlay]:
    with FakePlay(reviews=some_reviews(450, play=True)) as store:
        yield store


def test_01_an_empty_answer_at_random_is_unknown_and_never_zero(bench: Bench, apple: FakeAppStore) -> None:
    apple.fail(Empty(), times=99, path="/rss/")
    source = bench.apple(apple)
    run = bench.read(source)
    assert (run.outcome, "unknown, not calm" in run.reason) == ("empty_unconfirmed", True)
    assert set(bench.ledger(source).values()) == {"unknown"}
    # Once the feed speaks again, nothing is missing.
    with FakeAppStore(reviews=list(apple.reviews)) as well:
        with bench.context.transaction() as session:
            config = {"app_id": well.app_id, "storefront": "fr", "app_store_url": well.url}
            session.get_one(Source, source).config = config
        assert (bench.read(source, 1).outcome, bench.ids()) == ("complete", {one.id for one in apple.reviews})
    assert bench.ledger(source)[NOW.date()] == "complete"


def test_02_reviews_that_come_back_on_other_pages_count_once(bench: Bench, apple: FakeAppStore) -> None:
    first = apple.reviews[0]

    def push(request: Any) -> Fault | None:
        if "page=2/" in request.path and len(apple.reviews) == 120:
            for number in range(3):
                written = first.written_at + timedelta(minutes=1 + number)
                apple.add(replace(first, id=str(99_000 + number), written_at=written))
        return None

    apple.script = push
    run = bench.read(bench.apple(apple))
    assert "had been read before in this walk" in run.reason
    assert bench.ids() == {one.id for one in apple.reviews}
    assert bench.count(Verbatim) == 123
    with bench.context.transaction() as session:
        assert session.scalar(select(func.sum(DailyStars.n))) == 123


def test_03_a_list_that_google_cuts_short_is_no_end_and_is_read_on(bench: Bench, play: FakePlay) -> None:
    source = bench.play(play)
    play.script = lambda request: Empty() if request.number >= 2 else None
    assert bench.read(source).outcome == "partial"
    assert bench.count(Verbatim) == 398
    assert NOW.date() not in bench.ledger(source) or bench.ledger(source)[NOW.date()] != "complete"
    play.script = lambda request: None
    assert bench.read(source, 1).outcome == "complete"
    assert bench.ids() == {one.id for one in play.reviews}
    # One cookie jar a walk: the cookie that Google sets comes back to it.
    assert any("NID" in request.headers.get("cookie", "") for request in play.requests)


def test_04_tokens_that_come_round_again_end_the_walk_with_its_reason(bench: Bench, play: FakePlay) -> None:
    play.circle = True
    run = bench.read(bench.play(play))
    assert (run.outcome, "again and again" in run.reason) == ("partial", True)
    assert bench.ids() == {one.id for one in play.reviews}
    assert len(play.requests) < 12


@pytest.mark.parametrize(
    ("fault", "outcome"), [(Html(), "failed"), (Status(500), "failed"), (Status(403), "throttled")]
)
def test_05_no_error_is_swallowed(bench: Bench, apple: FakeAppStore, fault: Fault, outcome: str) -> None:
    bench.context.http.sleep = lambda seconds: None
    apple.fail(fault, times=99)
    source = bench.apple(apple)
    run = bench.read(source)
    assert run.outcome == outcome
    assert len(run.reason) > 20
    assert bench.ledger(source)[NOW.date()] == "unknown"


def test_06_a_429_holds_everybody_back_and_the_next_walk_goes_on(bench: Bench, play: FakePlay) -> None:
    source = bench.play(play)
    play.script = lambda request: Status(429, (("retry-after", "120"),)) if request.number == 1 else None
    run = bench.read(source)
    assert (run.outcome, run.stored) == ("throttled", 199)
    with bench.context.transaction() as session:
        pause = session.scalars(select(HostPause)).one()
        now = session.scalar(select(func.clock_timestamp()))
        assert now is not None
        assert 100 < (pause.paused_until - now).total_seconds() <= 120
    asked = len(play.requests)
    assert collect(bench.context, source, "schedule") is None
    assert len(play.requests) == asked
    with bench.context.transaction() as session:
        session.delete(session.scalars(select(HostPause)).one())
    bench.context.http.pace = type(bench.context.http.pace)(0.0)
    assert bench.read(source, 1).outcome == "complete"
    assert bench.ids() == {one.id for one in play.reviews}


def test_07_play_is_one_corpus_a_language_and_no_country_is_offered(bench: Bench, play: FakePlay) -> None:
    with bench.context.transaction() as session:
        found = {"store": "google_play", "app_id": APP, "name": "Banque", "storefront": "fr", "lang": "fr"}
        added = add_listing(session, found, ["fr", "be", "ch"], ["fr"])
        assert [source.kind for source in added.sources] == ["google_play", "google_play_details"]
    source = bench.play(play)
    bench.read(source)
    with bench.context.transaction() as session:
        assert set(session.scalars(select(Verbatim.storefront))) == {""}


def test_08_ratings_and_reviews_are_two_series(bench: Bench, play: FakePlay) -> None:
    bench.read(bench.play(play))
    bench.read(bench.play(play, "google_play_details"))
    with bench.context.transaction() as session:
        counter = session.scalars(select(RatingSnapshot)).one()
        columns = (DailyStars.s1, DailyStars.s2, DailyStars.s3, DailyStars.s4, DailyStars.s5)
        stars = [session.scalar(select(func.sum(column))) or 0 for column in columns]
        assert counter.count == play.page.ratings
        assert sum(stars) == bench.count(Verbatim) == 450
        mean = sum((n + 1) * count for n, count in enumerate(stars)) / sum(stars)
    written = sum(one.stars for one in play.reviews) / len(play.reviews)
    assert mean == pytest.approx(written)
    assert counter.average is not None
    assert counter.average != pytest.approx(mean)


def test_09_play_keeps_seven_days_so_somebody_is_told_two_days_before_and_the_export_reconciles(
    bench: Bench, tmp_path: Path
) -> None:
    def review(number: int, hours: float) -> PlayApiReview:
        return PlayApiReview(str(uuid.UUID(int=number, version=4)), NOW + timedelta(hours=hours), 2, f"avis {number}")

    with FakePlayApi(now=NOW) as api:
        api.reviews = [review(n, -n) for n in range(1, 6)]
        source = bench.play_api(api, tmp_path)
        assert bench.read(source).outcome == "complete"
        with bench.context.transaction() as session:
            session.add(Destination(kind="inbox", name="inbox", config={}))
        # Nobody reads for five days: two are left.
        later = NOW + timedelta(days=5, minutes=5)
        with bench.context.transaction() as session:
            judge(session, bench.app(), later, base_url="http://x")
        assert bench.count(Incident, Incident.rule == "loss_ahead", Incident.severity == "alert") == 1
        assert bench.count(Delivery) >= 1
        # It is read again after nine days only: the API has lost two reviews, the export knows them.
        lost = [review(100 + n, 24 + n) for n in range(2)]
        api.now = NOW + timedelta(days=9)
        api.reviews = [review(50, 8 * 24), *lost, *api.reviews]
        run = bench.read(source, 9 * 24)
        assert "some days are lost" in run.reason
        assert not {one.id for one in lost} & bench.ids()
        assert bench.ledger(source)[NOW.date() + timedelta(days=1)] == "partial"
    rows = [row(one.id, one.written_at, **{"Star Rating": "2", "Review Text": one.body}) for one in lost]
    write(tmp_path / f"reviews_{APP}_202611.csv", REVIEWS, rows)
    export = bench.source("play_console_csv", "google_play", app_id=APP, folder=str(tmp_path))
    assert bench.read(export, 10 * 24).stored == 2
    assert {one.id for one in lost} <= bench.ids()


def test_10_an_edit_is_a_revision_and_not_a_new_review(bench: Bench, apple: FakeAppStore) -> None:
    source = bench.apple(apple)
    bench.read(source)
    edited = apple.reviews[3]
    changed = {"stars": 5 if edited.stars < 5 else 1, "body": "Corrigé, merci"}
    apple.edit(edited.id, **changed, written_at=NOW + timedelta(hours=1))
    run = bench.read(source, 2)
    assert (run.stored, run.revised) == (0, 1)
    with bench.context.transaction() as session:
        now = session.scalars(select(Verbatim).where(Verbatim.external_id == edited.id)).one()
        before = session.scalars(select(Revision)).one()
        assert (before.stars, before.body, now.body, now.revision) == (edited.stars, edited.body, "Corrigé, merci", 1)
        assert now.edited_at == NOW + timedelta(hours=1)
        assert session.scalar(select(func.sum(DailyStars.n))) == 120


def test_11_no_review_without_its_dates_and_the_three_are_kept_apart(bench: Bench, apple: FakeAppStore) -> None:
    apple.script = lambda request: Undated() if request.path.endswith("json") else None
    source = bench.apple(apple)
    run = bench.read(source)
    assert (run.outcome, "the JSON feed gives no dates" in run.reason) == ("complete", True)
    told = {one.id: one.written_at.replace(microsecond=0) for one in apple.reviews}
    with bench.context.transaction() as session:
        for one in session.scalars(select(Verbatim)):
            assert one.written_at == told[one.external_id]
            assert (one.first_seen_at, one.edited_at) == (NOW, None)


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as there:
        there.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_away")
def test_12_times_do_not_depend_on_the_machines_zone_and_days_are_the_apps(bench: Bench, play: FakePlay) -> None:
    # The clocks of Paris went back on 25 October 2026 at 01:00 UTC; the day had 25 hours.
    moments = [
        (datetime(2026, 10, 24, 21, 59, 59, tzinfo=UTC), date(2026, 10, 24)),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), date(2026, 10, 26)),
    ]
    play.reviews = [
        Review(str(uuid.UUID(int=n + 1, version=4)), moment, 3, f"avis {n}") for n, (moment, _) in enumerate(moments)
    ][::-1]
    bench.read(bench.play(play))
    with bench.context.transaction() as session:
        stored = session.execute(select(Verbatim.written_at, Verbatim.day).order_by(Verbatim.written_at)).all()
    assert [(moment, day) for moment, day in stored] == moments


def test_13_missing_fields_cost_nothing_and_a_bad_row_only_itself(bench: Bench, tmp_path: Path, play: FakePlay) -> None:
    def worn(told: list[Any]) -> Any:
        if told[0] == play.reviews[1].id:
            told[10] = None  # no version
        if told[0] == play.reviews[2].id:
            told[1] = None  # no author
        if told[0] == play.reviews[3].id:
            told[2] = 9  # impossible stars
        return told

    play.row = worn
    run = bench.read(bench.play(play))
    assert (run.stored, run.quarantined) == (449, 1)
    assert bench.count(Quarantine) == 1
    with bench.context.transaction() as session:
        rows = {one.external_id: one for one in session.scalars(select(Verbatim))}
        assert (rows[play.reviews[1].id].version, rows[play.reviews[1].id].version_origin) == ("", "")
        assert rows[play.reviews[2].id].author is None
    # A build whose version another review told gets that name, and is no guess.
    with FakePlayApi(now=NOW) as api:
        api.reviews = [
            PlayApiReview(str(uuid.uuid4()), NOW - timedelta(hours=1), 4, "a", version="7.2.0", code=720),
            PlayApiReview(str(uuid.uuid4()), NOW - timedelta(hours=2), 4, "b", version=None, code=720),  # type: ignore[arg-type]
        ]
        bench.read(bench.play_api(api, tmp_path), 1)
        with bench.context.transaction() as session:
            assert build_names(session, bench.app(), "google_play") == {"720": "7.2.0"}
            one = session.scalars(select(Verbatim).where(Verbatim.external_id == api.reviews[1].id)).one()
            assert (one.version, one.version_origin) == ("7.2.0", "reported")


class Killed(BaseException):
    """The process ends here."""


def test_14_after_a_restart_nothing_is_missed_and_nothing_comes_twice(bench: Bench, play: FakePlay) -> None:
    source = bench.play(play)

    def die(run: Run) -> None:
        if run.pages == 2:
            raise Killed

    bench.at(NOW)
    with pytest.raises(Killed):
        collect(bench.context, source, "schedule", die)
    assert bench.count(Verbatim) == 398
    play.add(Review(str(uuid.UUID(int=999_999, version=4)), NOW, 1, "écrit pendant la panne"))
    run = bench.read(source, 1)
    assert (run.outcome, run.stored) == ("complete", 53)
    assert bench.ids() == {one.id for one in play.reviews}
    # No window of ids: a walk over what is known stores nothing, however much there is.
    assert [bench.read(source, hours).stored for hours in (2, 3)] == [0, 0]


def test_16_the_doctor_tries_each_right_and_says_which_is_missing(bench: Bench, tmp_path: Path) -> None:
    with FakePlayApi(now=NOW) as api:
        bench.play_api(api, tmp_path)
        api.forbidden = "forbidden"
        found = {one.name: one for one in examine(bench.context)}
    assert found["google_play_api: Google Play Developer API key"].works
    reviews = found["google_play_api: Google Play Developer API reviews"]
    assert (reviews.works, "“Reply to reviews”" in reviews.message) == (False, True)

"""When a look may alert: not about history, not about a day that is half read, and never muted for ever."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts.life import Finding
from app import judge as judging
from app.db import transaction
from models.apps import App
from models.own import Reading
from models.sources import Coverage, Run, Source

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)


@dataclass
class Looked:
    """What judge() asked of the rules, in place of the rules; `found` is what they find, `told` what became of it."""

    until_counts: list[bool] = field(default_factory=list)
    quiet: list[bool] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looked]:
    seen = Looked()

    def look(*_: Any, until_counts: bool) -> list[Any]:
        seen.until_counts.append(until_counts)
        return seen.found

    def reconcile(_: Any, __: Any, findings: Iterable[Finding], *, quiet: bool | None = None, **___: Any) -> list[Any]:
        seen.told += [one.key for one in findings]
        if quiet is not None:  # silent sources are told apart, and never quietly
            seen.quiet.append(quiet)
        return []

    monkeypatch.setattr(judging, "look", look)
    monkeypatch.setattr(judging, "reconcile", reconcile)
    return seen


def finding(rule: str, subject: str) -> Finding:
    return Finding(rule, subject, "alert", 5.0, TODAY, TODAY, 1, TODAY, TODAY, 10.0, {})


@dataclass
class Bench:
    engine: Engine
    app_id: int

    def source(
        self,
        *,
        done: bool = True,
        seen: int = 5,
        read: timedelta | None = timedelta(minutes=5),
        trigger: str = "schedule",
        outcome: str = "running",
    ) -> int:
        """A source whose first run was an hour ago, and that read today completely `read` ago."""
        with transaction(self.engine) as session:
            source = Source(
                app_id=self.app_id,
                kind="app_store_feed",
                channel="app_store",
                name="source",
                config={},
                rhythm_minutes=30,
                history_done=done,
                high_water=NOW - timedelta(hours=1),
            )
            session.add(source)
            session.flush()
            begun = NOW - timedelta(hours=1)
            session.add(
                Run(
                    app_id=self.app_id,
                    source_id=source.id,
                    trigger=trigger,
                    outcome=outcome,
                    started_at=begun,
                    seen=seen,
                )
            )
            if read is not None:
                session.add(
                    Coverage(
                        app_id=self.app_id, source_id=source.id, day=TODAY, state="complete", checked_at=NOW - read
                    )
                )
            return source.id

    def judge(self, now: datetime = NOW, *, quiet: bool = False) -> None:
        with transaction(self.engine) as session:
            judging.judge(session, self.app_id, now, base_url="", quiet=quiet)


@pytest.fixture
def bench(own_engine: Engine) -> Bench:
    with transaction(own_engine) as session:
        app = App(name="Banque")
        session.add(app)
        session.flush()
        return Bench(own_engine, app.id)


def test_today_counts_when_every_source_was_just_read(bench: Bench, looked: Looked) -> None:
    bench.source()
    bench.source()
    bench.judge()
    assert (looked.until_counts, looked.quiet) == ([True], [False])


def test_today_does_not_count_when_one_was_not_read(bench: Bench, looked: Looked) -> None:
    bench.source()
    bench.source(read=None)
    bench.judge()
    assert looked.until_counts == [False]


def test_today_does_not_count_when_one_was_read_long_ago(bench: Bench, looked: Looked) -> None:
    bench.source()
    bench.source(read=timedelta(hours=4))
    bench.judge()
    assert looked.until_counts == [False]


def test_today_does_not_count_where_nothing_is_read(bench: Bench, looked: Looked) -> None:
    bench.judge()
    assert looked.until_counts == [False]


def test_half_a_history_is_judged_quietly(bench: Bench, looked: Looked) -> None:
    bench.source()
    bench.source(done=False)
    bench.judge()
    assert looked.quiet == [True]


def test_what_is_asked_to_be_quiet_is(bench: Bench, looked: Looked) -> None:
    bench.source()
    bench.judge(quiet=True)
    assert looked.quiet == [True]


@pytest.mark.parametrize("trigger", ["first", "backfill", "import"])
def test_the_first_look_after_history_is_quiet_whoever_asked_for_it(bench: Bench, looked: Looked, trigger: str) -> None:
    """A look that waited for another source may run first, and a worker may die before it asks for a quiet one."""
    bench.source()
    bench.judge()
    bench.source(trigger=trigger, outcome="complete")
    bench.judge()
    bench.judge()
    assert looked.quiet == [False, True, False]


def test_a_look_that_fails_leaves_the_quiet_one_to_the_next(
    bench: Bench, looked: Looked, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.source(trigger="first", outcome="complete")
    with monkeypatch.context() as broken:
        broken.setattr(judging, "remind", None)
        with pytest.raises(TypeError):
            bench.judge()
    bench.judge()
    assert looked.quiet == [True, True]


def test_what_comes_in_while_a_look_is_under_way_is_history_for_the_next(
    bench: Bench, looked: Looked, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.source()

    def meanwhile(*_: Any, **__: Any) -> int:
        bench.source(trigger="backfill", outcome="complete")
        return 0

    with monkeypatch.context() as slow:
        slow.setattr(judging, "remind", meanwhile)
        bench.judge()
    bench.judge()
    assert looked.quiet == [False, True]


@pytest.mark.parametrize("fields", [{"seen": 0}, {"trigger": "schedule"}, {"trigger": "manual"}])
def test_a_walk_that_brought_no_history_mutes_nothing(bench: Bench, looked: Looked, fields: dict[str, Any]) -> None:
    bench.source()
    bench.source(**{"trigger": "first", "outcome": "complete", **fields})
    bench.judge()
    assert looked.quiet == [False]


def test_a_first_walk_that_ends_early_again_and_again_mutes_its_app_for_two_days_at_most(
    bench: Bench, looked: Looked
) -> None:
    bench.source()
    bench.source(done=False, trigger="first", outcome="throttled")
    bench.judge(NOW + timedelta(days=3))
    assert looked.quiet == [False]


def test_a_source_that_never_brought_anything_does_not_mute_the_app(bench: Bench, looked: Looked) -> None:
    """A storefront where the app is not: its walk never ends well."""
    bench.source()
    bench.source(done=False, seen=0, read=None)
    bench.judge()
    assert (looked.until_counts, looked.quiet) == ([True], [False])


def test_a_history_that_never_comes_to_its_end_does_not_mute_the_app_for_ever(bench: Bench, looked: Looked) -> None:
    bench.source()
    bench.source(done=False)
    bench.judge(NOW + timedelta(days=3))
    assert looked.quiet == [False]


def test_a_look_takes_back_days_whose_evening_nobody_read(bench: Bench, looked: Looked) -> None:
    bench.source()
    bench.judge(NOW + timedelta(days=1))
    with transaction(bench.engine) as session:
        assert session.scalars(select(Coverage.state)).all() == ["partial"]
    assert looked.until_counts == [False]


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"total": 9}, True),
        ({"total": 9, "ended_at": NOW}, False),
        ({"total": 0}, False),
        ({"total": 9, "updated_at": NOW - timedelta(days=2000)}, False),
    ],
)
def test_while_everything_is_read_again_no_topic_is_said_to_rise(
    bench: Bench, looked: Looked, fields: dict[str, Any], held: bool
) -> None:
    """The oldest are read first: a topic that a new model hears less often would stand out in the newest days."""
    bench.source()
    stars, topic = finding("rating_drop", "app"), finding("new_irritant", "topic:login")
    looked.found = [stars, topic, finding("burst", "topic:login"), finding("burst", "app")]
    with transaction(bench.engine) as session:
        session.add(Reading(app_id=bench.app_id, model="new", **fields))
    bench.judge()
    kept = [("rating_drop", "app"), ("burst", "app")]
    assert looked.told == (kept if held else [one.key for one in looked.found])

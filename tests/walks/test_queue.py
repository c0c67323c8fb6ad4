"""The schedule asks once for what is due, a walk that waits never stands in for a backfill, and no job is stuck."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import procrastinate
import pytest
from procrastinate.exceptions import ConnectorException
from sqlalchemy import Engine, func, select, text

from app import jobs as jobs_module
from app.context import Context
from app.db import make_engine, transaction
from app.doctor import examine
from app.jobs import ask_for_walk, collect, collect_task, tasks
from app.queue import Queue
from app.scheduler import ask_for_due_walks, ask_for_looks, lead
from app.worker import Beat, _take_back, run_jobs
from collectors.registry import KINDS
from models.sources import HostPause, Run, Source
from tests.walks.conftest import Scripted, page


def jobs(context: Context) -> list[tuple[str, str, dict[str, Any]]]:
    with context.transaction() as session:
        rows = session.execute(text("SELECT task_name, status::text, args FROM procrastinate_jobs ORDER BY id")).all()
    return [(row[0], row[1], row[2]) for row in rows]


def change(context: Context, source_id: int, **values: Any) -> None:
    with context.transaction() as session:
        source = session.get_one(Source, source_id)
        for name, value in values.items():
            setattr(source, name, value)


def wait_until(found: Callable[[], Any], patience: float = 20.0) -> Any:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.02)
    raise AssertionError("not seen in time")


def test_what_is_due_is_asked_for_once(context: Context, queue: Queue, source_id: int) -> None:
    assert ask_for_due_walks(context, queue) == 1
    assert ask_for_due_walks(context, queue) == 0
    assert [(name, state) for name, state, _ in jobs(context)] == [("cocoon:collect", "todo")]
    with context.transaction() as session:
        wait = session.get_one(Source, source_id).next_run_at - session.scalar(select(func.clock_timestamp()))
    assert 29 * 60 < wait.total_seconds() <= 30 * 60


@pytest.mark.parametrize("values", [{"enabled": False}, {"rhythm_minutes": None}])
def test_what_is_off_or_has_no_rhythm_is_not_asked_for(
    context: Context, queue: Queue, source_id: int, values: dict[str, Any]
) -> None:
    change(context, source_id, **values)
    assert ask_for_due_walks(context, queue) == 0
    assert jobs(context) == []


def test_a_queue_that_does_not_answer_leaves_the_source_due(context: Context, queue: Queue, source_id: int) -> None:
    class Away:
        def ask(self, *_: Any, **__: Any) -> bool:
            raise ConnectorException

    assert ask_for_due_walks(context, Away()) == 0  # type: ignore[arg-type]
    assert ask_for_due_walks(context, queue) == 1


def test_every_app_is_looked_at_even_when_nothing_comes(context: Context, queue: Queue, source_id: int) -> None:
    ask_for_looks(context, queue)
    asked = {name: arguments for name, _, arguments in jobs(context)}
    assert set(asked) == {"cocoon:judge", "cocoon:irritants"}
    assert asked["cocoon:judge"]["quiet"] is False


def test_a_walk_that_waits_does_not_swallow_a_backfill(context: Context, queue: Queue, source_id: int) -> None:
    with context.transaction() as session:
        source = session.get_one(Source, source_id)
    asked = [ask_for_walk(queue.ask, source, trigger) for trigger in ("schedule", "manual", "backfill", "backfill")]
    assert asked == [True, False, True, False]
    assert [arguments["trigger"] for _, _, arguments in jobs(context)] == ["schedule", "backfill"]


def paused(context: Context, source_id: int) -> datetime:
    """A source whose host wants to be left alone for an hour; it is read once a day."""
    with context.transaction() as session:
        clock = session.scalars(select(func.clock_timestamp())).one()
        session.add(HostPause(host=KINDS["app_store_feed"].host({}), paused_until=clock + timedelta(hours=1)))
    change(
        context,
        source_id,
        config={"app_id": "12", "storefront": "fr"},
        rhythm_minutes=1440,
        next_run_at=clock + timedelta(days=1),
    )
    return clock + timedelta(hours=1)


def test_a_source_whose_host_is_paused_is_read_when_the_pause_ends(context: Context, source_id: int) -> None:
    pause = paused(context, source_id)
    assert collect(context, source_id, "schedule") is None
    with context.transaction() as session:
        assert session.get_one(Source, source_id).next_run_at == pause
        assert session.scalars(select(Run)).all() == []


@pytest.mark.parametrize(("trigger", "later"), [("backfill", 1), ("schedule", 0)])
def test_a_backfill_whose_host_is_paused_waits_for_the_end_of_the_pause(
    context: Context, queue: Queue, source_id: int, trigger: str, later: int
) -> None:
    pause = paused(context, source_id)
    collect_task(SimpleNamespace(additional_context={"context": context, "queue": queue}), source_id, 1, trigger)  # type: ignore[arg-type]
    with context.transaction() as session:
        waiting = session.execute(text("SELECT args ->> 'trigger', scheduled_at FROM procrastinate_jobs")).all()
    assert [tuple(row) for row in waiting] == [("backfill", pause)] * later


@pytest.fixture
def dead(context: Context, queue: Queue) -> Iterator[int]:
    """A job that a worker was doing when it died."""
    queue.ask("judge", "app:1", app_id=1, quiet=False)
    with context.transaction() as session:
        worker = session.scalar(
            text(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '10 minutes') RETURNING id"
            )
        )
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id"), {"id": worker})
    return int(worker or 0)


def take_back(context: Context, until: Callable[[], bool]) -> None:
    """Let the keeper go round until something is seen; what it raises is raised."""

    async def keep() -> None:
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=context.conninfo))
        app.add_tasks_from(tasks(), namespace="cocoon")
        async with app.open_async():
            keeper = asyncio.create_task(_take_back(app, Beat()))
            end = time.monotonic() + 60
            while not until() and not keeper.done() and time.monotonic() < end:
                await asyncio.sleep(0.05)
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    asyncio.run(keep())
    assert until()


def test_the_job_of_a_dead_worker_waits_again(context: Context, dead: int) -> None:
    take_back(context, lambda: [state for _, state, _ in jobs(context)] == ["todo"])


def test_a_dead_workers_job_that_was_asked_for_again_does_not_block_the_queue(
    context: Context, queue: Queue, dead: int
) -> None:
    assert queue.ask("judge", "app:1", app_id=1, quiet=False)
    take_back(context, lambda: [state for _, state, _ in jobs(context)] == ["todo"])


def test_a_worker_that_starts_again_after_a_fault_still_knows_its_jobs(context: Context, queue: Queue) -> None:
    for _ in range(2):
        stop = threading.Event()
        thread = threading.Thread(target=run_jobs, args=(context, queue, Beat(), stop), daemon=True)
        thread.start()
        queue.ask("irritants", "irritants:1", app_id=1)
        wait_until(lambda: [state for _, state, _ in jobs(context)] not in (["todo"], ["doing"]))
        stop.set()
        thread.join(timeout=20)
        assert not thread.is_alive()
        assert jobs(context) == []  # what was done is gone; what failed would stand here


def test_a_job_that_failed_is_told_by_doctor(context: Context, queue: Queue) -> None:
    queue.ask("judge", "app:1", app_id=1, quiet="not a flag", nonsense=True)
    stop = threading.Event()
    thread = threading.Thread(target=run_jobs, args=(context, queue, Beat(), stop), daemon=True)
    thread.start()
    wait_until(lambda: [state for _, state, _ in jobs(context)] == ["failed"])
    found = {one.name: one for one in examine(context, offline=True)}
    stop.set()
    thread.join(timeout=20)
    assert not found["job judge"].works
    assert "1 times in the last 24 hours" in found["job judge"].message


def test_reading_again_takes_one_worker_at_most(context: Context, queue: Queue) -> None:
    for app_id in (1, 2):
        queue.ask("reread", f"reread:{app_id}", app_id=app_id)
        queue.ask("judge", f"app:{app_id}", app_id=app_id)
    with context.transaction() as session:
        locks = session.execute(text("SELECT task_name, count(DISTINCT lock) FROM procrastinate_jobs GROUP BY 1"))
        assert dict(locks.all()) == {"cocoon:reread": 1, "cocoon:judge": 2}


def test_one_leads_and_another_takes_over(context: Context, queue: Queue, source_id: int, own_engine: Engine) -> None:
    change(context, source_id, enabled=False)
    other = make_engine(context.url)
    stops = [threading.Event(), threading.Event()]
    beats = [Beat(), Beat()]
    both = [context, replace(context, engine=other)]
    threads = [
        threading.Thread(target=lead, args=(each, queue, beat, stop), daemon=True)
        for each, beat, stop in zip(both, beats, stops, strict=True)
    ]

    def leaders() -> int:
        with transaction(own_engine) as session:
            return session.scalar(
                text(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
                    " (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            ) or 0  # fmt: skip

    threads[0].start()
    wait_until(lambda: leaders() == 1)
    threads[1].start()
    wait_until(lambda: "scheduler" in beats[1].ages())
    assert leaders() == 1
    stops[0].set()
    threads[0].join(10)
    wait_until(lambda: leaders() == 1)  # the other one, two seconds later at most
    change(context, source_id, enabled=True)
    wait_until(lambda: any(name == "cocoon:collect" for name, _, _ in jobs(context)))
    stops[1].set()
    threads[1].join(10)
    assert leaders() == 0
    other.dispose()


def test_whoever_begins_to_lead_has_every_app_looked_at(context: Context, queue: Queue, source_id: int) -> None:
    change(context, source_id, enabled=False)  # nothing to read: the look is asked for all the same
    stop = threading.Event()
    thread = threading.Thread(target=lead, args=(context, queue, Beat(), stop), daemon=True)
    thread.start()
    wait_until(lambda: {"cocoon:judge", "cocoon:irritants"} <= {name for name, _, _ in jobs(context)})
    stop.set()
    thread.join(10)


def test_a_source_whose_settings_are_impossible_has_a_run_that_says_so(context: Context, source_id: int) -> None:
    change(context, source_id, config={"app_id": "no number", "storefront": "fr"})
    run = collect(context, source_id, "schedule")
    assert run is not None
    assert run.outcome == "failed"
    assert "no number" in run.reason
    with context.transaction() as session:
        assert session.scalars(select(Run.outcome)).all() == ["failed"]


@pytest.mark.parametrize(
    ("trigger", "known", "looks"),
    [("schedule", True, 0), ("schedule", False, 1), ("manual", True, 0), ("backfill", True, 1)],
)
def test_an_app_is_looked_at_before_history_comes_in(
    context: Context, source_id: int, monkeypatch: pytest.MonkeyPatch, trigger: str, known: bool, looks: int
) -> None:
    """What other sources have brought by then is told; the look after the history is quiet about all of it."""
    change(context, source_id, config={"app_id": "12", "storefront": "fr"}, history_done=known)
    done: list[str] = []
    read = jobs_module.walk
    monkeypatch.setattr(jobs_module, "judge", lambda *_, **__: done.append("look"))
    monkeypatch.setattr(jobs_module, "build", lambda *_: Scripted([page([1], end="exhausted")]))
    monkeypatch.setattr(jobs_module, "walk", lambda *told, **more: (done.append("walk"), read(*told, **more))[1])
    run = collect(context, source_id, trigger)
    assert run is not None
    assert run.trigger == (trigger if known else "first")
    assert done == ["look"] * looks + ["walk"]

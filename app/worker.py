"""The threads of a worker: jobs from the queue, deliveries from the outbox, the scheduler that one process leads."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import procrastinate
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status

from app.context import Context
from app.jobs import tasks
from app.queue import Queue

log = logging.getLogger(__name__)

HEARTBEAT = 5.0
LOST_AFTER = 30.0
"""Seconds without a heartbeat after which a worker is taken for dead and its jobs are taken back."""


class Beat:
    """When each loop of this process last went round; /readyz tells what is late."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def tick(self, name: str) -> None:
        """Say that a loop is alive."""
        self._last[name] = time.monotonic()

    def ages(self) -> dict[str, float]:
        """Seconds since each loop's last tick."""
        now = time.monotonic()
        return {name: now - at for name, at in self._last.items()}


class Loop(threading.Thread):
    """A thread that runs `body(stop)` again after any fault, a little later each time, until it is stopped."""

    def __init__(self, name: str, body: Callable[[threading.Event], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._body = body
        self.stopping = threading.Event()

    def run(self) -> None:
        """Run until stopped."""
        pause = 0.5
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                self._body(self.stopping)
            except Exception:
                if self.stopping.is_set():
                    return
                log.exception("loop failed and starts again", extra={"loop": self.name})
            pause = 0.5 if time.monotonic() - began > 60 else min(pause * 2, 30.0)
            self.stopping.wait(pause)

    def stop(self) -> None:
        """Ask it to end."""
        self.stopping.set()


class Threads(ThreadPoolExecutor):
    """A thread for each job that the end of the process does not wait for: a walk may sit in a request for a minute.

    What such a job had committed stays; the job itself is taken back by the next worker, as after a kill.
    """

    _ended = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it in a thread of its own."""
        future: Future[Any] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                if not self._ended:
                    future.set_exception(error)
            else:
                if not self._ended:
                    future.set_result(result)

        threading.Thread(target=run, name="job", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Listen to none of them any more."""
        self._ended = True


def run_jobs(context: Context, queue: Queue, beat: Beat, stop: threading.Event) -> None:
    """Take jobs from the queue until stopped."""
    asyncio.run(_run_jobs(context, queue, beat, stop))


async def _run_jobs(context: Context, queue: Queue, beat: Beat, stop: threading.Event) -> None:
    asyncio.get_running_loop().set_default_executor(Threads())
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=context.conninfo, min_size=1, max_size=context.settings.workers + 3
        )
    )
    app.add_tasks_from(tasks(), namespace="cocoon")
    async with app.open_async():
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=context.settings.workers,
                fetch_job_polling_interval=1.0,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=LOST_AFTER,
                shutdown_graceful_timeout=5.0,
                install_signal_handlers=False,
                delete_jobs="successful",
                additional_context={"context": context, "queue": queue, "stop": stop},
            )
        )
        keeper = asyncio.create_task(_take_back(app, beat))
        watcher = asyncio.create_task(_until(stop))
        await asyncio.wait({worker, keeper, watcher}, return_when=asyncio.FIRST_COMPLETED)
        failed = next((task for task in (worker, keeper) if task.done() and task.exception()), None)
        for task in (worker, keeper):
            task.cancel()
        for task in (worker, keeper):
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        if failed is not None:
            watcher.cancel()
            failed.result()  # raises what it failed with, for the loop that starts us again


async def _until(stop: threading.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(0.1)


async def _take_back(app: procrastinate.App, beat: Beat) -> None:
    """Give the jobs of a worker that died (kill -9) to the living ones."""
    while True:
        beat.tick("jobs")
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=LOST_AFTER):
            log.warning("job taken back from a dead worker", extra={"job": job.id, "task": job.task_name})
            try:
                await app.job_manager.retry_job(job)
            except UniqueViolation:  # the same job is waiting already, held up by this one: that one is enough
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            except ConnectorException as error:
                log.info("job not taken back", extra={"job": job.id, "reason": str(error)})
        await asyncio.sleep(HEARTBEAT)

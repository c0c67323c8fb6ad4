"""What the queue runs: read a source, judge an app. Plain functions over a Context, so that a shell can call them."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import procrastinate
from procrastinate import JobContext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.context import Context
from app.judge import judge
from app.own_reading import sync
from app.queue import Queue
from app.walk import AlreadyWalkingError, Progress, walk
from collectors.base import Collector, Page, Probe, SourceError
from collectors.registry import KINDS, build
from models.apps import App
from models.sources import HostPause, Run, Source

log = logging.getLogger(__name__)

_JOBS: dict[str, Callable[..., None]] = {}


def _job(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def keep(function: Callable[..., None]) -> Callable[..., None]:
        _JOBS[name] = function
        return function

    return keep


def tasks() -> procrastinate.Blueprint:
    """What a worker can be asked for, made anew: an app that takes a blueprint in renames the blueprint's tasks.

    One that is taken in twice, by a worker that starts again after a fault, would know no job by its name any more.
    """
    made = procrastinate.Blueprint()
    for name, function in _JOBS.items():
        made.task(name=name, pass_context=True, retry=False)(function)
    return made


def collect(context: Context, source_id: int, trigger: str, on_progress: Progress | None = None) -> Run | None:
    """Read one source now. None where it is off, being read elsewhere, or its host asked for a pause."""
    with context.transaction() as session:
        source = session.get(Source, source_id)
        if source is None or (not source.enabled and trigger == "schedule") or source.kind not in KINDS:
            return None
        kind = source.kind
        config = context.source_config(source)
        sync(session, context.settings)
        if trigger == "backfill":
            config.pop("cursor", None)  # everything again, not what changed since
        pause = _paused_until(session, KINDS[kind].host(config))
        if pause is not None:
            source.next_run_at = pause  # its turn is not lost: a source of one walk a day would wait for another day
            return None
        history = trigger == "backfill" or not source.history_done
    collector: Collector
    try:
        collector = build(kind, config, context.http)
    except SourceError as fault:
        collector = _Unbuilt(kind, fault)  # a run with its reason, not a job that fails unseen
    if history:
        look_before_history(context, source.app_id)
    try:
        return walk(context.engine, source_id, collector, seal=context.seal, trigger=trigger, on_progress=on_progress)
    except AlreadyWalkingError:
        log.info("already walking", extra={"source": source_id})
        return None


def look_before_history(context: Context, app_id: int) -> None:
    """Tell what can be seen now, before history comes in: what is first seen with it is shown, never sent."""
    with context.transaction() as session:
        judge(session, app_id, clock.now(), base_url=context.settings.base_url)


@dataclass
class _Unbuilt:
    """A source whose settings cannot be used: reading it raises the reason."""

    kind: str
    fault: SourceError

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Raise the reason."""
        raise self.fault

    def probe(self) -> list[Probe]:
        """Tell the reason."""
        return [Probe(self.kind, False, str(self.fault))]


def _paused_until(session: Session, host: str) -> datetime | None:
    """Until when a host asked to be left alone, None where it may be called."""
    return session.scalar(
        select(HostPause.paused_until).where(HostPause.host == host, HostPause.paused_until > func.clock_timestamp())
    )


@_job("collect")
def collect_task(job: JobContext, source_id: int, app_id: int, trigger: str = "schedule") -> None:
    """Read a source; then have its app judged. A backfill whose host is paused is asked for again after the pause."""
    context: Context = job.additional_context["context"]
    queue: Queue = job.additional_context["queue"]
    run = collect(context, source_id, trigger)
    if run is None and trigger == "backfill":
        _after_the_pause(context, queue, source_id)
    if run is not None:
        queue.ask("judge", f"app:{app_id}", app_id=app_id)
        queue.ask("irritants", f"irritants:{app_id}", app_id=app_id)


@_job("judge")
def judge_task(job: JobContext, app_id: int, quiet: bool = False) -> None:
    """Look at an app's numbers and write what changed about its incidents."""
    context: Context = job.additional_context["context"]
    with context.transaction() as session:
        judge(session, app_id, clock.now(), base_url=context.settings.base_url, quiet=quiet)


@_job("irritants")
def irritants_task(job: JobContext, app_id: int) -> None:
    """Bring an app's irritants up to date with its counts."""
    from app.irritants import refresh
    from app.language_model import teller
    from app.tell_irritants import tell

    context: Context = job.additional_context["context"]
    with context.transaction() as session:
        app = session.get(App, app_id)
        if app is not None:
            now = clock.now()
            refresh(session, app_id, now, today=now.astimezone(ZoneInfo(app.timezone)).date())
    tell(context.engine, app_id, teller(context.settings))


def ask_for_walk(ask: Callable[..., Any], source: Source, trigger: str, at: datetime | None = None) -> bool:
    """Have a source read by any worker, not before `at`; `ask` is Queue.ask. False when that is already waiting.

    A walk that waits is no substitute for a backfill: it stops at what is known.
    """
    manner = trigger if trigger == "backfill" else ""
    subject = f"source:{source.id}"
    later = {} if at is None else {"at": at}
    return bool(
        ask("collect", subject, manner=manner, source_id=source.id, app_id=source.app_id, trigger=trigger, **later)
    )


def _after_the_pause(context: Context, queue: Queue, source_id: int) -> None:
    with context.transaction() as session:
        source = session.get(Source, source_id)
        if source is None or source.kind not in KINDS:
            return
        pause = _paused_until(session, KINDS[source.kind].host(context.source_config(source)))
        if pause is not None:
            ask_for_walk(queue.ask, source, "backfill", pause)


@_job("read_hook")
def read_hook_task(job: JobContext, hook_id: int, app_id: int) -> None:
    """Read what other systems told by webhook; then have the app judged."""
    from app.inbound import process

    context: Context = job.additional_context["context"]
    queue: Queue = job.additional_context["queue"]
    if process(context, hook_id):
        queue.ask("judge", f"app:{app_id}", app_id=app_id, quiet=False)


def ask_for_rereads(session: Session, queue: Any) -> list[int]:
    """Have what an older model read understood again, app by app. Returns the apps."""
    apps = list(session.scalars(select(App.id).order_by(App.id)))
    for app_id in apps:
        queue.ask("reread", f"reread:{app_id}", app_id=app_id)
    return apps


@_job("reread")
def reread_task(job: JobContext, app_id: int) -> None:
    """Understand again what an older model had read; a worker that stops leaves the rest for the next start."""
    from app.reread import reread

    context: Context = job.additional_context["context"]
    queue: Queue = job.additional_context["queue"]
    if reread(context, app_id, stop=job.additional_context["stop"].is_set):
        queue.ask("irritants", f"irritants:{app_id}", app_id=app_id)


@_job("train")
def train_task(job: JobContext, actor: str) -> None:
    """Adapt the models to the installation's own stars and corrections, and have everything read again with them."""
    from app.training import train

    context: Context = job.additional_context["context"]
    with context.transaction() as session:
        train(session, context.settings, actor=actor)
    with context.transaction() as session:
        ask_for_rereads(session, job.additional_context["queue"])


@_job("replay")
def replay_task(job: JobContext, source_id: int) -> None:
    """Read the quarantined rows of a source once more."""
    from app.quarantine import replay_source

    replay_source(job.additional_context["context"], source_id)


@_job("prove")
def prove_task(job: JobContext, name: str) -> None:
    """Try a credential that was entered, and put it in use where every source could read with it."""
    from app.credentials import prove

    prove(job.additional_context["context"], name)

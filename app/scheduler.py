"""When things happen: one APScheduler leads, by an advisory lock on Postgres; what it asks for, any worker does."""

import logging
import threading
from datetime import datetime, timedelta
from functools import partial

from apscheduler.schedulers.background import BackgroundScheduler
from procrastinate.exceptions import ConnectorException
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from alerts.own import watch_looks, watch_senders
from app import clock
from app.canary import fly
from app.context import Context
from app.digests import write_letters
from app.inbound import waiting
from app.jobs import ask_for_rereads as ask_again
from app.jobs import ask_for_walk
from app.queue import Queue
from app.worker import Beat
from models.apps import App
from models.sources import Source

log = logging.getLogger(__name__)

TICK_SECONDS = 1
LOOK_MINUTE = 7  # of every hour, by the clock: a process that is often started again still looks
LEADER_SECONDS = 2.0
LETTER_SECONDS = 20
HOOK_SECONDS = 20
WATCH_SECONDS = 30


def lead(context: Context, queue: Queue, beat: Beat, stop: threading.Event) -> None:
    """Wait to be the leader; then keep the schedule until stopped or until the lock's connection is lost."""
    with context.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(text("SELECT pg_try_advisory_lock(hashtext('cocoon:leader'))")):
            beat.tick("scheduler")
            if stop.wait(LEADER_SECONDS):
                return
        # Late is better than never: by default a look that is a second late (a busy machine) is left out for an hour.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        schedule = BackgroundScheduler(timezone="UTC", job_defaults=defaults)
        schedule.add_job(lambda: ask_for_due_walks(context, queue), "interval", seconds=TICK_SECONDS)
        schedule.add_job(lambda: ask_for_looks(context, queue), "cron", minute=LOOK_MINUTE)
        schedule.add_job(lambda: ask_for_hooks(context, queue), "interval", seconds=HOOK_SECONDS)
        schedule.add_job(lambda: write_due_letters(context), "interval", seconds=LETTER_SECONDS)
        since = connection.scalar(select(func.clock_timestamp())) or clock.now()
        schedule.add_job(lambda: watch_the_telling(context, since), "interval", seconds=WATCH_SECONDS)
        # Once, at the start: a look may have failed with the database, and a new version may bring a new model.
        schedule.add_job(lambda: ask_for_looks(context, queue))
        schedule.add_job(lambda: ask_for_rereads(context, queue))
        schedule.start()
        log.info("leading the schedule")
        try:
            while not stop.wait(LEADER_SECONDS):
                beat.tick("scheduler")
                connection.execute(text("SELECT 1"))  # raises when the lock's connection is gone: another leads now
        finally:
            schedule.shutdown(wait=False)
            if not connection.invalidated:
                connection.execute(text("SELECT pg_advisory_unlock(hashtext('cocoon:leader'))"))


def ask_for_due_walks(context: Context, queue: Queue) -> int:
    """Ask for every source whose time has come. Returns how many were asked for.

    The job is asked for before the next date is committed: whatever dies in between, it is asked for twice (and reads
    once, by its lock), never not at all.
    """
    try:
        with context.transaction() as session:
            due = session.scalars(
                select(Source)
                .where(
                    Source.enabled,
                    Source.rhythm_minutes.is_not(None),
                    (Source.next_run_at.is_(None)) | (Source.next_run_at <= func.clock_timestamp()),
                )
                .with_for_update(skip_locked=True)
            ).all()
            now = session.scalar(select(func.clock_timestamp()))
            asked = 0
            for source in due:
                asked += ask_for_walk(queue.ask, source, "schedule")
                # A walk writes its own next date when it ends; until then this keeps the tick from asking again.
                source.next_run_at = now + timedelta(minutes=source.rhythm_minutes or 60) if now else None
        return asked
    except (SQLAlchemyError, ConnectorException):
        log.warning("the schedule could not be read; next tick tries again", exc_info=True)
        return 0


def ask_for_looks(context: Context, queue: Queue) -> None:
    """Have every app judged, so that incidents also calm down when nothing new comes."""
    with context.transaction() as session:
        apps = session.scalars(select(App.id)).all()
    for app_id in apps:
        queue.ask("judge", f"app:{app_id}", app_id=app_id, quiet=False)
        queue.ask("irritants", f"irritants:{app_id}", app_id=app_id)


def ask_for_hooks(context: Context, queue: Queue) -> None:
    """Have webhooks read whose own job was never asked for (a process that died after it had stored them)."""
    with context.transaction() as session:
        hooks = waiting(session)
    for hook_id, app_id in hooks:
        queue.ask("read_hook", f"hook:{hook_id}", hook_id=hook_id, app_id=app_id)


def ask_for_rereads(context: Context, queue: Queue) -> None:
    """Have the verbatims that an older model read understood again, app by app."""
    with context.transaction() as session:
        ask_again(session, queue)


def watch_the_telling(context: Context, since: datetime) -> None:
    """See that what is due leaves, that every app is looked at, and that the day's canary arrives.

    `since`: when this process began to ask for looks.
    """
    for watch in (watch_senders, partial(watch_looks, since=since), fly):
        try:
            with context.transaction() as session:
                watch(session, now=clock.now(), base_url=context.settings.base_url)
        except SQLAlchemyError:
            log.warning("the telling could not be watched; the next round tries again", exc_info=True)


def write_due_letters(context: Context) -> None:
    """Put the letters that are due into the outbox."""
    try:
        with context.transaction() as session:
            write_letters(session, clock.now(), base_url=context.settings.base_url)
    except SQLAlchemyError:
        log.warning("letters could not be written; the next round tries again", exc_info=True)

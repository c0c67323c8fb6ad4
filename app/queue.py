"""The job queue: procrastinate on our Postgres. What the jobs do is in app.jobs; here is how they are asked for.

At least once: a job may run again after its worker died, so each is idempotent. A lock per subject (a source, an app)
keeps two workers from doing the same thing at once; a queueing lock keeps one waiting job per subject.
"""

import logging
from datetime import datetime
from typing import Any

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued

log = logging.getLogger(__name__)

ONE_AT_A_TIME = frozenset({"reread"})
"""Jobs that take long: several, for several apps, would leave no worker for what is to be collected and looked at."""


class Queue:
    """Asks for jobs, from any thread. Open it once a process; close it at the end."""

    def __init__(self, conninfo: str) -> None:
        self._app = procrastinate.App(
            connector=procrastinate.SyncPsycopgConnector(conninfo=conninfo, min_size=1, max_size=2)
        )
        self._app.open()

    def ask(self, job: str, subject: str, *, manner: str = "", at: datetime | None = None, **arguments: Any) -> bool:
        """Ask for a job on a subject ("source:7"), not before `at`. False when the same job is already waiting.

        `manner` tells apart what must not stand in for each other: a walk is no substitute for a backfill.
        """
        once = f"{job}:{subject}:{manner}" if manner else f"{job}:{subject}"
        try:
            lock = job if job in ONE_AT_A_TIME else subject
            task = self._app.configure_task(f"cocoon:{job}", lock=lock, queueing_lock=once, schedule_at=at)
            task.defer(**arguments)
        except AlreadyEnqueued:
            return False
        return True

    def close(self) -> None:
        """Let the connections go."""
        self._app.close()

"""The story's clock: what "now" is for dates that people read (looks, coverage, openings).

Machinery that must not jump (leases, retries, schedules, heartbeats) uses the database's clock instead. Only the demo
and the acceptance tests replace this one.
"""

from collections.abc import Callable
from datetime import UTC, datetime


def _real() -> datetime:
    return datetime.now(UTC)


_now: Callable[[], datetime] = _real


def now() -> datetime:
    """The present moment, aware UTC."""
    return _now()


def replace(source: Callable[[], datetime] | None) -> None:
    """Take the time from `source` (None: the real clock again)."""
    global _now  # noqa: PLW0603  one clock a process is the point
    _now = source or _real

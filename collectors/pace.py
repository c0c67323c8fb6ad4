"""Manners towards a host: a shortest time between two requests, and silence for as long as it asked for."""

import threading
import time
from collections.abc import Callable, Mapping

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
FIRST_HOLD = 60.0
LONGEST_HOLD = 900.0


class Pace:
    """The pace towards every host, shared by all walks of this process; safe from several threads.

    `interval` is the shortest time in seconds between two requests to one host; `intervals` names exceptions.
    Loopback is neither paced nor left alone unless named. After a refusal to serve (429) a host is left alone as long
    as it asked, or 60 s, doubling to 15 minutes with each further refusal, until it serves again.
    """

    def __init__(
        self,
        interval: float = 1.0,
        intervals: Mapping[str, float] | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = interval
        self._intervals = dict(intervals or {})
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}
        self._held_until: dict[str, float] = {}
        self._refusals: dict[str, int] = {}

    def interval(self, host: str) -> float:
        """Return the shortest time between two requests to this host, in seconds."""
        return self._intervals.get(host, 0.0 if host in LOOPBACK else self._interval)

    def held(self, host: str) -> float:
        """Return for how many seconds this host still wants to be left alone (0: it does not)."""
        with self._lock:
            return max(0.0, self._held_until.get(host, 0.0) - self._clock())

    def wait(self, host: str) -> None:
        """Wait for the next free slot of this host; slots are handed out in order of asking."""
        with self._lock:
            now = self._clock()
            slot = max(now, self._free_at.get(host, now))
            self._free_at[host] = slot + self.interval(host)
        if slot > now:
            self._sleep(slot - now)

    def hold(self, host: str, seconds: float | None) -> float:
        """Leave the host alone for what it asked, or for a time that doubles; return that time in seconds."""
        with self._lock:
            refusals = self._refusals.get(host, 0)
            self._refusals[host] = refusals + 1
            lasting = seconds if seconds is not None else min(LONGEST_HOLD, FIRST_HOLD * 2.0 ** min(refusals, 10))
            if host in self._intervals or host not in LOOPBACK:
                self._held_until[host] = self._clock() + lasting
            return lasting

    def served(self, host: str) -> None:
        """Note that the host serves again."""
        with self._lock:
            self._refusals.pop(host, None)
            self._held_until.pop(host, None)

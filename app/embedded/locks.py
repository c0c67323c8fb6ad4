"""Advisory locks (flock) on files of the data folder: the kernel frees them however a process ends."""

import os
import sys
import time
import weakref
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_OPEN: "weakref.WeakSet[Lock]" = weakref.WeakSet()
_PAUSE = 0.01  # seconds between two tries; flock has no time-out of its own


class Lock:
    """A flock on `path`; the file is created 0600 if missing and never removed (removing it would split the lock)."""

    def __init__(self, path: Path, owner: tuple[int, int] | None = None) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if owner is not None and os.fstat(self.fd).st_uid != owner[0]:
            os.fchown(self.fd, *owner)
        _OPEN.add(self)

    def take(self, *, shared: bool = False, wait: float = 0.0) -> bool:
        """Take the lock, trying for `wait` seconds; False where another process keeps it."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        end = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(self.fd, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= end:
                    return False
                time.sleep(_PAUSE)
            else:
                return True

    def free(self) -> None:
        """Give the lock back and keep the file open."""
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of this descriptor; the lock is free when no process holds a copy of it any more."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _close_all() -> None:
    for lock in _OPEN:
        lock.close()


# A forked copy of this process (multiprocessing) must not keep the folder locked after we have ended.
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_close_all)

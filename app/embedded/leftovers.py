"""What an earlier server left behind: processes that still shut down, and a postmaster.pid that names a stranger."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from app.embedded.folder import Layout
from app.embedded.locks import Lock
from app.embedded.problems import EmbeddedError

_LINUX: bool = sys.platform == "linux"
_PATIENCE = 0.3  # seconds in which the processes of a dead server normally go by themselves


def clear_leftovers(layout: Layout, server_lock: Lock, wait: float) -> None:
    """Take `server_lock`, that is: wait until no process of an earlier server is left; then judge its postmaster.pid.

    A server without its owner is asked to shut down (PR_SET_PDEATHSIG or the watcher normally did already); backends
    without their postmaster are ended, for a long query would not notice for minutes that it is alone.
    Raises EmbeddedError where they do not go within `wait` seconds, or where a server that is not ours runs here.
    """
    end = time.monotonic() + wait
    while not server_lock.take(wait=_PATIENCE):
        postmaster = running_postmaster(layout.cluster)
        if postmaster is not None:
            _signal(postmaster, signal.SIGINT)
        else:
            for pid in _processes_in(layout.cluster):
                _signal(pid, signal.SIGQUIT)
        if time.monotonic() > end:
            raise EmbeddedError(f"The last database server of {layout.data} is still shutting down: try again shortly.")
    # Only a server started by other means can be here now. A pid that belongs to another program (pids are few and
    # soon used again in a container) would make Postgres refuse to start.
    stranger = running_postmaster(layout.cluster)
    if stranger is not None:
        raise EmbeddedError(
            f"Another Postgres (process {stranger}) already runs on {layout.cluster}: stop it, or set DATABASE_URL."
        )
    (layout.cluster / "postmaster.pid").unlink(missing_ok=True)


def running_postmaster(cluster: Path) -> int | None:
    """The pid in postmaster.pid if that process lives and is the Postgres of this cluster."""
    try:
        pid = abs(int((cluster / "postmaster.pid").read_text().split("\n", 1)[0]))
    except (FileNotFoundError, ValueError):
        return None
    if pid == os.getpid():
        return None
    if _LINUX:
        # A process that is gone, a zombie or another program has another folder, or none that can be read.
        return pid if _works_in(pid, cluster) else None
    said = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
    return pid if "postgres" in said else None


def _processes_in(cluster: Path) -> Iterator[int]:
    if _LINUX:
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and _works_in(int(entry.name), cluster):
                yield int(entry.name)


def _works_in(pid: int, cluster: Path) -> bool:
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        return name == "postgres" and Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)

"""Start a program of Postgres as our direct child, with the user it needs and a life tied to ours."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.embedded.account import Account

# Tie the program's life to ours by a watcher on a pipe; Linux has PR_SET_PDEATHSIG instead.
WATCHER = sys.platform != "linux"
_LAUNCH = Path(__file__).with_name("launch.py")
# Nothing of our environment: PGDATA, PGPORT, PGOPTIONS or a foreign LC_ALL would change what the server does.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass
class Child:
    """A running program and, where a watcher does the kernel's work, our end of its pipe."""

    process: subprocess.Popen[bytes]
    pipe: int = field(default=-1)

    def close(self) -> None:
        """Close our end of the pipe once the program is gone."""
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1


def start(
    program: list[str],
    account: Account,
    *,
    output: IO[bytes] | int,
    keep: int = -1,
) -> Child:
    """Start `program` as `account`; `output` gets what it says, `keep` is a descriptor that it inherits."""
    return _from_lasting_thread(lambda: _start(program, account, output, keep, WATCHER))


def _start(program: list[str], account: Account, output: IO[bytes] | int, keep: int, watcher: bool) -> Child:
    read = write = -1
    if watcher:
        read, write = os.pipe()
    uid, gid = (account.uid, account.gid) if account.switch else (-1, -1)
    way = "watch" if watcher else "pdeath"
    numbers = [os.getpid(), uid, gid, way, read, keep]
    command = [sys.executable, "-I", "-S", str(_LAUNCH), *map(str, numbers), *program]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program and paths
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
            pass_fds=[fd for fd in (read, keep) if fd >= 0],
        )
    except BaseException:
        if write >= 0:
            os.close(write)
        raise
    finally:
        if read >= 0:
            os.close(read)
    return Child(process, write)


def _from_lasting_thread(make: Callable[[], Child]) -> Child:
    """Call `make` in a thread that outlives the child: PR_SET_PDEATHSIG fires at the end of the forking *thread*."""
    if threading.current_thread() is threading.main_thread():
        return make()
    answer: queue.SimpleQueue[Child | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            child = make()
        except BaseException as error:  # handed to the caller
            answer.put(error)
            return
        answer.put(child)
        child.process.wait()

    threading.Thread(target=run, name="cocoon-postgres", daemon=True).start()
    made = answer.get()
    if isinstance(made, BaseException):
        raise made
    return made

"""Seats: processes of ours at one data folder, which are all gone, with their servers, after each test."""

import contextlib
import json
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
UNPRIVILEGED = "nobody"


class Seat:
    """A running `tests.embedded.seat`."""

    def __init__(self, data: Path, *options: str, user: str | None = None, before: list[str] | None = None) -> None:
        self.process = subprocess.Popen(
            [
                *(before or []),
                sys.executable,
                "-m",
                "tests.embedded.seat",
                str(data),
                *options,
                *((f"--user={user}",) if user else ()),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.defpath, "PGPORT": "1", "PGDATA": "/nonexistent"},
            process_group=0,
        )
        self.hello: dict[str, Any] = {}

    def greet(self) -> dict[str, Any]:
        self.hello = self.read()
        return self.hello

    def read(self, patience: float = 60) -> dict[str, Any]:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], patience)
        assert ready, "the seat says nothing"
        line = self.process.stdout.readline()
        assert line, f"the seat ended with {self.process.wait()}"
        return dict(json.loads(line))

    def tell(self, *words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write((" ".join(words) + "\n").encode())
        self.process.stdin.flush()

    def ask(self, *words: str) -> dict[str, Any]:
        self.tell(*words)
        return self.read()

    def sql(self, text: str) -> list[Any]:
        answer = self.ask("sql", text)
        return list(answer["rows"])

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate(timeout=30)


def gone(pid: int, patience: float = 5) -> bool:
    """Whether process `pid` ends within `patience` seconds (a zombie has ended)."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def servers_in(folder: Path) -> list[int]:
    """The processes of Postgres that work in a cluster under `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if str((entry / "cwd").readlink()).startswith(f"{folder}/"):
                    found.append(int(entry.name))
    return found


@pytest.fixture
def home() -> Iterator[Path]:
    """A short, empty folder in /tmp that everybody may enter; no server may be left in it."""
    folder = Path(tempfile.mkdtemp(prefix="ce", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    left = [pid for pid in servers_in(folder) if not gone(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder)
    assert not left, "a server outlived its test"


@pytest.fixture
def sit(home: Path) -> Iterator[Callable[..., Seat]]:
    """Open a seat at a data folder; all are closed at the end."""
    seats: list[Seat] = []

    def open_seat(data: Path, *options: str, greet: bool = True, **how: Any) -> Seat:
        seat = Seat(data, *options, **how)
        seats.append(seat)
        if greet:
            seat.greet()
        return seat

    yield open_seat
    for seat in reversed(seats):
        seat.end()
        for stream in (seat.process.stdin, seat.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def code_must_be_open() -> None:
    """Skip where root's own folders hide this checkout from the unprivileged user, who has to run it."""
    closed = [folder for folder in (ROOT, *ROOT.parents) if not folder.stat().st_mode & stat.S_IXOTH]
    if closed:
        pytest.skip(f"{closed[0]} is closed to other users, and this test runs the checkout as one")


@pytest.fixture(params=["self", pytest.param("other", marks=pytest.mark.skipif(not AS_ROOT, reason="only root can"))])
def user(request: pytest.FixtureRequest, home: Path) -> str | None:
    """Run as who we are and, for root, as an unprivileged user too, to whom `home` then belongs."""
    if request.param == "self":
        return None
    code_must_be_open()
    shutil.chown(home, UNPRIVILEGED)
    return UNPRIVILEGED

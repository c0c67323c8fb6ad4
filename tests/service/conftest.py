"""The real `cocoon` command as a process, on a data folder of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@dataclass
class Cocoon:
    """Processes of one installation."""

    data: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def env(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COCOON_", "DATABASE_"))}  # noqa: TID251
        return {
            **inherited,
            "COCOON_DATA": str(self.data),
            "COCOON_PORT": str(self.port),
            "COCOON_HOST_INTERVAL_MS": "0",
            "COCOON_SIGN_IN": "no",  # as the owner of this machine; tests/service/test_people.py signs in
            "PYTHONUNBUFFERED": "1",
            **self.environment,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            env=self.env(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env=self.env(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=120,
        )

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"{self.base}{path}", timeout=10) as reply:
                body, status = reply.read().decode(), reply.status
        except urllib.error.HTTPError as error:
            body, status = error.read().decode(), error.code
        except OSError:
            return 0, None
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body

    def wait_for(self, what: str, found: Callable[[], Any], patience: float = 60.0) -> Any:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if answer := found():
                return answer
            time.sleep(0.05)
        raise AssertionError(f"not seen within {patience:.0f} s: {what}")

    def up(self) -> subprocess.Popen[str]:
        process = self.start("up")
        self.wait_for("ready", lambda: self.get("/readyz")[0] == 200)
        return process

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self.processes:
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


@pytest.fixture
def cocoon() -> Iterator[Cocoon]:
    with tempfile.TemporaryDirectory(prefix="cocoon-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # so that the server's user can reach what is in it
        installation = Cocoon(Path(folder) / "data", free_port())
        yield installation
        installation.stop()

"""The process that runs the server of a data folder: start, watch, start again, stop."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from app.embedded import binaries, child, folder
from app.embedded.account import Account
from app.embedded.folder import Layout, State
from app.embedded.leftovers import clear_leftovers
from app.embedded.locks import Lock
from app.embedded.problems import EmbeddedError, from_output

DATABASE = "cocoon"
_PAUSE = 0.005  # seconds between two looks at postmaster.pid
_RECOVERY = 900.0  # seconds that a living server may take to replay its log: stopping it would only start it over
_STOP_FAST = 60.0  # seconds for the clean shutdown (it writes a checkpoint) before an immediate one
_STOP_IMMEDIATE = 5.0
_SHARED_MEMORY = 256_000_000  # bytes that parallel queries may want; a container has 64 MB unless told otherwise


@dataclass(eq=False)
class Owner:
    """Holds `owner_lock` from before the start until after the stop."""

    layout: Layout
    account: Account
    owner_lock: Lock
    guests_lock: Lock
    fsync: bool
    wait: float
    sockets: str = ""
    running: child.Child | None = None
    _process: int = field(default_factory=os.getpid)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    @property
    def pid(self) -> int:
        """The pid of the server (0 before the start)."""
        return self.running.process.pid if self.running else 0

    def start(self) -> None:
        """Make the cluster if there is none, start the server and tell the guests where it is."""
        atexit.register(self.stop)
        try:
            self._run()
            self._ensure_database()
            folder.write_state(self.layout, State(self.sockets, self.pid, self._process), self.account)
        except BaseException:
            self.stop()
            raise

    def alive(self) -> bool:
        """Whether our child runs."""
        return self.running is not None and self.running.process.poll() is None

    def revive(self) -> None:
        """Start the server again if it has died. Raises EmbeddedError; the next call tries again."""
        with self._turn:
            if self.alive():
                return
            if self.owner_lock.fd < 0:
                raise EmbeddedError("The database server was stopped on purpose.")
            if self.running is not None:
                self.running.close()
            self._run()
            folder.write_state(self.layout, State(self.sockets, self.pid, self._process), self.account)

    def stop(self, wait_for_guests: float = 0) -> None:
        """Wait for the guests, shut down cleanly, give the folder free. Harmless in a forked copy of this process."""
        if os.getpid() != self._process:
            return
        with self._turn:
            if self.owner_lock.fd < 0:
                return
            self.guests_lock.take(wait=wait_for_guests)  # while we hold it, nobody new sits down
            self.layout.state.unlink(missing_ok=True)
            self._shut_down()
            if self.sockets and not Path(self.sockets).is_relative_to(self.layout.data):
                shutil.rmtree(self.sockets, ignore_errors=True)
            self.guests_lock.close()
            self.owner_lock.close()
            atexit.unregister(self.stop)

    def _run(self) -> None:
        layout, account = self.layout, self.account
        server_lock = Lock(layout.server_lock, account.owner)
        try:
            clear_leftovers(layout, server_lock, self.wait)
            version = folder.cluster_version(layout)
            programs = binaries.within_reach(binaries.find(version), account, layout.data)
            if version is None:
                folder.make_cluster(layout, programs, account, keep=server_lock.fd, fsync=self.fsync)
            self.sockets = self.sockets or str(folder.socket_folder(layout, account))
            with folder.open_log(layout, account) as log:
                begin = os.fstat(log.fileno()).st_size
                command = [str(programs.bin / "postgres"), "-D", str(layout.cluster), *self._settings()]
                self.running = child.start(command, account, output=log, keep=server_lock.fd)
        finally:
            server_lock.close()  # from here on only the server's own processes hold it
        try:
            self._wait_until_ready(self.running.process, begin)
        except BaseException:
            self._shut_down()
            raise

    def _settings(self) -> list[str]:
        settings = [
            "listen_addresses=",
            "port=5432",
            f"unix_socket_directories={self.sockets}",
            "unix_socket_permissions=0700",
            "logging_collector=off",
            "log_destination=stderr",
        ]
        if not _roomy(Path("/dev/shm")):  # noqa: S108 - asked for its size only
            settings.append("dynamic_shared_memory_type=mmap")
        if not self.fsync:
            settings += ["fsync=off", "full_page_writes=off"]  # survives kill -9, not a power cut
        return [word for setting in settings for word in ("-c", setting)]

    def _wait_until_ready(self, process: subprocess.Popen[bytes], begin: int) -> None:
        """Until line 8 of postmaster.pid says so; `begin` is where in the log this start begins."""
        end = time.monotonic() + _RECOVERY
        file = self.layout.cluster / "postmaster.pid"
        while True:
            with contextlib.suppress(FileNotFoundError):
                lines = file.read_text().split("\n")
                if len(lines) >= 8 and lines[0].strip() == str(process.pid) and lines[7].strip() == "ready":
                    return
            if process.poll() is not None or time.monotonic() > end:
                with self.layout.log.open("rb") as log:
                    log.seek(begin)
                    said = log.read().decode(errors="replace")
                raise from_output(self.layout.data, "The database server could not start", said, self.layout.log)
            time.sleep(_PAUSE)

    def _ensure_database(self) -> None:
        try:
            with psycopg.connect(
                host=self.sockets, port=5432, user="cocoon", dbname="postgres", autocommit=True, connect_timeout=30
            ) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.Error as error:
            raise from_output(self.layout.data, "The database could not be created", str(error)) from error

    def _shut_down(self) -> None:
        if self.running is None:
            return
        process = self.running.process
        for number, patience in (
            (signal.SIGINT, _STOP_FAST),
            (signal.SIGQUIT, _STOP_IMMEDIATE),
            (signal.SIGKILL, None),
        ):
            if process.poll() is None:
                process.send_signal(number)
            try:
                process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        self.running.close()
        self.running = None


def _roomy(folder: Path) -> bool:
    return sys.platform != "linux" or (folder.is_dir() and shutil.disk_usage(folder).total >= _SHARED_MEMORY)

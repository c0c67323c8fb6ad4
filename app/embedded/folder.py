"""The data folder: who it belongs to, the cluster in it, the log, and the short folder of the socket."""

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from app.embedded import child
from app.embedded.account import Account
from app.embedded.binaries import Binaries
from app.embedded.problems import EmbeddedError, from_output

LOG_LIMIT = 5_000_000  # bytes; a larger log is set aside at the next start, one generation is kept
SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_LIMIT = 103  # bytes of the whole path: 107 on Linux, 103 on macOS and the BSDs
_PLAIN = re.compile(r"[A-Za-z0-9/_.+-]+")  # a comma, colon, per cent or quote means something to libpq or Postgres

_SETTINGS = """
# Written by Cocoon when it made this cluster; edit freely, later starts read it and do not change it.
timezone = 'UTC'
log_timezone = 'UTC'
shared_buffers = 256MB
max_connections = 100
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 2GB
random_page_cost = 1.1
max_wal_size = 2GB
wal_compression = on
jit = off
log_checkpoints = off
log_line_prefix = '%m [%p] '
"""


@dataclass(frozen=True)
class Layout:
    """The names of what is in a data folder."""

    data: Path

    @property
    def cluster(self) -> Path:
        """The Postgres cluster."""
        return self.data / "postgres"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data / "postgres.log"

    @property
    def owner_lock(self) -> Path:
        """Held by the process that runs the server."""
        return self.data / "postgres.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server's own processes, all of them, until the last one is gone."""
        return self.data / "postgres.server.lock"

    @property
    def guests_lock(self) -> Path:
        """Shared by the processes that use the server of another one."""
        return self.data / "postgres.guests.lock"

    @property
    def state(self) -> Path:
        """Where the running server's socket is."""
        return self.data / "postgres.json"


@dataclass(frozen=True)
class State:
    """What the owner tells the guests: folder of the socket, pid of the server, pid of the owner."""

    socket: str
    pid: int
    owner: int


def prepare(data: Path) -> None:
    """Make the data folder 0700 if it is new, empty or ours from before; a folder with other things keeps its mode."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = data.stat()
    ours = Layout(data).owner_lock.exists() or not any(data.iterdir())
    if ours and stat.S_IMODE(found.st_mode) != 0o700 and os.geteuid() in {0, found.st_uid}:
        data.chmod(0o700)


def hand_over(data: Path, account: Account) -> None:
    """As root: let the server's user into the data folder. Raises EmbeddedError where it cannot come that far."""
    if not account.switch:
        return
    if data.stat().st_uid != account.uid and (Layout(data).owner_lock.exists() or not any(data.iterdir())):
        account.give(data)
    if not account.reaches(data):
        raise EmbeddedError(
            f"User {account.name}, as whom Postgres runs when Cocoon is started by root, cannot enter {data}: "
            "choose a data folder such as /var/lib/cocoon, or run Cocoon as an ordinary user."
        )


def cluster_version(layout: Layout) -> int | None:
    """The major version of the existing cluster, None where there is none yet."""
    try:
        return int((layout.cluster / "PG_VERSION").read_text().strip())
    except FileNotFoundError:
        if layout.cluster.is_dir() and any(layout.cluster.iterdir()):
            raise EmbeddedError(
                f"{layout.cluster} holds files but no Postgres cluster: move them away, or choose another data folder."
            ) from None
        return None
    except ValueError:
        raise EmbeddedError(f"{layout.cluster / 'PG_VERSION'} is damaged: restore the folder from a backup.") from None


def make_cluster(layout: Layout, programs: Binaries, account: Account, *, keep: int, fsync: bool) -> None:
    """Run initdb into a side folder and rename it, so that a cluster exists whole or not at all.

    `keep` is the server's lock, held: no earlier initdb runs any more, and the next start waits for this one.
    """
    for left in layout.data.glob("initdb-*"):
        shutil.rmtree(left)
    side = Path(tempfile.mkdtemp(prefix="initdb-", dir=layout.data))
    account.give(side)
    try:
        # Most systems have C.UTF-8; where one lacks it, the builtin provider still sorts and folds case by Unicode.
        done, output = _initdb(side, programs, account, "C.UTF-8", keep=keep, fsync=fsync)
        if not done and "invalid locale" in output:
            done, output = _initdb(side, programs, account, "C", keep=keep, fsync=fsync)
        if not done:
            raise from_output(layout.data, "The database could not be created", output)  # noqa: TRY301 - side must go
        with (side / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS)
            file.flush()
            os.fsync(file.fileno())
        side.rename(layout.cluster)
        folder = os.open(layout.data, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except BaseException:
        shutil.rmtree(side, ignore_errors=True)
        raise


def _initdb(
    side: Path, programs: Binaries, account: Account, locale: str, *, keep: int, fsync: bool
) -> tuple[bool, str]:
    command = [
        str(programs.bin / "initdb"),
        *("-D", str(side), "-U", "cocoon", "--encoding=UTF8", f"--locale={locale}", "--data-checksums"),
        *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),  # the socket's folder is the protection
        *(("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if programs.major >= 17 else ()),
        *(() if fsync else ("--no-sync",)),
    ]
    running = child.start(command, account, output=subprocess.PIPE, keep=keep)
    try:
        said, _ = running.process.communicate()
    except BaseException:
        running.process.terminate()
        running.process.communicate()
        raise
    finally:
        running.close()
    return running.process.returncode == 0, said.decode(errors="replace")


def open_log(layout: Layout, account: Account) -> BinaryIO:
    """The server's log, for appending; set aside first when it has grown beyond LOG_LIMIT."""
    if layout.log.exists() and layout.log.stat().st_size > LOG_LIMIT:
        layout.log.replace(layout.log.with_name("postgres.log.1"))
    log = open(os.open(layout.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "ab")  # noqa: SIM115, PTH123
    account.give(layout.log)
    return log


def socket_folder(layout: Layout, account: Account) -> Path:
    """A 0700 folder with a socket path that is short enough and can be bound: in the data folder, else in /tmp."""
    before = read_state(layout)
    inside = layout.data / "socket"
    if _fits(inside):
        inside.mkdir(mode=0o700, exist_ok=True)
        inside.chmod(0o700)
        account.give(inside)
        if _can_bind(inside):
            return inside
    if before is not None and before.socket != str(inside) and _is_private(Path(before.socket), account):
        return Path(before.socket)
    for base in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes the name and the mode
        if _fits(Path(base) / "cocoon-12345678"):
            made = Path(tempfile.mkdtemp(prefix="cocoon-", dir=base))
            account.give(made)
            return made
    raise EmbeddedError(
        f"No folder with a path short enough for a socket: choose a shorter data folder than {layout.data}."
    )


def _fits(folder: Path) -> bool:
    path = str(folder / SOCKET_NAME)
    return len(os.fsencode(path)) <= _SOCKET_LIMIT and _PLAIN.fullmatch(path) is not None


def _can_bind(folder: Path) -> bool:
    probe = folder / "probe"
    probe.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.bind(str(probe))  # some mounted file systems cannot hold sockets
        except OSError:
            return False
    probe.unlink()
    return True


def _is_private(folder: Path, account: Account) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid == account.uid


def read_state(layout: Layout) -> State | None:
    """What the owner wrote, None where nobody serves or the file cannot be read as such."""
    try:
        return State(**json.loads(layout.state.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_state(layout: Layout, state: State, account: Account) -> None:
    """Tell the guests, in one step."""
    new = layout.state.with_name("postgres.json.new")
    new.unlink(missing_ok=True)
    # O_EXCL: never through a link that the server's user may have put there.
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:  # noqa: PTH123
        json.dump(asdict(state), file)
    account.give(new)
    new.replace(layout.state)

"""Own the server of a data folder, or join the one that another process runs there."""

import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from app.embedded import folder
from app.embedded.account import choose
from app.embedded.folder import SOCKET_NAME, Layout, State
from app.embedded.locks import Lock
from app.embedded.owner import DATABASE, Owner
from app.embedded.problems import EmbeddedError, from_os_error

_PAUSE = 0.02  # seconds between two looks at a data folder that another process is starting or stopping


@dataclass(eq=False)
class Guest:
    """Uses the server of another process, and says so by a shared lock."""

    guests_lock: Lock
    state: State

    def alive(self) -> bool:
        """Whether the server's socket answers."""
        return _answers(self.state)

    def stop(self, wait_for_guests: float = 0) -> None:
        """Leave; a guest waits for nobody."""
        self.guests_lock.close()


@dataclass
class Server:
    """A running server: `url` for SQLAlchemy, `pid` of the postmaster, `owned` if this process runs it."""

    url: str
    owned: bool
    pid: int
    _seat: Owner | Guest = field(repr=False)
    _again: tuple[Path, float, bool] = field(repr=False)

    @property
    def folder(self) -> Path:
        """The folder that holds the cluster, its log and its locks."""
        return self._again[0]

    def alive(self) -> bool:
        """Whether the server runs: for the owner, its child; for a guest, its socket answers."""
        return self._seat.alive()

    def revive(self) -> None:
        """Start the server again if it has died (crash recovery). A guest joins its successor, or becomes the owner.

        May be called from any thread. Raises EmbeddedError where it does not come back; then try again later.
        """
        if isinstance(self._seat, Owner):
            self._seat.revive()
            self.pid = self._seat.pid
        elif not self._seat.alive():
            self._seat.stop()
            data, wait, fsync = self._again
            fresh = join(data, wait=wait, fsync=fsync)
            self.url, self.owned, self.pid, self._seat = fresh.url, fresh.owned, fresh.pid, fresh._seat

    def stop(self, wait_for_guests: float = 0) -> None:
        """Owner: wait up to `wait_for_guests` seconds for the guests to leave, then shut down cleanly. Guest: leave."""
        self._seat.stop(wait_for_guests)


def join(data: Path, *, wait: float = 30.0, fsync: bool = True) -> Server:
    """Own the server of this data folder, or join the one that another process of ours runs there.

    `wait`: seconds to wait for another process that starts or stops its server; our own start takes as long as crash
    recovery needs. `fsync=False` trades safety for speed: for tests only.
    Raises EmbeddedError with one sentence for a person.
    """
    if sys.platform == "win32":
        raise EmbeddedError("The embedded Postgres does not run on Windows itself: use WSL, or set DATABASE_URL.")
    data = Path(data).expanduser().absolute()
    try:
        data = data.resolve()
        seat = _take_a_seat(Layout(data), wait, fsync)
    except OSError as error:
        raise from_os_error(data, error) from error
    if isinstance(seat, Owner):
        return Server(_url(seat.sockets), True, seat.pid, seat, (data, wait, fsync))
    return Server(_url(seat.state.socket), False, seat.state.pid, seat, (data, wait, fsync))


def _take_a_seat(layout: Layout, wait: float, fsync: bool) -> Owner | Guest:
    folder.prepare(layout.data)
    account = choose(layout.cluster, layout.data)
    folder.hand_over(layout.data, account)
    owner_lock = Lock(layout.owner_lock, account.owner)
    guests_lock = Lock(layout.guests_lock, account.owner)
    try:
        end = time.monotonic() + wait
        while True:
            if owner_lock.take():
                owner = Owner(layout, account, owner_lock, guests_lock, fsync, wait)
                owner.start()
                return owner
            # A refusal means that the owner is stopping and wants nobody new.
            if guests_lock.take(shared=True):
                state = folder.read_state(layout)
                if state is not None and _answers(state):
                    owner_lock.close()
                    return Guest(guests_lock, state)
                guests_lock.free()
            if time.monotonic() >= end:
                raise EmbeddedError(  # noqa: TRY301 - the locks must be let go
                    f"The data folder {layout.data} is in use by another Cocoon whose database does not answer: "
                    "wait until it is ready, or stop it."
                )
            time.sleep(_PAUSE)
    except BaseException:
        owner_lock.close()
        guests_lock.close()
        raise


def _answers(state: State) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1.0)
        try:
            trial.connect(f"{state.socket}/{SOCKET_NAME}")
        except OSError:
            return False
    return True


def _url(sockets: str) -> str:
    # The port is said, or libpq would take PGPORT; the path is quoted, or SQLAlchemy would read it as a host.
    return f"postgresql+psycopg://cocoon@/{DATABASE}?host={quote(sockets, safe='')}&port=5432"

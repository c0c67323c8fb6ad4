"""Where the server's folder is: in the data folder, or elsewhere where root's own folders keep its user out."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from app.embedded.account import choose
from app.embedded.problems import from_os_error

ELSEWHERE = Path("/var/lib/cocoon")


def place(data: Path) -> Path:
    """The folder for `join`: `data` itself, unless we are root and its parents are closed to the server's user.

    Then it is one of its own under /var/lib/cocoon, always the same for the same `data`, and `data`/server points at
    it. A folder of root (a home, a temporary one) is never opened to others instead. Raises EmbeddedError.
    """
    data = data.expanduser().absolute()
    if os.geteuid() != 0:
        return data
    try:
        return _place_for_root(data)
    except OSError as error:
        raise from_os_error(data, error) from error


def _place_for_root(data: Path) -> Path:
    account = choose()
    standing = next(folder for folder in (data, *data.parents) if folder.exists())
    # An empty folder is handed to the server's user; what stands above it, or is in use for other things, is not.
    ours = standing == data and not any(data.iterdir())
    if account.reaches((standing.parent if ours else standing).resolve()):
        return data
    name = f"{data.parent.name}-{hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]}"
    home = ELSEWHERE / name
    ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        (data / "server").symlink_to(home)
    return home

"""As whom the server runs: Postgres refuses root, so root lends it another user."""

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from app.embedded.problems import EmbeddedError

if sys.platform != "win32":
    import pwd


@dataclass(frozen=True)
class Account:
    """A user of this machine; `switch` says that we are root and have to become it."""

    name: str
    uid: int
    gid: int
    switch: bool

    @property
    def owner(self) -> tuple[int, int] | None:
        """(uid, gid) to give our files to, None where they are ours already."""
        return (self.uid, self.gid) if self.switch else None

    def give(self, path: Path) -> None:
        """Make `path` this user's; a no-op where we are that user."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, path: Path) -> bool:
        """Whether this user may enter every folder above `path` and read it (mode bits only, no access lists)."""
        steps = [*reversed(path.parents), path]
        return all(self._may(step.stat(), stat.S_IXOTH if step.is_dir() else stat.S_IROTH) for step in steps)

    def _may(self, found: os.stat_result, bit: int) -> bool:
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        return bool(found.st_mode & (bit << shift))


def choose(*folders: Path) -> Account:
    """We ourselves; as root, whoever already owns the first existing one of `folders`, else `postgres` or `nobody`.

    Raises EmbeddedError where root finds no such user.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(str(uid), uid, os.getegid(), switch=False)
    for folder in folders:
        if folder.is_dir() and folder.stat().st_uid != 0:
            return _of(folder.stat())
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise EmbeddedError(
        "Postgres does not run as root, and this machine has neither a user postgres nor nobody: "
        "run Cocoon as an ordinary user, or set DATABASE_URL."
    )


def _of(found: os.stat_result) -> Account:
    try:
        entry = pwd.getpwuid(found.st_uid)
    except KeyError:  # a bare number, as in many containers
        return Account(str(found.st_uid), found.st_uid, found.st_gid, switch=True)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)

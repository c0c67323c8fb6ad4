"""kill -9 of the owner, of the server, and what they leave behind."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.embedded.conftest import Seat, code_must_be_open, gone

Sit = Callable[..., Seat]


@pytest.mark.parametrize("way", [pytest.param("--fsync", id="prctl"), pytest.param("--watcher", id="watcher")])
def test_rows_survive_their_owner_and_the_server_does_not(home: Path, sit: Sit, user: str | None, way: str) -> None:
    owner = sit(home / "data", way, user=user)
    owner.tell("write")
    committed = 0
    while committed < 500:
        committed = owner.read()["committed"]
    owner.kill()
    assert gone(owner.hello["pid"], 3)
    assert owner.process.stdout is not None
    rest = [json.loads(line) for line in owner.process.stdout.read().splitlines() if line.endswith(b"}")]
    committed = max([committed, *(line["committed"] for line in rest)])
    following = sit(home / "data", way, user=user)
    assert following.hello["owned"]
    [[count, highest]] = following.sql("SELECT count(*), max(n) FROM verbatim")
    assert count == highest  # one after the other, without a hole
    assert highest >= committed
    log = (home / "data" / "postgres.log").read_text()
    assert "received fast shutdown request" in log
    assert "automatic recovery" not in log  # it shut down in order


def test_the_next_process_does_not_have_to_wait_for_the_last_server(home: Path, sit: Sit) -> None:
    owner = sit(home / "data")
    for _ in range(3):
        owner.kill()
        owner = sit(home / "data")  # at once, while the last server is still shutting down
        assert owner.hello["owned"]
    assert owner.sql("SELECT 1") == [[1]]


@pytest.mark.parametrize("how", ["revive", "revive-in-thread"])
def test_a_killed_server_is_revived_with_its_rows(home: Path, sit: Sit, user: str | None, how: str) -> None:
    owner = sit(home / "data", user=user)
    owner.sql("CREATE TABLE verbatim AS SELECT n FROM generate_series(1, 1000) AS g(n)")
    os.kill(owner.hello["pid"], signal.SIGKILL)
    assert gone(owner.hello["pid"])
    assert not owner.ask("alive")["alive"]
    answer = owner.ask(how)
    assert answer["alive"]
    assert answer["pid"] != owner.hello["pid"]
    assert answer["seconds"] < 5
    assert owner.sql("SELECT count(*) FROM verbatim") == [[1000]]
    guest = sit(home / "data", user=user)
    assert guest.hello["pid"] == answer["pid"]
    owner.kill()
    assert gone(answer["pid"], 3)


def test_reviving_a_living_server_changes_nothing(home: Path, sit: Sit) -> None:
    owner = sit(home / "data")
    assert owner.ask("revive")["pid"] == owner.hello["pid"]


def test_a_long_query_does_not_hold_up_the_revival(home: Path, sit: Sit) -> None:
    owner = sit(home / "data")
    assert owner.ask("burn")["burning"]
    os.kill(owner.hello["pid"], signal.SIGKILL)
    assert gone(owner.hello["pid"])
    answer = owner.ask("revive")
    assert answer["alive"]
    assert answer["seconds"] < 5


def test_a_pid_file_that_names_another_living_program_is_no_obstacle(home: Path, sit: Sit) -> None:
    sit(home / "data").ask("stop")
    cluster = home / "data" / "postgres"
    owner = cluster.stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner) as other:
        file = cluster / "postmaster.pid"
        file.write_text(f"{other.pid}\n{cluster}\n1700000000\n5432\n\n\n\nready\n")
        os.chown(file, owner, cluster.stat().st_gid)
        assert sit(home / "data").hello["owned"]
        assert other.poll() is None
        other.kill()


def test_a_server_that_is_not_ours_is_left_alone(home: Path, sit: Sit, user: str | None) -> None:
    from app.embedded import binaries, child
    from app.embedded.account import choose

    code_must_be_open()
    sit(home / "data", user=user).ask("stop")
    cluster = home / "data" / "postgres"
    found = binaries.find()
    command = [
        str(found.bin / "postgres"),
        "-D",
        str(cluster),
        "-c",
        "listen_addresses=",
        "-k",
        str(home / "data" / "socket"),
    ]
    running = child.start(command, choose(cluster), output=subprocess.PIPE)
    try:
        assert running.process.stdout is not None
        while b"ready to accept" not in (line := running.process.stdout.readline()):
            assert line
        seat = sit(home / "data", user=user)
        assert "Another Postgres" in seat.hello["error"]
        assert str(running.process.pid) in seat.hello["error"]
        assert running.process.poll() is None
    finally:
        running.process.send_signal(signal.SIGINT)
        running.process.communicate()
        running.close()


def test_a_first_start_that_was_cut_short_leaves_nothing_in_the_way(home: Path, sit: Sit) -> None:
    data = home / "data"
    first = sit(data, greet=False)
    while not list(data.glob("initdb-*/PG_VERSION")):
        assert first.process.poll() is None
    first.kill()
    assert not (data / "postgres").exists()
    second = sit(data)
    assert second.hello["owned"]
    assert not list(data.glob("initdb-*"))


def test_a_forked_copy_of_a_dead_owner_does_not_keep_the_folder(home: Path, sit: Sit) -> None:
    owner = sit(home / "data")
    copy = owner.ask("fork")["copy"]
    owner.kill()
    try:
        assert sit(home / "data").hello["owned"]
    finally:
        os.kill(copy, signal.SIGKILL)

"""Every command says what it does, and those that print data print JSON when asked."""

import json
import os
import signal
import time
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from app.__main__ import main
from tests.fakes.stores import FakeAppStore, Hang, some_reviews
from tests.service.conftest import Cocoon

NAMES = {
    "up", "demo", "web", "worker", "migrate", "import", "source", "backfill", "doctor", "incidents", "replay",
    "analyse", "train", "key",
}  # fmt: skip


def every(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from every(each, (*path, name))


def test_the_names_that_scripts_rely_on_are_there() -> None:
    assert set(main.commands) >= NAMES


@pytest.mark.parametrize("path", list(every(main)), ids=" ".join)
def test_every_command_has_its_help(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [*path, "--help"])
    assert done.exit_code == 0
    words = done.output.split("\n\n")[1].strip()
    assert words.endswith((".", ":"))
    assert len(words) > 15


@pytest.fixture
def store() -> Iterator[FakeAppStore]:
    with FakeAppStore(reviews=some_reviews(60)) as fake:
        yield fake


def test_what_prints_data_prints_json(cocoon: Cocoon, store: FakeAppStore) -> None:
    """One installation through all of them, from nothing to a source that was read."""
    cocoon.environment["COCOON_APP_STORE_URL"] = store.url

    def told(*arguments: str) -> object:
        done = cocoon.run(*arguments, "--json")
        assert done.returncode == 0, (arguments, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    assert told("source", "list") == []
    assert told("incidents") == []
    assert told("key", "list") == []
    added = told("source", "add", f"https://apps.apple.com/fr/app/x/id{store.app_id}")
    assert isinstance(added, dict)
    read = cocoon.run("backfill", "--app", added["app"].upper())  # whatever the case
    assert read.returncode == 0, read.stderr
    assert "60 new" in read.stdout
    listed = told("source", "list", "--json")
    assert isinstance(listed, list)
    assert [each["last_run"]["outcome"] for each in listed] == ["complete", "complete"]
    assert cocoon.run("source", "list").stdout.count("complete") == 2
    assert told("incidents", "--app", added["app"], "--all") == []
    told("replay", "--app", added["app"], "--from", "2026-01-01", "--to", "2026-01-03")
    key = told("key", "create", "robot")
    assert isinstance(key, dict)
    assert key["key"].startswith("cck_")
    doctor = json.loads(cocoon.run("doctor", "--json", "--offline").stdout)
    assert {"name", "works", "message"} == set(doctor[0])


def test_an_app_that_is_not_there_is_one_sentence_with_those_there_are(cocoon: Cocoon) -> None:
    for command in (("incidents",), ("backfill",), ("replay", "--from", "2026-01-01", "--to", "2026-01-02")):
        done = cocoon.run(*command, "--app", "Nulle part")
        assert done.returncode == 1
        assert "cocoon source add" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_reading_a_source_by_hand_and_pausing_it(cocoon: Cocoon, store: FakeAppStore) -> None:
    cocoon.environment["COCOON_APP_STORE_URL"] = store.url
    cocoon.run("source", "add", f"id{store.app_id}")
    read = cocoon.run("source", "run", "1")
    assert "complete; 60 seen, 60 new" in read.stdout
    assert "paused" in cocoon.run("source", "pause", "1").stdout
    assert "paused" in cocoon.run("source", "list").stdout
    assert "read again" in cocoon.run("source", "resume", "1").stdout
    assert cocoon.run("source", "run", "42").returncode == 1
    assert cocoon.run("source", "pause", "42").returncode == 1


def test_ctrl_c_does_not_wait_for_a_store_that_hangs(cocoon: Cocoon, store: FakeAppStore) -> None:
    cocoon.environment["COCOON_APP_STORE_URL"] = store.url
    cocoon.run("source", "add", f"id{store.app_id}")
    store.fail(Hang(120), path="customerreviews", times=100)
    process = cocoon.up()
    cocoon.wait_for("a walk under way", lambda: any("customerreviews" in path for path in store.paths()))
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert "Stopped cleanly." in output
    assert "Traceback" not in output
    assert time.monotonic() - began < 45  # a store that hangs is given 80 s in all

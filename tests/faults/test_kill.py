"""kill -9 of a real process in the middle of a walk: what was committed stays, and the next one completes it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text

from models.sources import Run
from tests.fakes.stores import FakeStore, Hang
from tests.faults.conftest import Bench, apple, google

ROOT = Path(__file__).resolve().parent.parent.parent


def start(it: Bench) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,  # noqa: TID251
        "DATABASE_URL": it.context.url,
        "COCOON_DATA": str(it.context.settings.data),
        "COCOON_SECRET_KEY": "tests",
        "COCOON_HOST_INTERVAL_MS": "0",
    }
    command = [sys.executable, "-m", "app", "source", "run", str(it.source_id)]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize(("fake", "after"), [(apple, 3), (apple, 7), (google, 1), (google, 2)])
def test_kill_nine_during_a_walk(bench: Callable[..., Bench], fake: Callable[[int], FakeStore], after: int) -> None:
    it = bench(fake, 460)
    path = "customerreviews" if fake is apple else "batchexecute"
    it.store.fail(Hang(60), path=path, after=after)  # it will be waiting for this answer when it dies
    process = start(it)
    end = time.monotonic() + 60
    while len([p for p in it.store.paths() if path in p]) <= after and time.monotonic() < end:
        assert process.poll() is None, "the walk ended before it was killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = it.stored()
    assert set(before) < set(it.offered())
    with it.context.transaction() as session:
        end_of_lock = time.monotonic() + 60
        while session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")):
            assert time.monotonic() < end_of_lock, "the dead process still holds its lock"
            time.sleep(0.02)
    run = it.read()
    assert run.outcome == "complete", run.reason
    assert it.stored() == it.offered()
    with it.context.transaction() as session:
        outcomes = session.scalars(select(Run.outcome).order_by(Run.id)).all()
        total = session.scalar(text("SELECT sum(n) FROM daily_stars"))
    assert list(outcomes) == ["failed", "complete"]
    assert total == len(it.offered())

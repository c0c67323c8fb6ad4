"""The scheduler, the queue and the workers: read on time, once, whoever dies."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator

import pytest

from tests.fakes.stores import FakeAppStore, Hang, some_reviews
from tests.service.conftest import Cocoon
from tests.service.test_up import server_pid


@pytest.fixture
def store() -> Iterator[FakeAppStore]:
    with FakeAppStore(reviews=some_reviews(120)) as fake:
        yield fake


def reviews(cocoon: Cocoon) -> int:
    status, found = cocoon.get("/api/v1/apps/1/reviews?limit=200")
    return len(found["items"]) if status == 200 else 0


def add_source(cocoon: Cocoon, store: FakeAppStore) -> None:
    cocoon.environment["COCOON_APP_STORE_URL"] = store.url
    added = cocoon.run("source", "add", f"https://apps.apple.com/fr/app/ma-banque/id{store.app_id}", "--json")
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["app"] == store.name


def test_a_pasted_link_is_read_without_further_ado(cocoon: Cocoon, store: FakeAppStore) -> None:
    add_source(cocoon, store)
    cocoon.up()
    cocoon.wait_for("all reviews", lambda: reviews(cocoon) == 120)
    listed = json.loads(cocoon.run("source", "list", "--json").stdout)
    assert {each["last_run"]["outcome"] for each in listed} == {"complete"}


def test_a_link_that_leads_nowhere_is_one_sentence(cocoon: Cocoon, store: FakeAppStore) -> None:
    cocoon.environment["COCOON_APP_STORE_URL"] = store.url
    for link in ("https://example.com/app", "https://apps.apple.com/fr/app/id999999999"):
        done = cocoon.run("source", "add", link)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.timeout(240)
def test_the_job_of_a_killed_worker_is_taken_by_another(cocoon: Cocoon, store: FakeAppStore) -> None:
    add_source(cocoon, store)
    web = cocoon.start("web")  # owns the database, so that workers may die
    cocoon.wait_for("pages", lambda: cocoon.get("/healthz")[0] == 200)
    store.fail(Hang(300), path="customerreviews", after=1)
    first = cocoon.start("worker")
    cocoon.wait_for("a walk under way", lambda: sum("customerreviews" in path for path in store.paths()) >= 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    cocoon.start("worker")
    cocoon.wait_for("all reviews", lambda: reviews(cocoon) == 120, patience=150)
    assert web.poll() is None


def test_two_workers_read_a_source_once_each_time(cocoon: Cocoon, store: FakeAppStore) -> None:
    add_source(cocoon, store)
    cocoon.start("web")
    cocoon.wait_for("pages", lambda: cocoon.get("/healthz")[0] == 200)
    for _ in range(2):
        cocoon.start("worker")
    cocoon.wait_for("all reviews", lambda: reviews(cocoon) == 120)
    cocoon.wait_for("the other source", lambda: cocoon.get("/api/v1/sources/2/runs")[1]["items"])
    assert [len(cocoon.get(f"/api/v1/sources/{n}/runs")[1]["items"]) for n in (1, 2)] == [1, 1]


@pytest.mark.timeout(240)
def test_after_kill_nine_of_the_database_what_is_due_is_read(cocoon: Cocoon, store: FakeAppStore) -> None:
    add_source(cocoon, store)
    cocoon.up()
    cocoon.wait_for("the first run", lambda: ended(cocoon, 1))
    for times in (2, 3):  # twice: what has started again starts again once more
        before = server_pid(cocoon)
        os.kill(before, signal.SIGKILL)
        cocoon.wait_for("another server", lambda b=before: cocoon.get("/readyz")[0] == 200 and server_pid(cocoon) != b)
        ask = urllib.request.Request(f"{cocoon.base}/api/v1/sources/1/run", method="POST", data=b"")
        with urllib.request.urlopen(ask, timeout=10) as answer:
            assert answer.status == 202
        runs = cocoon.wait_for("its run", lambda n=times: ended(cocoon, n), patience=90)
        assert [run["outcome"] for run in runs] == ["complete"] * times


def ended(cocoon: Cocoon, at_least: int) -> list[dict[str, str]]:
    runs = (cocoon.get("/api/v1/sources/1/runs")[1] or {"items": []})["items"]
    return runs if len(runs) >= at_least and all(run["outcome"] != "running" for run in runs) else []

"""The scheduler, the queue and the workers: read on time, once, whoever dies."""

import json
import signal
from collections.abc import Iterator

import pytest

from tests.fakes.stores import FakeAppStore, Hang, some_reviews
from tests.service.conftest import Cocoon


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

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.base import Page, SourceError, WalkEnd
from collectors.http import Http
from collectors.pace import Pace
from tests.fakes.stores import FakeAppStore, FakePlay, some_reviews

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def refused(fetch: Callable[[], Any]) -> SourceError:
    """The fault that reading ends with."""
    with pytest.raises(SourceError) as caught:
        fetch()
    return caught.value


@pytest.fixture
def slept() -> list[float]:
    """The waits that the client asked for, in seconds; nothing really sleeps."""
    return []


@pytest.fixture
def http(slept: list[float]) -> Http:
    # Loopback is named, so that it is left alone after a refusal as any other host.
    return Http(timeout=20.0, deadline=60.0, sleep=slept.append, pace=Pace(intervals={"127.0.0.1": 0.0}))


@pytest.fixture
def apple() -> Iterator[FakeAppStore]:
    with FakeAppStore(reviews=some_reviews(120)) as store:
        yield store


@pytest.fixture
def play() -> Iterator[FakePlay]:
    with FakePlay(reviews=some_reviews(450, play=True)) as store:
        yield store


class Walked:
    """A walk to its end: pages, ids in order, and how it ended or failed."""

    def __init__(self, pages: Iterator[Page]) -> None:
        self.pages: list[Page] = []
        self.error: SourceError | None = None
        try:
            for page in pages:
                self.pages.append(page)
        except SourceError as error:
            self.error = error

    @property
    def ids(self) -> list[str]:
        return [row.external_id for page in self.pages for row in page.verbatims]

    @property
    def end(self) -> WalkEnd | None:
        return self.pages[-1].end if self.pages else None

    @property
    def notes(self) -> str:
        return "; ".join(page.note for page in self.pages)


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """A folder or file of the shared samples, or a skip that says what is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"the shared {name} is not beside the project")
        return path

    return find

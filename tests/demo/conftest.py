from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from app.demo.store import DemoStore
from app.demo.story import Story, tell

TODAY = date(2026, 11, 22)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="session")
def story() -> Story:
    return tell(TODAY)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(story: Story, clock: Clock) -> Iterator[DemoStore]:
    with DemoStore(story, clock) as running:
        yield running

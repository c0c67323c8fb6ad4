from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from models.apps import App
from tests.alerts import bank

FIRST = date(2026, 3, 2)
BROKEN = 200  # the day (number) when 7.2 came and broke the sign-in


@pytest.fixture
def broken_app(db: Session) -> App:
    """260 days of reviews, 30 a day on two stores; 7.2 breaks the sign-in on day 200 and is mended on day 212."""
    app = bank.make_app(db)
    fill(db, app)
    return app


def fill(db: Session, app: App, days: int = 260, faults: bool = True) -> None:
    story = bank.Story(FIRST, days, releases={"7.1": 100, "7.2": BROKEN, "7.2.1": BROKEN + 12})
    if faults:
        story.faults = {(BROKEN, BROKEN + 11): "7.2"}
    bank.store(db, app, story.tell())
    for channel in story.channels:
        bank.make_source(db, app, channel, FIRST, FIRST + timedelta(days=days - 1))
    for version, number in story.releases.items():
        bank.release(db, app, version, FIRST + timedelta(days=number), story.channels)


@pytest.fixture
def day() -> Callable[[int], date]:
    """The date of a numbered day of the story."""
    return lambda number: FIRST + timedelta(days=number)

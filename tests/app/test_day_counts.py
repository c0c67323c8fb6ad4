"""What a page makes of counts that were read once is what each part reads for itself."""

import random
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from app.reading import day_counts as counting
from app.reading import trends
from app.reading.launches import all_releases, first_days
from app.reading.overview import overview
from app.reading.trends import Period, Slice
from app.reading.versions import compare, looked_at, newest_names
from tests.app.conftest import TODAY
from tests.app.seed import seed

pytestmark = pytest.mark.usefixtures("still_clock")


@pytest.mark.parametrize("number", range(3))
def test_parts_of_one_reading(db: Session, number: int) -> None:
    chance = random.Random(number)
    app = seed(db, today=TODAY, days=300, daily=4, number=number).apps[0]
    part = Slice(app.id, channel=chance.choice([None, "app_store", "google_play"]))
    last = TODAY - timedelta(days=chance.randrange(20))
    period = Period(last - timedelta(days=chance.choice([27, 89, 250])), last)
    counts = counting.day_counts(db, part, Period(period.first - timedelta(days=40), last + timedelta(days=7)))
    ways: tuple[trends.Every | None, ...] = ("day", "week", None)
    for every in ways:
        told = counting.by_bucket(counts, period, every)
        assert trends.star_trend(db, part, period, every, told) == trends.star_trend(db, part, period, every)
    assert counts.total(period) == trends.total(db, part, period)
    released = first_days(all_releases(db, app.id))
    found = counting.versions(counts, period, released)
    assert found == trends.versions(db, part, period)
    assert found


def test_days_that_were_not_read_are_no_zeros(db: Session) -> None:
    app = seed(db, today=TODAY, days=60, daily=2).apps[0]
    counts = counting.day_counts(db, Slice(app.id), Period(TODAY - timedelta(days=9), TODAY))
    with pytest.raises(ValueError, match="was not read"):
        counts.total(Period(TODAY - timedelta(days=10), TODAY))
    with pytest.raises(ValueError, match="was not read"):
        counts.total(Period(TODAY, TODAY + timedelta(days=1)))


def test_the_overview_compares_as_the_page_of_versions_does(db: Session) -> None:
    app = seed(db, today=TODAY, days=200, daily=6).apps[0]
    found = overview(db, app, "fr", days=90, charted=True)
    names = newest_names(found.line)
    assert names is not None
    assert found.counts.covers(looked_at(found.line, *names, TODAY))
    assert found.pair == compare(db, app.id, *names, TODAY)
    part = Slice(app.id)
    assert (found.n, found.stars) == trends.total(db, part, found.month)
    assert (found.n_before, found.stars_before) == trends.total(db, part, found.before)
    assert found.month.last == date(2026, 11, 22)

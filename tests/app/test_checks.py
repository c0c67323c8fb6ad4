"""Our counts against the stores' own: a double count and a silence are seen, a usual share of texts agrees."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from app import clock
from app.reading.checks import Check, checks
from models.apps import App
from models.feedback import Verbatim
from models.ratings import RatingSnapshot
from models.rollups import DailyStars
from models.sources import Run, Source
from tests.app.seed import roll_up

TODAY = date(2026, 11, 20)
PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 11, 20, 12, tzinfo=PARIS)


@pytest.fixture
def app(db: Session) -> App:
    clock.replace(lambda: NOON)
    app = App(name="Banque")
    db.add(app)
    db.flush()
    yield app  # type: ignore[misc]
    clock.replace(None)


def counters(db: Session, app: App, a_day: int, storefront: str = "fr", channel: str = "app_store") -> None:
    """A counter that grows by so many stars a day, read every week for 16 weeks."""
    for week in range(17):
        at = NOON - timedelta(days=7 * (16 - week))
        db.add(
            RatingSnapshot(
                app_id=app.id,
                channel=channel,
                storefront=storefront,
                taken_at=at,
                average=4.2,
                count=1000 + 7 * a_day * week,
            )
        )
    db.flush()


def reviews(db: Session, app: App, a_day: int, days: range, storefront: str = "fr", channel: str = "app_store") -> None:
    for back in days:
        fields = dict.fromkeys(("s1", "s2", "s3", "s4", "negative", "positive"), 0)
        db.add(
            DailyStars(
                app_id=app.id,
                day=TODAY - timedelta(days=back),
                channel=channel,
                storefront=storefront,
                version="",
                n=a_day,
                s5=a_day,
                **fields,
            )
        )
    db.flush()


def only(db: Session, app: App) -> Check:
    ((_, found),) = checks(db, [app])
    return found


def test_a_usual_share_of_texts_agrees(db: Session, app: App) -> None:
    counters(db, app, 10)
    reviews(db, app, 2, range(120))
    found = only(db, app)
    assert (found.verdict, found.theirs, found.ours, found.expected) == ("agrees", 280, 56, 56.0)
    assert (found.first, found.last) == (TODAY - timedelta(days=28), TODAY)


def test_more_reviews_than_stars_are_a_double_count(db: Session, app: App) -> None:
    counters(db, app, 10)
    reviews(db, app, 11, range(120))
    found = only(db, app)
    assert (found.verdict, found.difference) == ("too_many", 28.0)


def test_stars_without_any_review_are_a_silence(db: Session, app: App) -> None:
    counters(db, app, 10)
    reviews(db, app, 2, range(28, 120))
    found = only(db, app)
    assert (found.verdict, found.ours, found.difference) == ("too_few", 0, -56.0)


def test_a_storefront_is_compared_with_its_own_reviews_and_play_with_none_too_many(db: Session, app: App) -> None:
    counters(db, app, 1, "be")
    reviews(db, app, 9, range(30), "fr")
    assert only(db, app).ours == 0
    counters(db, app, 1, "fr", "google_play")
    reviews(db, app, 9, range(30), "", "google_play")
    play = next(check for _, check in checks(db, [app]) if check.channel == "google_play")
    assert (play.verdict, play.ours) == ("agrees", 9 * 28)


def test_a_counter_that_fell_or_was_read_once_is_not_compared(db: Session, app: App) -> None:
    counters(db, app, -5)
    assert only(db, app).verdict == "unclear"


def test_what_only_the_export_knew_is_told(db: Session, app: App) -> None:
    sources = [
        Source(app_id=app.id, kind=kind, channel="google_play", name=kind, config={}, rhythm_minutes=60)
        for kind in ("google_play_api", "play_console_csv")
    ]
    db.add_all(sources)
    db.flush()
    began = NOON - timedelta(days=10)
    db.add(Run(app_id=app.id, source_id=sources[0].id, trigger="first", outcome="complete", started_at=began, seen=5))
    for number, (back, source) in enumerate([(1, 0), (2, 0), (3, 1), (4, 1), (40, 1)]):
        at = NOON - timedelta(days=back)
        db.add(
            Verbatim(
                app_id=app.id,
                source_id=sources[source].id,
                kind="google_play",
                channel="google_play",
                external_id=str(number),
                body="avis",
                written_at=at,
                first_seen_at=at,
                day=at.date(),
            )
        )
    db.flush()
    roll_up(db)
    found = only(db, app)
    # Forty days ago the API was not read yet: that the export knows more of that day is no difference.
    assert (found.kind, found.verdict, found.theirs, found.ours) == ("export", "reconciled", 2, 4)

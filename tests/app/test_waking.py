"""After a week-end with the machine off: sources are read before one of them is called silent."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.judge import judge
from models.apps import App
from models.incidents import Incident
from models.sources import Run, Source
from tests.app.conftest import NOW

HOUR = timedelta(hours=1)


def silent(db: Session, app: App) -> list[str]:
    judge(db, app.id, NOW, base_url="")
    rows = db.scalars(select(Incident).where(Incident.rule == "silent_source", Incident.app_id == app.id))
    return [one.state for one in rows]


def with_a_source_unheard(db: Session, hours: int) -> App:
    app = App(name="Banque")
    db.add(app)
    db.flush()
    feed = Source(
        app_id=app.id, kind="app_store_feed", channel="app_store", name="App Store FR", rhythm_minutes=60, config={}
    )
    db.add(feed)
    db.flush()
    at = NOW - hours * HOUR
    db.add(
        Run(
            app_id=app.id,
            source_id=feed.id,
            trigger="schedule",
            outcome="complete",
            started_at=at,
            finished_at=at,
            seen=5,
        )
    )
    db.flush()
    return app


def test_a_pause_of_the_whole_service_is_no_silence_of_its_sources(db: Session) -> None:
    app = with_a_source_unheard(db, 60)
    clock = db.scalars(select(func.clock_timestamp())).one()
    app.judged_at = clock - 60 * HOUR
    assert silent(db, app) == []  # the first look
    assert silent(db, app) == []  # the look after the first source was read
    assert app.awake_at is not None
    app.awake_at -= timedelta(minutes=61)
    assert silent(db, app) == ["open"]  # an hour has gone, and it still says nothing


def test_a_source_that_is_silent_while_all_else_goes_on_is_told_at_once(db: Session) -> None:
    app = with_a_source_unheard(db, 60)
    app.judged_at = db.scalars(select(func.clock_timestamp())).one() - HOUR
    assert silent(db, app) == ["open"]

"""An app with one source of each channel, and a way to hand it pages as a walk would."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from app.seal import Seal
from app.store import store_page
from collectors.base import Page
from models.apps import App
from models.intake import Stored
from models.sources import Source

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SEAL = Seal(b"tests of voices")


@pytest.fixture
def bank(db: Session) -> App:
    app = App(name="Banque des voix")
    db.add(app)
    db.flush()
    return app


@pytest.fixture
def give(db: Session, bank: App) -> Callable[..., Stored]:
    """Store a page as if the source of this channel had brought it."""

    def store(channel: str, page: Page, now: datetime = NOW) -> Stored:
        source = db.query(Source).filter_by(app_id=bank.id, channel=channel).one_or_none()
        if source is None:
            source = Source(app_id=bank.id, kind=channel, channel=channel, name=channel, config={}, rhythm_minutes=60)
            db.add(source)
            db.flush()
        return store_page(db, source, 0, page, seal=SEAL, now=now)

    return store

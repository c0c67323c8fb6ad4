"""The real collectors and the real store path, against stores that misbehave, over real HTTP on loopback."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.context import Context, open_context
from app.jobs import collect
from app.settings import Settings
from collectors.http import Http
from models.apps import App
from models.feedback import Verbatim
from models.sources import Coverage, HostPause, Run, Source
from tests.fakes.stores import FakeAppStore, FakePlay, FakeStore, some_reviews

FakeOf = dict[str, Callable[[int], FakeStore]]


def apple(count: int) -> FakeStore:
    return FakeAppStore(reviews=some_reviews(count))


def google(count: int) -> FakeStore:
    return FakePlay(reviews=some_reviews(count, play=True))


@dataclass
class Bench:
    """One source of one fake store, and what came of reading it."""

    context: Context
    store: FakeStore
    source_id: int

    def read(self, trigger: str = "schedule") -> Run:
        """Read the source once, as the worker does; a pause that the last walk earned is over."""
        with self.context.transaction() as session:
            for pause in session.scalars(select(HostPause)):
                session.delete(pause)
        run = collect(self.context, self.source_id, trigger)
        assert run is not None
        return run

    def stored(self) -> dict[str, int | None]:
        with self.context.transaction() as session:
            rows = session.execute(select(Verbatim.external_id, Verbatim.stars)).all()
        assert len({row[0] for row in rows}) == len(rows)
        return {row[0]: row[1] for row in rows}

    def offered(self) -> dict[str, int | None]:
        return {review.id: review.stars for review in self.store.reviews}

    def states(self) -> list[str]:
        with self.context.transaction() as session:
            return [row.state for row in session.scalars(select(Coverage).order_by(Coverage.day))]


@pytest.fixture
def context(database_url: str, tmp_path: Path) -> Iterator[Context]:
    settings = Settings(data=tmp_path, database_url=database_url, secret_key="tests", host_interval=0.0)
    with open_context(settings, migrated=False) as opened:
        opened.http = Http(timeout=0.5, deadline=2.0, retries=2, first_delay=0.01, sleep=lambda _: None)
        yield opened


@pytest.fixture
def bench(context: Context) -> Iterator[Callable[..., Bench]]:
    """Make a bench on a fake: `bench(apple, 120)`."""
    stores: list[FakeStore] = []

    def make(fake: Callable[[int], FakeStore], count: int) -> Bench:
        store = fake(count)
        stores.append(store)
        kind: str = "app_store_feed" if isinstance(store, FakeAppStore) else "google_play"
        config: dict[str, Any] = (
            {"app_id": store.app_id, "storefront": "fr", "app_store_url": store.url}
            if isinstance(store, FakeAppStore)
            else {"app_id": "com.example.bank", "lang": "fr", "google_play_url": store.url}
        )
        with context.transaction() as session:
            app = App(name=f"Banque {len(stores)}")
            session.add(app)
            session.flush()
            channel = "app_store" if kind == "app_store_feed" else "google_play"
            source = Source(app_id=app.id, kind=kind, channel=channel, name=kind, config=config, rhythm_minutes=30)
            session.add(source)
            session.flush()
            return Bench(context, store, source.id)

    yield make
    for store in stores:
        store.close()

"""The story jumps half a day at a time: its sources are judged by that rhythm, and by their own once it is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import Engine, select

from alerts.silence import silences
from app import clock
from app.context import Context, open_context
from app.demo.facts import Story
from app.demo.play import STEP, Narrator, Player, StoryClock
from app.service import Service
from app.settings import Settings
from models.apps import App
from models.sources import Run, Source


@pytest.fixture
def context(own_engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Context]:
    settings = Settings(data=tmp_path, database_url=database_url, secret_key="tests", host_interval=0.0)
    with open_context(settings, migrated=False) as opened:
        yield opened
    clock.replace(None)


class Teller(Player):
    """Reads by writing down that every source was read."""

    def read(self, trigger: str) -> None:
        self.heard(clock.now())

    def heard(self, at: datetime, *, but: int | None = None) -> None:
        with self.context.transaction() as session:
            for source in session.scalars(select(Source).where(Source.id != (but or 0))):
                session.add(
                    Run(
                        app_id=source.app_id, source_id=source.id, trigger="manual", outcome="complete",
                        started_at=at, finished_at=at, seen=5,
                    )
                )  # fmt: skip

    def silent(self) -> list[str]:
        with self.context.transaction() as session:
            return [one.subject for one in silences(session, session.scalars(select(App)).one(), clock.now())]


def test_a_look_amid_a_step_calls_nothing_silent(context: Context, story: Story) -> None:
    story_clock = StoryClock(datetime.now(UTC) - 3 * STEP)
    clock.replace(story_clock)
    teller = Teller(cast(Service, SimpleNamespace(context=context)), story, story_clock, 50.0, Narrator(0.0), seed=7)
    teller.set_up()
    teller.read("first")
    story_clock.move(clock.now() + STEP)
    with context.transaction() as session:
        late = session.scalars(select(Source.id)).first()
    teller.heard(clock.now(), but=late)
    assert teller.silent() == []  # one is still to be read: a step ago is its rhythm
    story_clock.move(clock.now() + 3 * STEP + timedelta(hours=1))
    assert f"source:{late}" in teller.silent()  # four steps are a silence in the story too


def test_in_the_present_each_source_is_read_at_its_own_rhythm(context: Context, story: Story) -> None:
    story_clock = StoryClock(datetime.now(UTC) - STEP)
    clock.replace(story_clock)
    teller = Teller(cast(Service, SimpleNamespace(context=context)), story, story_clock, 50.0, Narrator(0.0), seed=7)
    teller.set_up()
    teller.read("first")
    teller.arrive()
    assert teller.silent() == []  # the last step ended up to half a day ago: all was read once more
    with context.transaction() as session:
        rhythms = {source.id: source.rhythm_minutes for source in session.scalars(select(Source))}
        assert rhythms == teller.rhythms
        assert min(rhythms.values()) < STEP.total_seconds() / 60
        for source in session.scalars(select(Source)):
            assert source.next_run_at is not None
            assert source.next_run_at <= datetime.now(UTC) + timedelta(minutes=source.rhythm_minutes or 0)

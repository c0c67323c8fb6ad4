"""A new model reads the old rows again, and the counts follow."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

import app.reread
from analysis import heads
from analysis.adapt import pack
from app.context import Context, open_context
from app.db import transaction
from app.reading.model import in_use
from app.reread import reread
from app.settings import Settings
from models.feedback import Verbatim
from models.own import Training
from models.rollups import DailyStars, DailyTopics
from models.sources import Run
from tests.walks.conftest import page


@pytest.fixture
def context(own_engine: Engine, database_url: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_context(Settings(data=tmp_path, database_url=database_url, secret_key="k"), migrated=False) as opened:
        yield opened


def test_rows_of_an_older_model_are_read_again_once(
    own_engine: Engine, context: Context, read: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    read(page(range(100, 60, -1), end="exhausted"))
    with transaction(own_engine) as session:
        before = session.execute(select(func.sum(DailyStars.n), func.sum(DailyStars.negative))).one()
        session.execute(text("UPDATE verbatims SET model = 'old' WHERE id % 2 = 0"))
        app_id = session.scalars(select(Verbatim.app_id)).first()
    assert app_id is not None
    monkeypatch.setattr(app.reread, "PAGE", 7)
    assert reread(context, app_id) == 20
    assert reread(context, app_id) == 0
    with transaction(own_engine) as session:
        assert session.execute(select(func.sum(DailyStars.n), func.sum(DailyStars.negative))).one() == before
        assert session.scalars(select(Verbatim.revision).distinct()).all() == [0]


def test_what_the_new_model_says_moves_the_counts(
    own_engine: Engine, context: Context, read: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    read(page(range(100, 90, -1), end="exhausted"))
    with transaction(own_engine) as session:
        session.execute(text("UPDATE verbatims SET model = 'old'"))
        app_id = session.scalars(select(Verbatim.app_id)).first() or 0
    plain = app.reread.understand

    def all_negative(documents):  # type: ignore[no-untyped-def]
        return [replace(one, label="negative", topics=()) for one in plain(documents)]

    monkeypatch.setattr(app.reread, "understand", all_negative)
    reread(context, app_id)
    with transaction(own_engine) as session:
        assert session.scalar(select(func.sum(DailyStars.negative))) == 10
        assert not session.scalar(select(func.sum(DailyTopics.n)))


def test_a_killed_reading_goes_on_where_it_was(
    own_engine: Engine, context: Context, read: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after two pages of four: what they read stays, the next reading does the rest, the progress adds up."""
    read(page(range(100, 60, -1), end="exhausted"))
    with transaction(own_engine) as session:
        session.execute(text("UPDATE verbatims SET model = 'old'"))
        app_id = session.scalars(select(Verbatim.app_id)).first() or 0
    monkeypatch.setattr(app.reread, "PAGE", 10)
    told: list[int] = []

    def killed(read: int) -> None:
        told.append(read)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reread(context, app_id, progress=killed)
    with transaction(own_engine) as session:
        (half,) = in_use(session).readings
        assert (half.done, half.total, half.share, half.ended_at) == (20, 40, 0.5, None)
    assert reread(context, app_id) == 20
    with transaction(own_engine) as session:
        (whole,) = in_use(session).readings
        assert (whole.done, whole.total, whole.share) == (40, 40, 1.0)
        assert whole.ended_at is not None


def test_a_model_chosen_meanwhile_reads_everything(
    own_engine: Engine, context: Context, read: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process trains while this one reads again: the rest, and what was done already, are read with the new."""
    read(page(range(100, 70, -1), end="exhausted"))
    with transaction(own_engine) as session:
        session.execute(text("UPDATE verbatims SET model = 'old'"))
        app_id = session.scalars(select(Verbatim.app_id)).first() or 0
    monkeypatch.setattr(app.reread, "PAGE", 10)
    pages: list[int] = []

    def chosen(read: int) -> None:
        pages.append(read)
        if len(pages) == 2:
            with transaction(own_engine) as session:
                model = replace(heads.shipped(), version="shipped+test")
                packed = pack(model, [])
                session.add(Training(actor="cli", version=model.version, figures={}, model=packed))

    try:
        assert reread(context, app_id, progress=chosen) == 50
        with transaction(own_engine) as session:
            (stamp,) = session.scalars(select(Verbatim.model).distinct()).all()
        assert stamp.startswith("shipped+test-")
    finally:
        heads.use(None)

"""A new model reads the old rows again, and the counts follow."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

import app.reread
from app.context import Context, open_context
from app.db import transaction
from app.reread import reread
from app.settings import Settings
from models.feedback import Verbatim
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

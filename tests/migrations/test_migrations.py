"""The schema: up from nothing, equal to the models, down again, and up once more on a database of its own."""

from uuid import uuid4

import alembic.command
import pytest
from sqlalchemy import Engine, create_engine, text

from app.migrate import MigrationError, at_head, config, migrate
from tests.conftest import admin, named


@pytest.fixture
def empty(server_url: str):  # type: ignore[no-untyped-def]
    name = f"migrated_{uuid4().hex[:8]}"
    with admin(server_url) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    engine = create_engine(named(server_url, name))
    yield engine
    engine.dispose()
    with admin(server_url) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_up_equal_to_the_models_down_and_up_again(empty: Engine) -> None:
    migrate(empty)
    assert at_head(empty)
    with empty.connect() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        alembic.command.check(settings)
        alembic.command.downgrade(settings, "base")
        left = connection.scalar(
            text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
        )
        assert left == 0
    migrate(empty)
    assert at_head(empty)


def test_migrating_twice_is_harmless(empty: Engine) -> None:
    migrate(empty)
    migrate(empty)
    assert at_head(empty)


def test_a_database_of_a_newer_cocoon_is_refused_with_a_sentence(empty: Engine) -> None:
    migrate(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    with pytest.raises(MigrationError, match="newer Cocoon"):
        migrate(empty)

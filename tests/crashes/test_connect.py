"""From the command to the figures: a crash tool is connected, its rights are told, it is read, and the API shows it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from app.__main__ import main
from models.sources import Coverage, Run, Source
from models.stability_series import crash_series
from tests.fakes.sentry import FakeSentry, Health, Issue

NOW = datetime.now(UTC)
MIDNIGHT = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
Command = Callable[..., Result]


@pytest.fixture
def api() -> Iterator[FakeSentry]:
    with FakeSentry(NOW) as fake:
        for n in range(20):
            fake.health[MIDNIGHT - timedelta(days=n), "com.example.bank@7.1.0+710"] = Health(800, 300, 4, 4)
        fake.issues = [Issue("1", "NPE: 06 12 34 56 78", days={MIDNIGHT: 7})]
        yield fake


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    for name, value in (
        ("DATABASE_URL", database_url),
        ("COCOON_DATA", str(tmp_path)),
        ("COCOON_SECRET_KEY", "tests"),
        ("COCOON_HOST_INTERVAL_MS", "0"),
    ):
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_crash_tool_is_connected_read_and_shown(
    api: FakeSentry, command: Command, database_url: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(api.token)
    settings = ("organization=bank", "project=42", "platform=android", f"token_file={token}", f"sentry_url={api.url}")
    api.scopes = {"org:read"}
    made = command("source", "connect", "sentry", "--app", "Banque", *settings, "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert (told["channel"], told["config"]["timezone"]) == ("google_play", "Europe/Paris")
    assert [right["works"] for right in told["rights"]] == [True, False]
    assert "event:read" in told["rights"][1]["message"]
    api.scopes |= {"event:read"}
    for _ in range(2):
        read = command("source", "run", str(told["id"]))
        assert read.exit_code == 0, read.output
        assert "complete" in read.output
        assert "daily figures" in read.output
    engine = create_engine(database_url)
    with Session(engine) as session:
        source = session.scalars(select(Source)).one()
        runs = session.scalars(select(Run).order_by(Run.id)).all()
        # The second walk reads only what may still change.
        assert (runs[0].pages > runs[1].pages, runs[1].pages) == (True, 1)
        assert source.history_done
        today = MIDNIGHT.date()
        series = crash_series(session, source.app_id, today - timedelta(days=9), today)["google_play"]
        assert series.versions["7.1.0"].exposed[-2] == 800
        assert series.total.crashed[:-1].tolist() == [4.0] * 9
        states = set(session.scalars(select(Coverage.state).where(Coverage.day.between(today - timedelta(8), today))))
        assert states == {"complete"}
    engine.dispose()


def test_what_is_missing_is_said_and_nothing_is_stored(command: Command, database_url: str) -> None:
    for wrong, part in (
        (("sentry", "--app", "Banque", "organization=bank"), "project"),
        (("tarot", "--app", "Banque"), "no such kind"),
        (("sentry", "--app", "Banque", "organization"), "name=value"),
    ):
        answer = command("source", "connect", *wrong)
        assert answer.exit_code != 0
        assert part in answer.output + str(answer.exception)
    engine = create_engine(database_url)
    with Session(engine) as session:
        assert session.scalars(select(Source)).all() == []
    engine.dispose()

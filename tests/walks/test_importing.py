"""Import of a file by the command: what it prints, what it corrects, and that a second time changes nothing."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from app.__main__ import main
from app.context import Context
from app.db import transaction
from app.walk import AlreadyWalkingError, walk
from collectors.base import Page
from models.feedback import Verbatim
from models.incidents import Delivery
from models.sources import Source
from tests.walks.conftest import Scripted, record

ROWS = """id,date,note,avis,version
9000000001,2026-11-01 10:00,5,Très pratique,7.1
9000000002,2026-11-02 10:00,1,Impossible de me connecter,7.2
9000000003,2026-11-03 10:00,9,Une note qui n'existe pas,7.2
9000000004,2026-11-04 10:00,12,Une autre,7.2
9000000005,pas une date,3,Sans date,7.2
""" + "".join(f"90000001{n:02},2026-10-{n:02} 10:00,4,Avis numéro {n},7.1\n" for n in range(10, 30))


@dataclass
class Bench:
    context: Context
    folder: Path

    def file(self, words: str, name: str = "avis.csv") -> Path:
        path = self.folder / name
        path.write_text(words, encoding="utf-8")
        return path

    def run(self, *arguments: str, typed: str | None = None) -> Result:
        environment = {
            "DATABASE_URL": self.context.url,
            "COCOON_SECRET_KEY": "tests",
            "COCOON_DATA": str(self.folder / "data"),
        }
        return CliRunner().invoke(main, ["import", *arguments], env=environment, input=typed)

    def json(self, path: Path, *options: str) -> dict[str, Any]:
        done = self.run(str(path), "--app", "Banque", "--json", *options)
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout))

    def stored(self) -> list[Verbatim]:
        with self.context.transaction() as session:
            return list(session.scalars(select(Verbatim).order_by(Verbatim.written_at)))


@pytest.fixture
def bench(context: Context, tmp_path: Path) -> Bench:
    return Bench(context, tmp_path)


def test_it_says_what_it_stored_what_it_quarantined_and_why(bench: Bench) -> None:
    done = bench.run(str(bench.file(ROWS)), "--app", "Banque", "--yes")
    assert done.exit_code == 0, done.output
    assert "avis" in done.output
    assert "→ body" in done.output
    assert "22 stored, 0 revised, 0 already there, 3 quarantined." in done.output
    assert "quarantined 2: column 'note': the stars … are not 1 to 5" in done.output
    assert "quarantined 1: column 'date': the date … cannot be read" in done.output
    assert [row.stars for row in bench.stored()] == [4] * 20 + [5, 1]


def test_importing_twice_changes_nothing_and_names_the_reasons_again(bench: Bench) -> None:
    path = bench.file(ROWS)
    first, second = bench.json(path), bench.json(path)
    assert (first["stored"], first["quarantined"]) == (22, 3)
    assert (second["stored"], second["revised"], second["already_there"], second["quarantined"]) == (0, 0, 22, 3)
    assert second["reasons"] == first["reasons"]
    assert sum(second["reasons"].values()) == 3
    assert len(bench.stored()) == 22


def test_a_wrong_guess_is_corrected_and_a_column_left_out(bench: Bench) -> None:
    path = bench.file("quand,combien,propos,autre\n2026-11-01,4,Bien,x\n")
    told = bench.json(
        path, "--map", "quand=written_at", "--map", "combien=stars", "--map", "propos=body", "--map", "autre=-"
    )
    assert told["stored"] == 1
    (row,) = bench.stored()
    assert (row.stars, row.body, row.title) == (4, "Bien", "")


def test_times_without_a_zone_are_those_of_the_zone_given(bench: Bench) -> None:
    path = bench.file("date,stars,review\n2026-07-01 00:30,4,Bien\n")
    bench.json(path, "--zone", "America/Montreal", "--channel", "branch")
    (row,) = bench.stored()
    assert (row.written_at.isoformat(), row.channel) == ("2026-07-01T04:30:00+00:00", "branch")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--map", "avis"), "COLUMN=FIELD"),
        (("--map", "nothing=body"), "nothing"),
        (("--map", "avis=soul"), "soul"),
        (("--zone", "Mars/Olympus"), "time zone"),
        (("--channel", "App Store!"), "channel"),
    ],
)
def test_what_cannot_be_is_one_sentence(bench: Bench, options: tuple[str, ...], said: str) -> None:
    done = bench.run(str(bench.file(ROWS)), "--app", "Banque", "--yes", *options)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert bench.stored() == []


def test_a_no_imports_nothing(bench: Bench) -> None:
    done = bench.run(str(bench.file(ROWS)), "--app", "Banque", typed="n\n")
    assert done.exit_code == 1
    assert "--map" in done.stderr
    assert bench.stored() == []


def test_an_export_with_ids_meets_the_reviews_of_the_feed(
    bench: Bench, source_id: int, at: Callable[..., None]
) -> None:
    """Two exports that overlap, and the feed: each review is there once."""
    feed = Scripted(
        [
            Page(
                verbatims=tuple(replace(record(n), external_id=str(9_000_000_000 + n)) for n in (100, 99)),
                end="exhausted",
            )
        ]
    )
    walk(bench.context.engine, source_id, feed, seal=bench.context.seal)
    rows = {
        n: f"{9_000_000_000 + n},{record(n).written_at.isoformat()},{record(n).stars},{record(n).body}"
        for n in range(95, 101)
    }
    one = "id,date,rating,review\n" + "\n".join(rows[n] for n in (95, 96, 97, 98, 99)) + "\n"
    two = "id,date,rating,review\n" + "\n".join(rows[n] for n in (98, 99, 100)) + "\n"
    assert bench.json(bench.file(one, "one.csv"), "--channel", "app_store")["stored"] == 4
    again = bench.json(bench.file(two, "two.csv"), "--channel", "app_store")
    assert (again["stored"], again["revised"], again["already_there"]) == (0, 0, 3)
    assert [int(row.external_id) - 9_000_000_000 for row in bench.stored()] == [95, 96, 97, 98, 99, 100]


def test_an_import_never_alerts(bench: Bench) -> None:
    good = [f"2026-{9 + d // 30:02}-{1 + d % 28:02} 1{n}:00,5,Très bien {d} {n}" for d in range(60) for n in range(8)]
    bad = [f"2026-11-{day:02} 1{n}:00,1,Plus rien ne marche {day} {n}" for day in range(10, 16) for n in range(10)]
    bench.json(bench.file("date,stars,review\n" + "\n".join(good + bad) + "\n"))
    with bench.context.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0


def test_an_import_under_way_elsewhere_is_one_sentence(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise AlreadyWalkingError("Source 1 is being read by another process.")

    monkeypatch.setattr("app.importing.walk", busy)
    done = bench.run(str(bench.file(ROWS)), "--app", "Banque", "--yes")
    assert done.exit_code == 1
    assert done.stderr.strip() == "Error: Source 1 is being read by another process."


def test_the_same_file_name_is_the_same_source(bench: Bench) -> None:
    bench.json(bench.file(ROWS))
    bench.json(bench.file(ROWS + "9000000006,2026-11-06 10:00,2,Nouveau,7.2\n"))
    with transaction(bench.context.engine) as session:
        assert session.scalar(select(func.count()).select_from(Source)) == 1
    assert len(bench.stored()) == 23

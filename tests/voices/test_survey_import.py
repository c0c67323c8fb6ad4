"""A survey's file by hand: declared once and remembered; each answer is stored or told by reason, twice is once."""

import json
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from app.context import Context
from app.errors import Problem
from app.survey_import import import_survey, read_choice
from collectors.base import SourceError
from models.feedback import Verbatim
from models.sources import Coverage, Source
from models.voices import SurveyAnswer
from tests.voices.conftest import everything

ROWS = [
    ["Date", "Recommandation", "Satisfait ?", "Pourquoi ?", "Courriel", "Profil"],
    ["03/11/2026 10:00", "9", "Oui", "très pratique", "a@example.com", "pro"],
    ["04/11/2026 10:00", "2", "Non", "le virement échoue", "b@example.com", "part"],
    ["14/11/2026 10:00", "7", "Oui", "", "c@example.com", "part"],
    ["15/11/2026 10:00", "10", "Bof", "", "d@example.com", "part"],
    ["16/11/2026 10:00", "quatre", "Non", "", "e@example.com", "pro"],
    ["17/11/2026 10:00", "0", "Non", "encore en panne", "b@example.com", "part"],
    ["", "5", "Oui", "sans date", "f@example.com", "part"],
]
MAP = [
    "Date=written_at",
    "Recommandation=nps",
    "Satisfait ?=satisfied Oui : Non",
    "Pourquoi ?=text",
    "Courriel=email",
    "Profil=segment",
]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "satisfaction.csv"
    path.write_text("\n".join(";".join(row) for row in ROWS), encoding="cp1252")
    return path


def test_a_file_by_hand(context: Context, sheet: Path) -> None:
    choice = read_choice(context, sheet, "Banque", MAP, survey="Barometre")
    found = import_survey(context, sheet, "Banque", choice)
    assert f"({found.stored - found.scores} texts, {found.scores} scores)" in found.shown()
    # b answered twice in the wave: the later one counts. "Bof", "quatre" and the row without a date are told.
    with context.transaction() as session:
        scores = session.execute(select(SurveyAnswer.type, SurveyAnswer.score).order_by(SurveyAnswer.score)).all()
        assert sorted(score for kind, score in scores if kind == "nps") == [0.0, 7.0, 9.0, 10.0]
        assert sorted(score for kind, score in scores if kind == "satisfied") == [0.0, 0.0, 1.0, 1.0]
        bodies = session.scalars(select(Verbatim.body)).all()
        assert sorted(bodies) == ["encore en panne", "très pratique"]
        assert set(session.scalars(select(Verbatim.channel))) == {"survey"}
        assert set(session.scalars(select(Verbatim.stars))) == {None}
        assert set(session.scalars(select(SurveyAnswer.segment))) == {"pro", "part"}
    assert (found.outcome, found.quarantined) == ("complete", 3)
    with context.transaction() as session:
        days = session.scalars(select(Coverage.day).order_by(Coverage.day)).all()
        # From the first answer to the last one that could be read, comments or not.
        assert (days[0].day, days[-1].day, len(days)) == (3, 17, 15)
    assert sum(found.reasons.values()) == 3
    kept = everything(context.engine)
    for mail in "abcdef":
        assert f"{mail}@example.com" not in kept


def test_what_was_declared_is_remembered_and_twice_is_once(context: Context, sheet: Path) -> None:
    import_survey(context, sheet, "Banque", read_choice(context, sheet, "Banque", MAP, survey="Barometre"))
    again = read_choice(context, sheet, "Banque", [], survey="Barometre")
    assert again.meanings == dict(each.split("=") for each in MAP)
    found = import_survey(context, sheet, "Banque", again)
    assert (found.stored, found.revised) == (0, 0)
    with context.transaction() as session:
        assert len(session.scalars(select(Source.id)).all()) == 1


def test_nothing_is_guessed_from_a_scale(context: Context, sheet: Path) -> None:
    with pytest.raises(Problem, match="Declare what the questions measure"):
        read_choice(context, sheet, "Banque", ["Date=written_at"])
    with pytest.raises(SourceError, match="no meaning"):
        read_choice(context, sheet, "Banque", ["Recommandation=stars"])


def test_a_column_that_is_not_there_is_a_mistake(context: Context, sheet: Path) -> None:
    choice = read_choice(context, sheet, "Banque", ["Date=written_at", "Recomandation=nps"])
    found = import_survey(context, sheet, "Banque", choice)
    assert found.outcome == "failed"
    assert "no column 'Recomandation'" in found.reason


def test_the_same_from_excel(context: Context, tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in ROWS:
        page.append(row)
    path = tmp_path / "satisfaction.xlsx"
    book.save(path)
    found = import_survey(context, path, "Banque", read_choice(context, path, "Banque", MAP))
    assert (found.quarantined, found.outcome) == (3, "complete")


def test_columns_that_nobody_declared_are_told(context: Context, sheet: Path) -> None:
    choice = read_choice(context, sheet, "Banque", ["Date=written_at", "Recommandation=nps", "Courriel=ignore"])
    found = import_survey(context, sheet, "Banque", choice)
    assert "6 left out: the question Satisfait ? is not declared" in found.reason
    assert "Courriel" not in found.reason


def test_the_command_declares_and_imports(
    context: Context, sheet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.__main__ import main

    monkeypatch.setenv("DATABASE_URL", context.url)
    monkeypatch.setenv("COCOON_DATA", str(context.settings.data))
    monkeypatch.setenv("COCOON_SECRET_KEY", "tests")
    options = [each for pair in MAP for each in ("--map", pair)]
    with pytest.raises(SystemExit) as ended:
        main(["import", str(sheet), "--app", "Banque", "--channel", "survey", "--survey", "B", *options, "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["quarantined"] == 3

"""Import of a survey's file: columns are declared once a survey and remembered; what they measure is never guessed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.context import Context
from app.errors import Problem
from app.importing import Imported
from app.jobs import look_before_history
from app.judge import judge
from app.setup import find_or_make_app
from app.walk import walk
from collectors.base import Page, Probe
from collectors.survey_file import SurveyFile, known_columns, meaning_of, split_meanings
from models.sources import Source
from models.voices import SurveyAnswer


@dataclass(frozen=True, slots=True)
class SurveyChoice:
    """What a survey's columns mean, as declared now or before, and the columns that nobody declared."""

    survey: str
    meanings: dict[str, str]
    columns: tuple[str, ...]
    qualtrics: bool
    wave: str
    zone: str
    file: str

    def shown(self) -> str:
        """For a person who checks it."""
        kind = "a Qualtrics table" if self.qualtrics else "columns"
        lines = [f"{self.file}: survey “{self.survey}”, {kind}"]
        lines += [
            f"  {column[:40]:<40} → {self.meanings.get(column, '(not declared)')}"
            for column in dict.fromkeys((*self.columns, *self.meanings))
        ]
        return "\n".join(lines)


def read_choice(
    context: Context,
    path: Path,
    app_name: str,
    corrections: Sequence[str],
    *,
    survey: str = "",
    wave: str = "",
    zone: str = "Europe/Paris",
) -> SurveyChoice:
    """What was declared for this survey before, with COLUMN=MEANING over it. Raises Problem or SourceError."""
    survey = survey or path.stem
    guessed, columns, qualtrics = known_columns(path)
    with context.transaction() as session:
        app = find_or_make_app(session, app_name)
        before = _source(session, app.id, survey)
        known = dict(before.config.get("meanings") or {}) if before is not None else {}
        wave = wave or (str(before.config.get("wave") or "") if before is not None else "")
    meanings = {column: meaning for column, meaning in {**guessed, **known}.items() if column in columns or qualtrics}
    for each in corrections:
        column, equals, meaning = each.partition("=")
        if not equals or not column.strip():
            raise Problem(422, f"--map wants COLUMN=MEANING, not {each!r}.", where="map")
        meanings[column.strip()] = meaning_of(meaning)
    if not split_meanings(meanings)[1]:
        shown = ", ".join(columns[:30])
        raise Problem(
            422,
            "Declare what the questions measure: --map COLUMN=nps, csat 1-5, effort 1-7, “satisfied Oui : Non” or "
            f"text. Columns: {shown}.",
            where="map",
        )
    return SurveyChoice(survey, meanings, columns, qualtrics, wave, zone, path.name)


def import_survey(context: Context, path: Path, app_name: str, choice: SurveyChoice) -> Imported:
    """Import a survey's file into an app. Never alerts; importing twice changes nothing."""
    with context.transaction() as session:
        app = find_or_make_app(session, app_name)
        source = _source(session, app.id, choice.survey)
        if source is None:
            source = Source(
                app_id=app.id, kind="survey_file", channel="survey", name=choice.survey, config={}, rhythm_minutes=None
            )
            session.add(source)
        source.config = {
            "survey_id": choice.survey,
            "meanings": choice.meanings,
            "wave": choice.wave,
            "zone": choice.zone,
            "identity": "survey",
        }
        session.flush()
        before = _answers(session, app.id)
    look_before_history(context, app.id)
    file = SurveyFile(path, choice.meanings, choice.survey, wave=choice.wave, zone=ZoneInfo(choice.zone))
    collector = _Counted(file)
    run = walk(context.engine, source.id, collector, seal=context.seal, trigger="import")
    with context.transaction() as session:
        scores = _answers(session, app.id) - before
        judge(session, app.id, clock.now(), base_url=context.settings.base_url, quiet=True)
    return Imported.of(app, source, run, collector.reasons, scores=collector.scores, new_scores=scores)


def _source(session: Session, app_id: int, survey: str) -> Source | None:
    wanted = select(Source).where(Source.app_id == app_id, Source.kind == "survey_file", Source.name == survey)
    return session.scalar(wanted)


def _answers(session: Session, app_id: int) -> int:
    return session.scalar(select(func.count()).select_from(SurveyAnswer).where(SurveyAnswer.app_id == app_id)) or 0


class _Counted:
    """A file whose scores and unreadable answers are counted on their way."""

    kind = SurveyFile.kind

    def __init__(self, file: SurveyFile) -> None:
        self._file = file
        self.scores = 0
        self.reasons: Counter[str] = Counter()

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """The file's pages."""
        for page in self._file.pages(resume):
            self.scores += len(page.answers)
            self.reasons.update(row.reason.partition(": ")[2] or row.reason for row in page.quarantined)
            yield page

    def probe(self) -> list[Probe]:
        """What is declared."""
        return self._file.probe()

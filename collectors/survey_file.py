"""A survey's answers from a file: Qualtrics' own tables, and any other table whose columns a person declared.

What each column measures is declared (nps, csat 1-5, satisfied …, text) or names who answered (email, segment…).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from zoneinfo import ZoneInfo

from collectors.base import Page, Probe, SourceError
from collectors.file_mapping import FIELDS as COLUMN_NAMES
from collectors.file_values import PARIS, blank, day_and_month_order, moment, plain
from collectors.qualtrics_table import Headers, find_headers, read_rows
from collectors.survey_plan import FIELDS, Plan, Read, Response, read_questions, read_response
from collectors.tables import BROKEN, EXTRA, Row, find_layout, rows
from collectors.values import RowFault, quarantine, sound

PAGE_ROWS = 2_000
MEANINGS = (*FIELDS, "written_at", "response_id", "wave")
"""What a column that is no question may mean; "ignore" for one that is left out on purpose."""
_SURE = {"written_at": "written_at", "external_id": "response_id", "locale": "locale", "version": "version"}


class SurveyFile:
    """A file of one survey. `meanings` tell its columns, by name (Qualtrics: by code or import id)."""

    kind = "survey_file"

    def __init__(
        self, path: Path, meanings: Mapping[str, str], survey: str, *, wave: str = "", zone: ZoneInfo = PARIS
    ) -> None:
        self.path = path
        self._survey = survey
        self._wave = wave
        self._zone = zone
        self._fields, declared = split_meanings(meanings)
        try:
            self._questions = read_questions("\n".join(f"{name}={meaning}" for name, meaning in declared.items()))
        except ValueError as error:
            raise SourceError(f"{error}.", "refused") from error
        self._ignored = {name for name, meaning in meanings.items() if meaning == "ignore"}

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield the file's pages of 2,000 rows. Raises SourceError."""
        layout = find_layout(self.path)
        table = rows(self.path, layout)
        start = list(islice(table, 2))
        headers = find_headers(start[0][0], start[1][0] if len(start) > 1 else None) if start else None
        self._must_know([*(row for row, _ in start)], headers)
        if headers is None:
            reads = self._generic(chain(start, table))
        else:
            kept = {name: own for name, own in self._fields.items() if name in FIELDS}
            plan = Plan(self._survey, self._questions, self._wave, kept)
            left = (row for row, _ in chain(start[headers.rows :], table))
            reads = ((read, 0.0) for read in read_rows(left, headers, plan, self._zone))
        yield from _paged(reads, self._ignored)

    def probe(self) -> list[Probe]:
        """Say what is declared."""
        declared = ", ".join(f"{name} → {question.kind}" for name, question in self._questions.items())
        return [Probe(f"File {self.path.name}", True, f"{declared}.")]

    def _must_know(self, start: list[Row], headers: Headers | None) -> None:
        """A declared column that the file does not have is a mistake, not an empty answer."""
        there = {name for row in start for name in row}
        if headers is not None:
            there |= set(headers.ids.values())
        missing = [name for name in (*self._questions, *self._fields.values()) if name not in there]
        if start and missing:
            shown = ", ".join(sorted(name for name in there if name not in {EXTRA, BROKEN})[:40])
            raise SourceError(f"The file has no column {missing[0]!r}; it has {shown}.", "refused")

    def _generic(self, table: Iterator[tuple[Row, float]]) -> Iterator[tuple[Read, float]]:
        day_first = self._day_first()
        alike: Counter[str] = Counter()
        plan = Plan(self._survey, self._questions, self._wave, {k: v for k, v in self._fields.items() if k in FIELDS})
        for number, (row, share) in enumerate(table, start=1):
            read = Read()
            try:
                response, own_wave = self._response(row, alike, day_first)
                chosen = Plan(plan.survey, plan.questions, own_wave, plan.fields) if own_wave else plan
                read_response(chosen, response, read)
            except RowFault as fault:
                raw = {name: cell for name, cell in row.items() if name not in {EXTRA, BROKEN}} or {
                    "row": row.get(BROKEN)
                }
                read.quarantined.append(quarantine(raw, f"row {number}: {fault}"))
            yield read, share

    def _response(self, row: Row, alike: Counter[str], day_first: bool) -> tuple[Response, str]:
        if BROKEN in row or EXTRA in row:
            raise RowFault("the row does not fit the columns (a delimiter or a quote in a text?)")
        at = row.get(self._fields.get("written_at", ""))
        if blank(at):
            raise RowFault(f"no date in the column {self._fields.get('written_at', 'written_at')!r}")
        name = sound(row.get(self._fields.get("response_id", "")))
        if not name:
            digest = hashlib.sha256(json.dumps(row, default=str, sort_keys=True).encode()).hexdigest()[:24]
            alike[digest] += 1
            name = f"row-{digest}-{alike[digest]}"
        own = {*self._fields.values(), *self._ignored}
        values = {column: cell for column, cell in row.items() if column not in own and not blank(cell)}
        wave = sound(row.get(self._fields.get("wave", "")))
        return Response(name, moment(at, day_first=day_first, zone=self._zone), values, row), wave

    def _day_first(self) -> bool:
        """Decide over the whole column whether 03/04 is in April; both ways possible: day first."""
        column = self._fields.get("written_at", "")
        if not column:
            raise SourceError("Declare which column is the date: --map COLUMN=written_at", "refused")
        day, month, _ = day_and_month_order(row.get(column) for row, _ in rows(self.path, find_layout(self.path)))
        return day >= month


def split_meanings(meanings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Field → column, and column → what its question measures. Raises SourceError(refused) for a field given twice."""
    fields: dict[str, str] = {}
    questions: dict[str, str] = {}
    for column, meaning in meanings.items():
        if meaning in MEANINGS:
            if meaning in fields:
                raise SourceError(f"Two columns were given to {meaning!r}; one column a field.", "refused")
            fields[meaning] = column
        elif meaning not in {"", "ignore"}:
            questions[column] = meaning
    return fields, questions


def known_columns(path: Path) -> tuple[dict[str, str], tuple[str, ...], bool]:
    """What needs no declaration (date, response id, language, version by their names), all columns, and whether the
    file is Qualtrics'. What a question measures is never guessed. Raises SourceError.
    """
    start = [row for row, _ in islice(rows(path, find_layout(path)), 2)]
    if not start:
        raise SourceError(f"The file {path.name} holds no row that can be read.", "format")
    columns = tuple(name for name in start[0] if name not in {EXTRA, BROKEN})
    headers = find_headers(start[0], start[1] if len(start) > 1 else None)
    if headers is not None:
        return {}, columns, True
    guessed: dict[str, str] = {}
    for field, meaning in _SURE.items():
        names = COLUMN_NAMES[field]
        found = next((column for name in names for column in columns if plain(column).replace("_", " ") == name), None)
        if found is not None and found not in guessed:
            guessed[found] = meaning
    return guessed, columns, False


def _paged(reads: Iterator[tuple[Read, float]], ignored: set[str]) -> Iterator[Page]:
    pile, count, share = Read(), 0, 0.0
    silent = {f"the question {name} is not declared" for name in ignored}
    for read, share in reads:
        pile.answers += read.answers
        pile.verbatims += read.verbatims
        pile.quarantined += read.quarantined
        pile.left_out += Counter({why: n for why, n in read.left_out.items() if why not in silent})
        count += 1
        if count >= PAGE_ROWS:
            yield pile.page(progress=share or None)
            pile, count = Read(), 0
    yield pile.page(progress=1.0, end="exhausted")


def meaning_of(words: str) -> str:
    """A declared meaning as it is kept. Raises SourceError(refused) for one that is none."""
    words = " ".join(words.split())
    if words in {"", "-", "ignore"}:
        return "ignore"
    if words in MEANINGS:
        return words
    try:
        read_questions(f"x={words}")
    except ValueError as error:
        known = ", ".join(MEANINGS)
        raise SourceError(
            f"{words!r} is no meaning of a column: {error}. Or one of {known}, ignore.", "refused"
        ) from error
    return words

"""Exported Crashlytics tables as files (NDJSON, Parquet, CSV), asked the very questions that BigQuery is asked.

The SQL is written once, for BigQuery (`crashlytics_sql`); sqlglot turns it into DuckDB's words, which reads all three
formats. So a figure from a file and a figure from the live export cannot differ by more than their rows.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import sqlglot

from collectors.base import Page, Probe, SourceError
from collectors.crashlytics_sql import (
    EVENT_COLUMNS,
    NEEDED_EVENTS,
    NEEDED_SESSIONS,
    SESSION_COLUMNS,
    Table,
    read_days,
)
from collectors.values import quarantine
from models.records import QuarantinedRow

FORMATS = {".ndjson": "json", ".jsonl": "json", ".json": "json", ".parquet": "parquet", ".csv": "csv"}
MOST_FILES = 5_000
PAGE_DAYS = 31
MOST_BAD = 1_000
LONGEST_LINE = 16 * 1024 * 1024
DUCK = {"STRING": "VARCHAR", "BOOL": "BOOLEAN", "TIMESTAMP": "TIMESTAMPTZ"}


@dataclass(frozen=True, slots=True)
class _Found:
    """The files of one kind, by format."""

    events: dict[str, list[Path]]
    sessions: dict[str, list[Path]]


class CrashlyticsFiles:
    """The export of one app in a folder (or one file): tables of events, and of sessions where they are there too.

    A file is known for what it is by its columns: events have an `event_id`, sessions a `session_id`. In CSV a nested
    column is called `application.display_version` or `application_display_version`.
    """

    kind = "crashlytics_files"

    def __init__(self, folder: str, *, zone: str = "Europe/Paris", bundle: str = "") -> None:
        self._folder = Path(folder).expanduser()
        self._zone = ZoneInfo(zone)
        self._bundle = bundle

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of 31 days from the newest event backwards, or from the day before `resume`.

        Raises SourceError: gone where the files are missing, refused where they may not be read, format where they are
        no export of Crashlytics.
        """
        with _engine() as engine:
            events, sessions, bad = self._load(engine, self._files(engine))
            first, last = _reach(engine, self._zone, sessions=bool(sessions))
            newest, oldest = last, first
            ask = partial(_ask, engine, self._folder)
            if resume is not None:
                last = min(last, date.fromisoformat(resume) - timedelta(days=1))
            while True:
                begin = max(last - timedelta(days=PAGE_DAYS - 1), oldest)
                page = read_days(ask, begin, last, self._zone, events, sessions)
                done = begin <= oldest
                ended = datetime.combine(newest, datetime.min.time(), self._zone).astimezone(UTC)
                yield replace(
                    page,
                    quarantined=(*bad, *page.quarantined),
                    # The newest day may be cut in the middle: a file says nothing after its last row.
                    until=ended - timedelta(seconds=1),
                    resume=None if done else begin.isoformat(),
                    end="exhausted" if done else None,
                    progress=((newest - begin).days + 1) / ((newest - oldest).days + 1),
                    note="" if sessions else "the files hold no sessions, so that no rate can be told",
                )
                if done:
                    return
                bad = []
                last = begin - timedelta(days=1)

    def probe(self) -> list[Probe]:
        """Find the files, and read which columns they have."""
        name = "Crashlytics export in files"
        try:
            with _engine() as engine:
                found = self._files(engine)
                _, sessions, _ = self._load(engine, found)
                first, last = _reach(engine, self._zone, sessions=bool(sessions))
        except SourceError as error:
            return [Probe(name, False, error.message)]
        count = sum(map(len, found.events.values()))
        ran = sum(map(len, found.sessions.values()))
        text = f"{count} files of events and {ran} of sessions, {first} to {last}."
        return [Probe(name, True, text)]

    def _files(self, engine: duckdb.DuckDBPyConnection) -> _Found:
        try:
            if not self._folder.exists():
                raise SourceError(f"There is no file or folder {self._folder}.", "gone")
            files = [self._folder] if self._folder.is_file() else sorted(self._folder.rglob("*"))
            files = [file for file in files if file.is_file() and file.suffix.lower() in FORMATS]
        except OSError as error:
            raise SourceError(f"{self._folder} cannot be read ({error.strerror}).", "refused") from error
        if len(files) > MOST_FILES:
            raise SourceError(f"{self._folder} holds more than {MOST_FILES} files.", "refused")
        found = _Found({}, {})
        for file in files:
            kind = FORMATS[file.suffix.lower()]
            columns = _columns(engine, file, kind)
            if self._bundle and "bundle_identifier" in columns and not _of(engine, file, kind, self._bundle):
                continue
            if set(NEEDED_EVENTS) <= columns:
                found.events.setdefault(kind, []).append(file)
            elif set(NEEDED_SESSIONS) <= columns:
                found.sessions.setdefault(kind, []).append(file)
        if not found.events:
            text = f"{self._folder} holds no exported Crashlytics table (NDJSON, Parquet or CSV with event_id)"
            raise SourceError(f"{text}{' of ' + self._bundle if self._bundle else ''}.", "gone")
        return found

    def _load(
        self, engine: duckdb.DuckDBPyConnection, found: _Found
    ) -> tuple[list[Table], list[Table], list[QuarantinedRow]]:
        """Make one table of events and one of sessions, with the columns of the questions and no others."""
        tables: dict[str, list[Table]] = {"events": [], "sessions": []}
        bad: list[QuarantinedRow] = []
        for name, files, columns, needed in (
            ("events", found.events, EVENT_COLUMNS, NEEDED_EVENTS),
            ("sessions", found.sessions, SESSION_COLUMNS, NEEDED_SESSIONS),
        ):
            parts = [_select(engine, group, kind, columns) for kind, group in sorted(files.items())]
            if parts:
                _run(engine, f"CREATE TABLE exported_{name} AS {' UNION ALL '.join(parts)}", self._folder)
                bad += _set_aside(engine, f"exported_{name}", needed)
                tables[name] = [Table(f"`exported_{name}`", frozenset(column.partition(".")[0] for column in columns))]
        # What follows needs no file any more.
        engine.execute("SET enable_external_access = false")
        return tables["events"], tables["sessions"], bad


def _engine() -> duckdb.DuckDBPyConnection:
    """An engine in memory that fetches nothing from anywhere and keeps to one thread and 1 GB."""
    engine = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "threads": "1",
            "memory_limit": "1GB",
        },
    )
    engine.execute("SET TimeZone = 'UTC'")
    return engine


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _reader(files: list[Path], kind: str) -> str:
    """What DuckDB reads the files with: JSON line by line as text, so that a broken line spoils no other."""
    named = ", ".join(_quoted(str(file)) for file in files)
    if kind == "parquet":
        return f"read_parquet([{named}], union_by_name=true)"
    if kind == "csv":
        return f"read_csv([{named}], header=true, union_by_name=true, all_varchar=true, null_padding=true)"
    return (
        f"read_csv([{named}], columns={{'line': 'VARCHAR'}}, delim='\x01', quote='', escape='', header=false, "
        f"auto_detect=false, max_line_size={LONGEST_LINE}, buffer_size={LONGEST_LINE * 2})"
    )


def _columns(engine: duckdb.DuckDBPyConnection, file: Path, kind: str) -> set[str]:
    try:
        if kind != "json":
            return {str(row[0]) for row in engine.execute(f"DESCRIBE SELECT * FROM {_reader([file], kind)}").fetchall()}
        lines = engine.execute(f"SELECT line FROM {_reader([file], kind)} LIMIT 100").fetchall()
    except duckdb.Error as error:
        raise _unreadable(error, file) from error
    return set().union(*(_keys(line) for (line,) in lines))


def _keys(line: str | None) -> set[str]:
    try:
        row = json.loads(line or "")
    except (ValueError, RecursionError):
        return set()
    return set(row) if isinstance(row, dict) else set()


def _of(engine: duckdb.DuckDBPyConnection, file: Path, kind: str, bundle: str) -> bool:
    """Whether a file holds this app's rows: an export holds one app's."""
    told = "line ->> '$.bundle_identifier'" if kind == "json" else "bundle_identifier"
    told = f"TRY({told})"
    row = engine.execute(f"SELECT {told} AS b FROM {_reader([file], kind)} WHERE b IS NOT NULL LIMIT 1").fetchone()
    return row is None or row[0] == bundle


def _select(engine: duckdb.DuckDBPyConnection, files: list[Path], kind: str, columns: dict[str, str]) -> str:
    """Read the columns by their dotted names, whatever they are called in the files; a missing one is NULL."""
    known = set().union(*(_columns(engine, file, kind) for file in files))
    picked = []
    for name, form in columns.items():
        head, _, rest = name.partition(".")
        flat = name.replace(".", "_")
        source = next((f'"{each}"' for each in (name, flat) if each in known), "")
        if not source and rest and head in known:
            source = f'"{head}"."{rest}"'
        if kind == "json":
            source = f"CASE WHEN json_valid(line) THEN line ->> '$.{name}' END"
        # BigQuery writes "2026-04-28 09:12:30.123 UTC" in CSV.
        if source and form == "TIMESTAMP" and kind != "parquet":
            source = f"replace({source}, ' UTC', '+00')"
        value = f"TRY_CAST({source or 'NULL'} AS {DUCK[form]})"
        picked.append(f'struct_pack("{rest}" := {value}) AS "{head}"' if rest else f'{value} AS "{name}"')
    # The row as it came is kept as long as it may have to be set aside.
    whole = "line" if kind == "json" else "CAST(to_json(row) AS VARCHAR)"
    return f"SELECT {', '.join(picked)}, {whole} AS whole FROM {_reader(files, kind)} AS row"


def _set_aside(engine: duckdb.DuckDBPyConnection, table: str, needed: tuple[str, ...]) -> list[QuarantinedRow]:
    """Take out the rows that lack what every row has, as they came."""
    lacking = " OR ".join(f"{name} IS NULL" for name in needed)
    rows = engine.execute(
        f"SELECT whole FROM {table} WHERE ({lacking}) AND trim(coalesce(whole, '')) <> '' LIMIT {MOST_BAD}"
    ).fetchall()
    engine.execute(f"DELETE FROM {table} WHERE {lacking}")
    engine.execute(f"ALTER TABLE {table} DROP COLUMN whole")
    reason = f"the row has no {' or no '.join(needed)} that can be read"
    return [quarantine(str(row[0]).encode(), reason) for row in rows]


def _reach(engine: duckdb.DuckDBPyConnection, zone: ZoneInfo, *, sessions: bool) -> tuple[date, date]:
    """The first and the last local day with an event or a session: days that ran without a crash count too."""
    told = "SELECT event_timestamp FROM exported_events"
    if sessions:
        told += " UNION ALL SELECT event_timestamp FROM exported_sessions"
    row = engine.execute(
        f"SELECT min(epoch_us(event_timestamp)), max(epoch_us(event_timestamp)) FROM ({told}) AS told"
    ).fetchone()
    if row is None or row[0] is None:
        raise SourceError("The exported tables hold no event, so that nothing says of which days they speak.", "gone")
    first, last = (datetime.fromtimestamp(value / 1e6, UTC).astimezone(zone).date() for value in row)
    if (last - first).days > 4000:
        raise SourceError(f"The exported events lie between {first} and {last}: such a date cannot be.", "format")
    return first, last


def _ask(engine: duckdb.DuckDBPyConnection, folder: Path, sql: str) -> list[dict[str, Any]]:
    (said,) = sqlglot.transpile(sql, read="bigquery", write="duckdb")
    answer = _run(engine, said, folder)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _run(engine: duckdb.DuckDBPyConnection, sql: str, folder: Path) -> duckdb.DuckDBPyConnection:
    try:
        return engine.execute(sql)
    except duckdb.Error as error:
        raise _unreadable(error, folder) from error


def _unreadable(error: duckdb.Error, file: Path) -> SourceError:
    reason = str(error).strip().splitlines()[0][:300]
    return SourceError(f"{file} cannot be read as an exported table: {reason}", "format")

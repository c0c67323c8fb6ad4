"""A BigQuery that really answers: its tables are DuckDB's, and the SQL it gets is run on them, over real HTTP.

sqlglot turns BigQuery's SQL into DuckDB's. Dry runs, limits of cost, slow jobs, pages and missing roles are played too.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import sqlglot

from tests.fakes.play_api import JSON, Answered, FakePlayApi, refusal
from tests.fakes.stores import Request

PROJECT = "example-project"
TYPES = {"VARCHAR": "STRING", "BIGINT": "INTEGER", "HUGEINT": "INTEGER", "INTEGER": "INTEGER", "DATE": "DATE"}


class FakeBigQuery(FakePlayApi):
    """One project. `bytes_a_question` is what each dry run says; `slow` jobs are not done that many times."""

    scope = "https://www.googleapis.com/auth/cloud-platform.read-only"

    def __init__(self, now: datetime) -> None:
        super().__init__(now=now)
        self.duck = duckdb.connect(":memory:")
        self.duck.execute("SET TimeZone = 'UTC'")
        self.duck.execute(f"ATTACH ':memory:' AS \"{PROJECT}\"")
        self.bytes_a_question = 5_000_000
        self.slow = 0
        self.page_rows = 50_000
        self.lacking: set[str] = set()
        self.changed_at = now
        self.asked: list[dict[str, Any]] = []
        self.jobs: dict[str, tuple[list[dict[str, str]], list[list[Any]]]] = {}

    def load(self, dataset: str, table: str, file: Path, drop: tuple[str, ...] = ()) -> None:
        """Make a table from a file of JSON lines, without the columns of `drop`."""
        self.duck.execute(f'CREATE SCHEMA IF NOT EXISTS "{PROJECT}"."{dataset}"')
        exclude = f"EXCLUDE ({', '.join(drop)})" if drop else ""
        self.duck.execute(
            f'CREATE TABLE "{PROJECT}"."{dataset}"."{table}" AS SELECT * {exclude} '
            f"FROM read_json('{file}', format='newline_delimited')"
        )

    def sql(self, statement: str) -> None:
        self.duck.execute(statement)

    def answer(self, request: Request) -> Answered:
        if refused := self.unknown(request):
            return refused
        if self.forbidden:
            return refusal(403, "PERMISSION_DENIED", self.forbidden, "No. " + self.forbidden)
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        pieces = parts.path.strip("/").split("/")
        assert pieces[:3] == ["bigquery", "v2", "projects"]
        if pieces[3] != PROJECT:
            return refusal(404, "NOT_FOUND", "notFound", "Not found: Project")
        if pieces[4] == "datasets":
            return self._table(pieces[5], pieces[7])
        if request.method == "POST":
            return self._query(json.loads(request.body))
        return self._results(pieces[5], query)

    def _table(self, dataset: str, table: str) -> Answered:
        if dataset in self.lacking:
            return refusal(403, "PERMISSION_DENIED", "accessDenied", "Permission bigquery.tables.get denied")
        rows = self.duck.execute(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? AND table_name = ?",
            [PROJECT, dataset, table],
        ).fetchall()
        if not rows:
            return refusal(404, "NOT_FOUND", "notFound", f"Not found: Table {PROJECT}:{dataset}.{table}")
        document = {
            "kind": "bigquery#table",
            "id": f"{PROJECT}:{dataset}.{table}",
            "schema": {"fields": [{"name": name, "type": "STRING", "mode": "NULLABLE"} for (name,) in rows]},
            "lastModifiedTime": str(int(self.changed_at.timestamp() * 1000)),
        }
        return 200, JSON, json.dumps(document).encode()

    def _query(self, body: dict[str, Any]) -> Answered:
        self.asked.append(body)
        if "bigquery.jobs.create" in self.lacking:
            return refusal(403, "PERMISSION_DENIED", "accessDenied", "lacks bigquery.jobs.create permission")
        assert body["useLegacySql"] is False
        said = in_duckdb(body["query"])
        try:
            found = self.duck.cursor().execute(f"EXPLAIN {said}" if body.get("dryRun") else said)
        except duckdb.Error as error:
            return refusal(400, "INVALID_ARGUMENT", "invalidQuery", str(error).splitlines()[0].replace('"', "'"))
        if body.get("dryRun"):
            document = {"jobComplete": True, "totalBytesProcessed": str(self.bytes_a_question)}
            return 200, JSON, json.dumps(document).encode()
        if int(body["maximumBytesBilled"]) < self.bytes_a_question:
            return refusal(400, "INVALID_ARGUMENT", "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed")
        columns = [{"name": d[0], "type": TYPES.get(str(d[1]), "STRING")} for d in found.description]
        name = f"job_{len(self.jobs)}"
        self.jobs[name] = (columns, [list(row) for row in found.fetchall()])
        return self._results(name, {})

    def _results(self, name: str, query: dict[str, str]) -> Answered:
        reference = {"projectId": PROJECT, "jobId": name, "location": "EU"}
        if query:
            assert query["location"] == "EU"
        if self.slow:
            self.slow -= 1
            document: dict[str, Any] = {"jobComplete": False, "jobReference": reference}
            return 200, JSON, json.dumps(document).encode()
        columns, rows = self.jobs[name]
        begin = int(query.get("pageToken", "0"))
        shown = rows[begin : begin + self.page_rows]
        document = {
            "jobComplete": True,
            "jobReference": reference,
            "schema": {"fields": columns},
            "totalRows": str(len(rows)),
            "totalBytesProcessed": str(self.bytes_a_question),
        }
        if shown:
            document["rows"] = [{"f": [{"v": None if cell is None else str(cell)} for cell in row]} for row in shown]
        if begin + self.page_rows < len(rows):
            document["pageToken"] = str(begin + self.page_rows)
        return 200, JSON, json.dumps(document).encode()


@lru_cache(64)
def in_duckdb(sql: str) -> str:
    (said,) = sqlglot.transpile(sql, read="bigquery", write="duckdb")
    return said


def as_line(moment: datetime) -> str:
    """A moment as the export writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

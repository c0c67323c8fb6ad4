"""A question put to BigQuery with a limit on its cost and on its time, over its REST API.

Google's own library is not used: it repeats a question for ten minutes by default, brings gRPC and pyarrow, and knows
nothing of our pace, our typed errors and our addresses. Source: BigQuery REST reference, jobs.query, tables.get.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from collectors.access import get_json, post_json, reworded, safe_url, said
from collectors.base import Probe, SourceError
from collectors.google_access import GoogleToken, ServiceAccount
from collectors.http import Walk, host_of

BIGQUERY = "https://bigquery.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"
WAIT_MS = 10_000
LONGEST_WAIT = 120.0
PAGE_ROWS = 20_000
MOST_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class TableInfo:
    """What tables.get tells: the names of the top columns, and when the table last changed (unix seconds)."""

    columns: frozenset[str]
    changed_at: float


class BigQuery:
    """Questions of one project, asked as one service account. `max_bytes` is the most that one may read."""

    def __init__(
        self,
        project: str,
        account: ServiceAccount,
        base_url: str = BIGQUERY,
        *,
        max_bytes: int,
        clock: Callable[[], float] = time.time,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self._project = project
        self._base = safe_url(base_url, "address of BigQuery") + "/bigquery/v2/projects"
        self._account = account
        self._token = GoogleToken(account, SCOPE, clock)
        self._max_bytes = max_bytes
        self._longest_wait = longest_wait

    def probe_key(self, walk: Walk, name: str) -> Probe:
        """Exchange the key for a token: the first thing that can be wrong."""
        return self._token.probe(walk, name)

    def table(self, walk: Walk, dataset: str, name: str) -> TableInfo | None:
        """Describe a table, which costs nothing; None where there is none. Raises SourceError."""
        url = f"{self._base}/{self._project}/datasets/{dataset}/tables/{name}"
        try:
            document, _ = get_json(walk, url, self._token, self._explain, {"view": "BASIC"})
        except SourceError as error:
            if error.status == 404:
                return None
            raise
        fields = (document.get("schema") or {}).get("fields")
        if not isinstance(fields, list):
            raise SourceError(f"BigQuery describes the table {name} without its columns.", "format")
        names = frozenset(str(each.get("name")) for each in fields if isinstance(each, dict))
        changed = str(document.get("lastModifiedTime") or "0")
        return TableInfo(names, int(changed) / 1000 if changed.isdigit() else 0.0)

    def size(self, walk: Walk, sql: str) -> int:
        """Ask what a question would read, in bytes; nothing is read and nothing is paid."""
        document = self._post(walk, {"query": sql, "useLegacySql": False, "dryRun": True})
        told = str(document.get("totalBytesProcessed") or "")
        if not told.isdigit():
            raise SourceError("BigQuery does not say what the question would cost; it was not asked.", "format")
        return int(told)

    def ask(self, walk: Walk, sql: str) -> list[dict[str, Any]]:
        """Put the question and return its rows by column; values are text as BigQuery writes them.

        It is priced first, and not put where it would read more than `max_bytes`; BigQuery keeps the same limit
        itself, and ends the question after two minutes. Raises SourceError.
        """
        size = self.size(walk, sql)
        if size > self._max_bytes:
            raise SourceError(
                f"The question would read {size / 1e9:.1f} GB in BigQuery, more than the limit of "
                f"{self._max_bytes / 1e9:.1f} GB; it was not asked. Raise the source's max_gigabytes, or shorten days.",
                "refused",
            )
        document = self._post(
            walk,
            {
                "query": sql,
                "useLegacySql": False,
                "maximumBytesBilled": str(self._max_bytes),
                "timeoutMs": WAIT_MS,
                "jobTimeoutMs": str(int(self._longest_wait * 1000)),
                "maxResults": PAGE_ROWS,
                # The same question sent again after a broken connection is not run, nor paid, twice.
                "requestId": str(uuid4()),
                "labels": {"asked_by": "cocoon"},
            },
        )
        return self._rows(walk, document)

    def _rows(self, walk: Walk, document: dict[str, Any]) -> list[dict[str, Any]]:
        job = document.get("jobReference") or {}
        url = f"{self._base}/{self._project}/queries/{job.get('jobId', '')}"
        place = {"location": str(job["location"])} if job.get("location") else {}
        ends = time.monotonic() + self._longest_wait
        rows: list[dict[str, Any]] = []
        columns: list[str] = []
        while True:
            if document.get("errors") and not document.get("jobComplete"):
                raise self._failed(document)
            if document.get("jobComplete"):
                columns = columns or _columns(document)
                rows += [_row(columns, row) for row in document.get("rows") or []]
                token = document.get("pageToken")
                if not token:
                    break
                if len(rows) > MOST_ROWS:
                    raise SourceError("BigQuery answers with more than a million rows; shorten days.", "refused")
                asked = place | {"pageToken": str(token), "maxResults": str(PAGE_ROWS)}
            elif time.monotonic() > ends:
                text = f"BigQuery did not answer the question within {self._longest_wait:.0f} s."
                raise SourceError(text, "unreachable", host=host_of(self._base))
            else:
                asked = place | {"timeoutMs": str(WAIT_MS), "maxResults": str(PAGE_ROWS)}
            document, _ = get_json(walk, url, self._token, self._explain, asked)
        total = str(document.get("totalRows") or len(rows))
        if total.isdigit() and int(total) != len(rows):
            raise SourceError(f"BigQuery counts {total} rows and sent {len(rows)}.", "format")
        return rows

    def _post(self, walk: Walk, body: Mapping[str, Any]) -> dict[str, Any]:
        return post_json(walk, f"{self._base}/{self._project}/queries", self._token, self._explain, body)

    def _failed(self, document: Mapping[str, Any]) -> SourceError:
        told = document.get("errors") or [{}]
        reason = str((told[0] or {}).get("message") or "it gives no reason")[:300]
        return SourceError(f"BigQuery could not answer the question: {reason}", "format")

    def _explain(self, error: SourceError) -> SourceError:
        """Say a refusal in words that name the right which is missing."""
        if error.status == 401:
            return reworded(error, f"Google does not accept the token of {self._account.email} (answer 401).")
        if error.status == 403:
            return self._forbidden(error)
        if error.status == 404:
            text = f"BigQuery does not know the project, dataset or table that was asked in {self._project}."
            return reworded(error, text)
        if error.status == 400:
            message = said(error, "message") or "no reason given"
            if "ytes billed" in message or "bytesBilledLimitExceeded" in error.excerpt:
                text = "BigQuery stopped the question at the limit of its cost; raise max_gigabytes or shorten days."
                return reworded(error, text, "refused")
            return reworded(error, f"BigQuery does not take the question: {message[:300]}", "format")
        return error

    def _forbidden(self, error: SourceError) -> SourceError:
        """Tell the meanings of a 403 apart: a quota, no billing, an API switched off, a role that is missing."""
        reason = said(error, "reason")
        if reason in {"rateLimitExceeded", "quotaExceeded", "jobRateLimitExceeded"}:
            text = f"BigQuery's quota of the project {self._project} is used up ({reason})."
            throttled = reworded(error, text, "throttled")
            throttled.retry_after = 900.0
            return throttled
        if reason == "billingNotEnabled":
            return reworded(error, f"The project {self._project} has no billing, so BigQuery answers no question.")
        if "accessNotConfigured" in error.excerpt or "SERVICE_DISABLED" in error.excerpt:
            text = f"The BigQuery API is switched off in the project {self._project}"
            return reworded(error, f"{text}: switch it on in Google Cloud, APIs and Services.")
        asking = "bigquery.jobs.create" in error.excerpt
        what = "ask questions in" if asking else "read the tables of"
        role = "BigQuery Job User on the project" if asking else "BigQuery Data Viewer on the datasets of the export"
        text = f"The service account {self._account.email} may not {what} {self._project} (answer 403)"
        return reworded(error, f"{text}: give it the role {role}.")


def _columns(document: Mapping[str, Any]) -> list[str]:
    fields = (document.get("schema") or {}).get("fields")
    if not isinstance(fields, list):
        raise SourceError("BigQuery answered without the names of its columns.", "format")
    return [str(field.get("name")) for field in fields]


def _row(columns: list[str], row: Any) -> dict[str, Any]:
    cells = row.get("f") if isinstance(row, dict) else None
    if not isinstance(cells, list) or len(cells) != len(columns):
        raise SourceError("A row of BigQuery's answer does not fit its columns.", "format")
    return {name: cell.get("v") for name, cell in zip(columns, cells, strict=True)}

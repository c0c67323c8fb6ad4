"""Qualtrics: a survey's responses by its export API: ask for a file, wait until it is made, fetch and read it.

Source: Qualtrics API v3, Survey Response Exports: start, get progress, get file (a zip with one CSV of three headers).
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from collectors.access import read_key_file, refusal, safe_url
from collectors.base import Page, Probe, SourceError
from collectors.file_values import moment
from collectors.http import Http
from collectors.json_api import HeaderKey, JsonApi
from collectors.qualtrics_table import find_headers, read_rows
from collectors.survey_plan import Plan, Read, asked_since
from collectors.values import sound

ROWS = 2000
POLLS = 120
LARGEST = 512 * 1024 * 1024


class Qualtrics:
    """The responses of one survey that were recorded since the last walk."""

    kind = "qualtrics"

    def __init__(
        self,
        survey: str,
        plan: Plan,
        token_file: str,
        datacenter: str,
        base_url: str = "",
        *,
        http: Http,
        cursor: str = "",
        wait: float = 2.0,
    ) -> None:
        if not re.fullmatch(r"SV_[A-Za-z0-9]{5,30}", survey):
            raise ValueError(f"a survey's id begins with SV_, not {survey!r}")
        if not re.fullmatch(r"[a-z0-9.-]{2,40}", datacenter):
            raise ValueError("datacenter is the one of the account, such as fra1 (Account settings, Qualtrics IDs)")
        self._path = f"/API/v3/surveys/{survey}/export-responses"
        self._survey = survey
        self._plan = plan
        self._base = safe_url(base_url or f"https://{datacenter}.qualtrics.com", "address of Qualtrics")
        self._http = http
        self._key = HeaderKey(read_key_file(token_file), "X-API-TOKEN", "{}")
        self._since = cursor
        self._wait = wait

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of up to 2,000 responses of one export. Raises SourceError."""
        asked_at = datetime.now(UTC).replace(microsecond=0)
        with self._http.walk() as walk:
            archive = self._export(JsonApi(walk, self._base, self._key, self._explain))
        rows = _table(archive)
        codes = next(rows, None)
        if codes is None:
            raise SourceError("Qualtrics' file has no header.", "format")
        named = (dict(zip(codes, cells, strict=False)) for cells in rows if any(cells))
        second, third = next(named, {}), next(named, {})
        headers = find_headers(second, third)
        if headers is None or headers.legacy:
            raise SourceError("Qualtrics' file does not begin with its three header rows.", "format")
        reads = read_rows(named, headers, self._plan, ZoneInfo("UTC"))
        reaches = moment(self._since) if self._since else None
        while True:
            read = _together(islice(reads, ROWS))
            last = read.rows < ROWS
            yield read.read.page(
                # The place moves with the last page only: an export cannot be gone on with.
                cursor=asked_at.isoformat() if last else self._since,
                reaches=reaches,
                end="exhausted" if last else None,
            )
            if last:
                return

    def probe(self) -> list[Probe]:
        """Read the survey's name."""
        with self._http.walk() as walk:
            try:
                found = JsonApi(walk, self._base, self._key, self._explain).get(f"/API/v3/surveys/{self._survey}")
            except SourceError as error:
                return [Probe("Qualtrics", False, error.message)]
        name = sound((found.get("result") or {}).get("name"))
        return [Probe("Qualtrics", True, f"The token may read the survey “{name}”.")]

    def _export(self, api: JsonApi) -> bytes:
        wanted: dict[str, object] = {"format": "csv", "useLabels": True, "timeZone": "UTC", "compress": True}
        if self._since:
            wanted["startDate"] = f"{asked_since(self._since)}Z"
        progress = _result(api.post(self._path, wanted)).get("progressId")
        for _ in range(POLLS):
            state = _result(api.get(f"{self._path}/{_safe(progress)}"))
            if state.get("status") == "complete":
                return api.raw("GET", f"{self._path}/{_safe(state.get('fileId'))}/file").body
            if state.get("status") == "failed":
                raise SourceError("Qualtrics could not make the export; it is asked for again later.", "unreachable")
            self._http.sleep(self._wait)
        raise SourceError("Qualtrics did not finish the export in time; it is asked for again later.", "unreachable")

    def _explain(self, error: SourceError) -> SourceError:
        text = (
            "Qualtrics refuses the token (X-API-TOKEN): check that it was not made anew, that the user may see "
            "the survey, and that the account has the API."
        )
        unknown = f"Qualtrics does not know the survey {self._survey} in this data centre."
        return refusal(error, text, unknown)


class _Pile:
    def __init__(self) -> None:
        self.read, self.rows = Read(), 0


def _together(reads: Iterator[Read]) -> _Pile:
    pile = _Pile()
    for one in reads:
        pile.rows += 1
        pile.read.answers += one.answers
        pile.read.verbatims += one.verbatims
        pile.read.quarantined += one.quarantined
        pile.read.left_out += one.left_out
    return pile


def _result(document: dict[str, object]) -> dict[str, object]:
    result = document.get("result")
    if not isinstance(result, dict):
        raise SourceError("Qualtrics sent an answer without a result.", "format")
    return result


def _safe(name: object) -> str:
    """An id that an answer gave, before it goes into an address."""
    text = sound(name)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", text):
        raise SourceError("Qualtrics named an export in a way that it never does.", "format")
    return text


def _table(archive: bytes) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            names = [info for info in opened.infolist() if info.filename.lower().endswith(".csv")]
            if len(names) != 1 or names[0].file_size > LARGEST:
                raise SourceError("Qualtrics' archive does not hold one table of a size that can be read.", "format")
            with opened.open(names[0]) as raw:
                yield from csv.reader(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))
    except (zipfile.BadZipFile, UnicodeDecodeError, csv.Error) as error:
        raise SourceError("Qualtrics' archive is damaged or no zip.", "format") from error

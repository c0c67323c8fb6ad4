"""The way in for every export we have no collector for: a file of reviews, page by page, with its columns mapped."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping as Pairs
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from collectors.base import Page, Probe, SourceError
from collectors.file_mapping import Mapping, guess_mapping
from collectors.file_values import PARIS, blank, country, language_code, moment, stars
from collectors.tables import BROKEN, EXTRA, Row, rows
from collectors.values import RowFault, plausible, small_count, sound
from models.records import QuarantinedRow, VerbatimRecord

__all__ = ["FileSource", "guess_mapping", "read_rows"]
PAGE_ROWS = 2_000


@dataclass(slots=True)
class Reader:
    """Turns rows into records by a mapping. `alike` counts rows that say the same, by eight bytes of their hash."""

    mapping: Mapping
    zone: ZoneInfo
    file_date: datetime
    storefront: str | None
    locale: str | None
    alike: Counter[bytes] = field(default_factory=Counter)
    fields: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.fields = self.mapping.fields

    def record(self, row: Row) -> VerbatimRecord:
        """Read one row; raises RowFault with a reason that names the column and the value."""
        if BROKEN in row:
            csv = self.mapping.layout.form == "csv"
            raise RowFault("a quote is not closed" if csv else "the line is not a JSON object")
        if EXTRA in row:
            raise RowFault(f"the row has {len(row[EXTRA])} cells more than there are columns (a delimiter in a text?)")
        names = self.fields
        body, title = self._text(row, "body"), self._text(row, "title")
        given = self._read(row, "stars", stars)
        if not body and not title and given is None:
            raise RowFault(f"neither a text nor stars ({', '.join(names.get(one, one) for one in ('body', 'stars'))})")
        dated = "written_at" in names
        if dated and blank(row.get(names["written_at"])):
            raise RowFault(f"no date in the column {names['written_at']!r}")
        written_at = (self._moment(row, "written_at") if dated else None) or self.file_date
        author = self._text(row, "author") or None
        external_id = self._text(row, "external_id")
        if not external_id or blank(external_id):
            external_id = self._identity(written_at.isoformat() if dated else "", given, title, body, author)
        reply = self._text(row, "reply")
        return VerbatimRecord(
            external_id=external_id[:200],
            written_at=written_at,
            body=body,
            title=title,
            stars=given,
            storefront=country(row.get(names.get("storefront", ""))) or self.storefront,
            locale=language_code(row.get(names.get("locale", ""))) or self.locale,
            version=self._short(row, "version"),
            build=self._short(row, "build"),
            device=self._short(row, "device"),
            os=self._short(row, "os"),
            author=author,
            edited_at=self._moment(row, "edited_at"),
            reply=reply or None,
            replied_at=self._moment(row, "replied_at") if reply else None,
            thumbs_up=small_count(sound(row.get(names.get("thumbs_up", ""))).removesuffix(".0")),
            url=self._short(row, "url"),
        )

    def _text(self, row: Row, name: str) -> str:
        column = self.fields.get(name)
        value = row.get(column) if column else None
        # The texts themselves are taken as they are: "NA" may be all that somebody said.
        return "" if isinstance(value, float) and blank(value) else sound(value)

    def _short(self, row: Row, name: str) -> str | None:
        text = self._text(row, name)
        return None if blank(text) else text[:200]

    def _read(self, row: Row, name: str, read: Any) -> Any:
        column = self.fields.get(name)
        if not column or blank(row.get(column)):
            return None
        try:
            return read(row[column])
        except RowFault as fault:
            raise RowFault(f"column {column!r}: {fault}") from fault

    def _moment(self, row: Row, name: str) -> datetime | None:
        read: datetime | None = self._read(
            row, name, lambda value: moment(value, day_first=self.mapping.day_first, zone=self.zone)
        )
        return read

    def _identity(self, *parts: object) -> str:
        """A stable id from what the row says, with its number among the rows that say the same."""
        digest = hashlib.sha256(json.dumps(parts).encode()).digest()
        self.alike[digest[:8]] += 1
        return f"row-{digest[:12].hex()}-{self.alike[digest[:8]]}"


def read_rows(
    path: Path,
    mapping: Mapping,
    *,
    zone: ZoneInfo = PARIS,
    storefront: str | None = None,
    locale: str | None = None,
    resume: str | None = None,
    page_rows: int = PAGE_ROWS,
) -> Iterator[Page]:
    """Yield a file's rows in pages of 2,000, in the order of the file, each row once as a record or quarantined.

    Moments without a time zone are local to `zone`. `storefront` and `locale` stand in where the file names none.
    Rows without an id column get one from their content, the same at every import; that costs about 100 MB of memory
    a million rows, all else stays constant. `resume` is the number of rows already done. Raises SourceError.
    """
    done = int(resume) if resume and resume.isdigit() else 0
    reader = Reader(mapping, zone, _file_date(path), storefront, locale)
    note = ""
    if "written_at" not in mapping.fields:
        note = f"no date column: every row is dated {reader.file_date:%Y-%m-%d}, the date of the file"
    good: list[VerbatimRecord] = []
    bad: list[QuarantinedRow] = []
    number, share = 0, 0.0
    for number, (row, share) in enumerate(rows(path, mapping.layout), start=1):
        try:
            record = reader.record(row)
        except RowFault as fault:
            if number > done:
                bad.append(QuarantinedRow(_raw(row), f"row {number}: {fault}"))
        else:
            if number > done:
                good.append(record)
        if len(good) + len(bad) >= page_rows:
            yield Page(tuple(good), quarantined=tuple(bad), resume=str(number), progress=share, note=note)
            good, bad = [], []
    yield Page(tuple(good), quarantined=tuple(bad), end="exhausted", progress=1.0, note=note)


def _raw(row: Row) -> bytes:
    if BROKEN in row:
        return str(row[BROKEN]).encode(errors="replace")
    named = {"…" if name == EXTRA else name: value for name, value in row.items()}
    return json.dumps(named, ensure_ascii=False, default=str).encode(errors="replace")


def _file_date(path: Path) -> datetime:
    """The file's last change, or now where that is not plausible."""
    now = datetime.now(UTC)
    try:
        return min(now, plausible(datetime.fromtimestamp(os.stat(path).st_mtime, UTC)))  # noqa: PTH116
    except OSError as error:
        raise SourceError(f"There is no file {path.name}.", "gone") from error
    except (RowFault, OverflowError, ValueError):
        return now


class FileSource:
    """A file as a source: its mapping is guessed unless it is given."""

    kind = "file"

    def __init__(
        self,
        path: Path,
        mapping: Mapping | None = None,
        *,
        zone: ZoneInfo = PARIS,
        storefront: str | None = None,
        locale: str | None = None,
    ) -> None:
        self.path = path
        self._mapping = mapping
        self._zone = zone
        self._storefront = storefront
        self._locale = locale

    @classmethod
    def from_config(cls, config: Pairs[str, Any]) -> "FileSource":
        """Build from settings: path, and where wanted map (column → field), zone, storefront, lang.

        Raises SourceError where the file cannot be read or the map does not fit it; ValueError for an unknown zone.
        """
        path = Path(str(config["path"]))
        mapping = guess_mapping(path).corrected(config["map"]) if config.get("map") else None
        try:
            zone = ZoneInfo(str(config.get("zone") or "Europe/Paris"))
        except (KeyError, OSError) as error:
            raise ValueError(f"there is no time zone named {config.get('zone')}") from error
        return cls(path, mapping, zone=zone, storefront=config.get("storefront"), locale=config.get("lang"))

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield the file's pages; see `read_rows`."""
        mapping = self._mapping or guess_mapping(self.path)
        yield from read_rows(
            self.path, mapping, zone=self._zone, storefront=self._storefront, locale=self._locale, resume=resume
        )

    def probe(self) -> list[Probe]:
        """Say what the file's columns are taken for."""
        try:
            mapping = self._mapping or guess_mapping(self.path)
        except SourceError as error:
            return [Probe(f"File {self.path.name}", False, error.message)]
        pairs = ", ".join(f"{column} → {name}" for name, column in mapping.fields.items())
        works = bool(mapping.fields.keys() & {"body", "stars", "title"})
        return [Probe(f"File {self.path.name}", works, f"{pairs or 'no column was recognised'}.")]

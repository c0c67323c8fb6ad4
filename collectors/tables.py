"""Tables in files: CSV, JSON Lines, a JSON array or Excel, each also gzipped, as one stream of named cells.

What a file is, is read from its bytes and not from its name. Memory does not grow with the file.
"""

import codecs
import csv
import gzip
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from collectors.base import SourceError
from collectors.file_values import blank, looks_like_a_date
from collectors.values import sound

Form = Literal["csv", "jsonl", "json", "xlsx"]
Row = dict[str, Any]
DELIMITERS = (",", ";", "\t", "|")
EXTRA = "\x00more cells than columns"
BROKEN = "\x00broken"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_LONGEST_CELL = 16 * 1024 * 1024
_BLOCK = 1 << 20
csv.field_size_limit(_LONGEST_CELL)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written: its form, encoding and, for CSV, its delimiter and whether its first row names columns."""

    form: Form
    gzipped: bool
    encoding: str = "utf-8"
    delimiter: str = ","
    header: bool = True


@contextmanager
def _faults_in_words(path: Path) -> Iterator[None]:
    """Turn every way in which a file cannot be read into a SourceError with a sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise SourceError(f"There is no file {path.name}.", "gone") from error
    except IsADirectoryError as error:
        raise SourceError(f"{path.name} is a folder, not a file.", "refused") from error
    except PermissionError as error:
        raise SourceError(f"The file {path.name} may not be read by this account.", "refused") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"The file {path.name} is cut off or damaged (gzip).", "format") from error
    except (zipfile.BadZipFile, InvalidFileException) as error:
        raise SourceError(f"The file {path.name} is not a readable Excel workbook.", "format") from error
    except csv.Error as error:
        raise SourceError(f"The file {path.name} cannot be read as CSV: {error}.", "format") from error


@contextmanager
def _opened(path: Path, gzipped: bool) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a file: its bytes as they are, for counting, and decompressed."""
    with _faults_in_words(path), path.open("rb") as raw:
        yield raw, cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if gzipped else raw


def find_layout(path: Path) -> Layout:
    """Find out how a file is written. Raises SourceError where it is empty, damaged or nothing we read."""
    with _opened(path, False) as (raw, _):
        gzipped = raw.read(2) == b"\x1f\x8b"
    with _opened(path, gzipped) as (_, stream):
        start = stream.read(64 * 1024)
        if not start.strip(b"\x00 \r\n\t\xef\xbb\xbf"):
            raise SourceError(f"The file {path.name} is empty.", "format")
        if start.startswith(b"PK\x03\x04"):
            return Layout("xlsx", gzipped)
        if start.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"\x89PNG")):
            raise SourceError(
                f"{path.name} is not a table we read: save it as CSV, JSON Lines or Excel (.xlsx).", "format"
            )
        encoding = _encoding(start, stream)
    text = start.decode(encoding, errors="ignore").lstrip("\ufeff")
    first = text.lstrip()[:1]
    if first == "[":
        return Layout("json", gzipped, encoding)
    if first == "{":
        line = text.lstrip().split("\n", 1)[0]
        return Layout("jsonl" if _is_json(line) else "json", gzipped, encoding)
    delimiter = _delimiter(text)
    return Layout("csv", gzipped, encoding, delimiter, _has_header(text, delimiter))


def _encoding(start: bytes, stream: BinaryIO) -> str:
    """UTF-8 or UTF-16 by their marks, UTF-8 if the whole file is, else Windows-1252 (Excel's export in France)."""
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name
    if start[1::2].count(0) > len(start) // 5:
        return "utf-16-le"
    if start[0::2].count(0) > len(start) // 5:
        return "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        block = start
        while block:
            decoder.decode(block)
            block = stream.read(_BLOCK)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "utf-8" if _is_mostly_utf8(stream) else "cp1252"
    return "utf-8"


def _is_mostly_utf8(stream: BinaryIO) -> bool:
    """Whether few characters beyond ASCII are broken: one cut character does not make a whole file Windows-1252."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    broken, sound_ones = 0, 0
    while block := stream.read(_BLOCK):
        text = decoder.decode(block)
        here = text.count("\ufffd")
        broken += here
        sound_ones += sum(map(len, _BEYOND_ASCII.findall(text))) - here
    return sound_ones > 10 * broken


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _first_rows(text: str, delimiter: str, count: int = 60) -> list[list[str]]:
    # The last row of the sample may be cut.
    try:
        rows = [row for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), count + 1) if row]
    except csv.Error:
        return []
    return rows[:-1] if len(rows) > 2 and len(text) > 60_000 else rows


def _delimiter(text: str) -> str:
    """Take the delimiter that cuts the most rows into as many cells as the first, and more than one."""

    def quality(delimiter: str) -> tuple[float, int]:
        rows = _first_rows(text, delimiter)
        width = len(rows[0]) if rows else 0
        return (sum(len(row) == width for row in rows) / len(rows), width) if width > 1 else (0.0, 0)

    return max(DELIMITERS, key=quality)


def _has_header(text: str, delimiter: str) -> bool:
    """A first row of short, different words, none of which is a number or a date, names the columns."""
    rows = _first_rows(text, delimiter, 1)
    cells = [cell.strip() for cell in rows[0]] if rows else []
    named = [cell for cell in cells if cell]
    return (
        bool(named)
        and len(set(named)) == len(named)
        and all(len(cell) <= 60 and not _number(cell) and not looks_like_a_date(cell) for cell in named)
        and len(named) >= len(cells) - 1
    )


def _number(text: str) -> bool:
    return text.replace(",", ".").replace(".", "", 1).lstrip("-").isdigit()


def rows(path: Path, layout: Layout) -> Iterator[tuple[Row, float]]:
    """Yield each row as column → cell with the share of the file that is read (0 to 1).

    A row that is none carries BROKEN (its text: no JSON object, or a CSV text that swallowed rows) or EXTRA (cells
    beyond the columns). Raises SourceError.
    """
    with _opened(path, layout.gzipped) as (raw, stream):
        if layout.form == "xlsx":
            yield from _excel_rows(stream)
            return
        size = max(1, os.fstat(raw.fileno()).st_size)
        text = io.TextIOWrapper(stream, encoding=layout.encoding, errors="replace", newline="")
        read = {"csv": _csv_rows, "jsonl": _json_lines, "json": _json_array}[layout.form]
        for row in read(text, layout):
            yield row, min(1.0, raw.tell() / size)


def _names(cells: list[Any]) -> list[str]:
    """Name the columns: nameless ones by their number, double ones with a number."""
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = sound(cell) or f"column {place}"
        names.append(f"{name} ({place})" if name in names else name)
    return names


def _csv_rows(text: io.TextIOBase, layout: Layout) -> Iterator[Row]:
    reader = csv.reader(text, delimiter=layout.delimiter)
    names: list[str] | None = None
    ended = 0
    for cells in reader:
        lines, ended = reader.line_num - ended, reader.line_num
        if lines > 10 and names is not None and _swallowed(cells, len(names), layout.delimiter):
            yield {BROKEN: layout.delimiter.join(cells)}
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if names is None:
            names = _names([cell.lstrip("\ufeff") for cell in cells] if layout.header else [None] * len(cells))
            if layout.header:
                continue
        yield _row(names, cells)


def _swallowed(cells: list[str], width: int, delimiter: str) -> bool:
    """Whether a quote that was never closed made rows into a text: most of its lines are rows themselves."""
    lines = max(cells, key=len).splitlines()
    return width > 1 and sum(line.count(delimiter) >= width - 1 for line in lines) > len(lines) / 2


def _row(names: list[str], cells: list[Any]) -> Row:
    row: Row = dict(zip(names, cells, strict=False))
    if len(cells) > len(names) and not all(blank(cell) for cell in cells[len(names) :]):
        row[EXTRA] = cells[len(names) :]
    return row


def _json_lines(text: io.TextIOBase, layout: Layout) -> Iterator[Row]:
    for line in text:
        if line.strip("\ufeff \t\r\n"):
            yield _json_row(line.strip("\ufeff \t\r\n"))


def _json_row(text: str) -> Row:
    try:
        return _flat(json.loads(text), text)
    except (ValueError, RecursionError):
        return {BROKEN: text}


def _flat(value: Any, text: str | None = None) -> Row:
    """Name nested values with dots, two levels deep; anything but an object is broken."""
    if not isinstance(value, dict):
        return {BROKEN: text if text is not None else json.dumps(value)}
    row: Row = {}
    for name, cell in value.items():
        if isinstance(cell, dict):
            for inner_name, inner in cell.items():
                row[f"{name}.{inner_name}"] = json.dumps(inner) if isinstance(inner, dict | list) else inner
        else:
            row[name] = json.dumps(cell) if isinstance(cell, list) else cell
    return row


def _json_array(text: io.TextIOBase, layout: Layout) -> Iterator[Row]:
    """Read an array element by element; an object that holds one array of objects is read as that array."""
    decoder = json.JSONDecoder()
    buffer = text.read(_BLOCK).lstrip("\ufeff \t\r\n")
    if buffer.startswith("{"):
        # The array begins at the first [ that follows a name.
        place = buffer.find("[")
        buffer = buffer[place:] if place >= 0 else ""
    if not buffer.startswith("["):
        raise SourceError("The JSON file holds no list of reviews.", "format")
    buffer = buffer[1:]
    while True:
        buffer = buffer.lstrip(" \t\r\n,")
        if buffer.startswith("]"):
            return
        try:
            value, end = decoder.raw_decode(buffer)
            # A number or a word at the very end of the buffer may go on in the next block.
            if end == len(buffer) and (more := text.read(_BLOCK)):
                buffer += more
                continue
        except ValueError as error:
            more = text.read(_BLOCK)
            if not more or len(buffer) > _LONGEST_CELL:
                raise SourceError("The JSON file is cut off or damaged.", "format") from error
            buffer += more
            continue
        except RecursionError as error:
            raise SourceError("The JSON file is nested too deeply for reviews.", "format") from error
        yield _flat(value)
        buffer = buffer[end:]


def _excel_rows(stream: BinaryIO) -> Iterator[tuple[Row, float]]:
    """Read the first sheet that has rows; Excel needs a seekable file."""
    with tempfile.SpooledTemporaryFile(max_size=8 * _BLOCK) as seekable:
        shutil.copyfileobj(stream, seekable)
        seekable.seek(0)
        try:
            book = load_workbook(cast(Any, seekable), read_only=True, data_only=True)
        except (KeyError, ValueError, OSError, SyntaxError) as error:
            raise InvalidFileException from error
        try:
            for sheet in book.worksheets:
                names: list[str] | None = None
                total = max(1, sheet.max_row or 1)
                found = False
                for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                    if all(blank(cell) for cell in cells):
                        continue
                    if names is None:
                        names = _names(list(cells))
                        continue
                    found = True
                    yield _row(names, list(cells)), min(1.0, number / total)
                if found:
                    return
        finally:
            book.close()

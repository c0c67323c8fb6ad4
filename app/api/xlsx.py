"""Excel workbooks (ECMA-376), streamed at constant memory: rows leave as they come, nothing is kept but one buffer.

openpyxl's write-only mode keeps the sheet in a temporary file and sends nothing before the last row. Texts are typed as
texts, so that none of them is ever taken for a formula.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from io import RawIOBase
from itertools import chain, islice
from xml.sax.saxutils import escape

from fastapi.responses import StreamingResponse

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_576
"""Of a sheet; what is more goes on in the next one, under the same heads."""
MOST_CHARACTERS = 32_767
_CHUNK = 65_536
_EPOCH = date(1899, 12, 30)
"""Day 0 of Excel's calendar (its 1900 had a 29 February, so it holds from March 1900 on)."""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACK = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
"""Two styles: plain, and a day as the reader's country writes it (numFmtId 14)."""


class _Outbox(RawIOBase):
    """What the archive writes, until it is sent: it cannot be read or gone back in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Keep until `take`."""
        part = bytes(data)  # type: ignore[call-overload]
        if part:  # the archive writes nothing, often
            self._parts.append(part)
        self.size += len(part)
        return len(part)

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        return taken


def _cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float) and abs(value) < 1e15:  # neither infinite nor NaN
        return f"<c><v>{value!r}</v></c>"
    if type(value) is date:  # a moment stays text, with its zone
        return f'<c s="1"><v>{(value - _EPOCH).days}</v></c>'
    text = escape(_FORBIDDEN.sub("", str(value))[:MOST_CHARACTERS])
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _row(row: Sequence[object]) -> bytes:
    return f"<row>{''.join(map(_cell, row))}</row>".encode()


def write(heads: Sequence[str], rows: Iterable[Sequence[object]], most: int = MOST_ROWS) -> Iterator[bytes]:
    """The workbook in pieces; `most` is the rows of a sheet, its heads included."""
    outbox, coming, sheets = _Outbox(), iter(rows), 0
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        while True:
            first = next(coming, None)
            if first is None and sheets:
                break
            sheets += 1
            with archive.open(f"xl/worksheets/sheet{sheets}.xml", "w") as sheet:
                sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode() + _row(heads))
                here = () if first is None else chain([first], islice(coming, most - 2))
                for row in here:
                    sheet.write(_row(row))
                    if outbox.size > _CHUNK:
                        yield outbox.take()
                sheet.write(b"</sheetData></worksheet>")
        for name, text in _frame(sheets):
            archive.writestr(name, _XML + text)
    yield outbox.take()


def _frame(sheets: int) -> Iterator[tuple[str, str]]:
    """What holds the sheets together."""
    numbers = range(1, sheets + 1)
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in numbers
    )
    yield (
        "[Content_Types].xml",
        f'<Types xmlns="{_PACK}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{kinds}</Types>',
    )
    yield (
        "_rels/.rels",
        f'<Relationships xmlns="{_PACK}/relationships">'
        f'<Relationship Id="r1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    names = "".join(f'<sheet name="Cocoon {n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    yield "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{names}</sheets></workbook>'
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_REL}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    links += f'<Relationship Id="styles" Type="{_REL}/styles" Target="styles.xml"/>'
    yield "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACK}/relationships">{links}</Relationships>'
    yield "xl/styles.xml", _STYLES


def answer(name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingResponse:
    """An Excel file named `name`.xlsx."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.xlsx"'}
    return StreamingResponse(write(heads, rows), media_type=MIME, headers=headers)

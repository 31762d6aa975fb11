"""Sending records as XLSX (ECMA-376), streamed: the archive is written as the rows are read, and never held whole.

Libraries for this format collect the whole workbook in memory or in temporary files before the first byte goes out.
Here the standard library writes the archive, and this module the few parts that a workbook of plain rows consists of.
Texts are inline strings, which no spreadsheet takes for formulas.
"""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import IO, TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

from records.export import xlsx_parts as parts

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from records.export.columns import Cell, Column
    from records.export.reading import Export

MAX_LINES = 1_048_576
"""Of a sheet, the headers included."""
MAX_SHEET_BYTES = 1_900_000_000
"""Before compression. An entry of 2 GiB would need a 64-bit header, which spreadsheets refuse."""
COMPRESSION = 1
"""The fastest: the markup that repeats goes nearly whole, and more would cost more time than the network saves."""

_TIME, _HEADER = 1, 2
"""Styles, by their places in `xlsx_parts.STYLES`."""
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  # spreadsheets know no time zones
_DAY_SECONDS = 86_400
_UNWRITABLE = re.compile(r"[&<>\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Outlet:
    """The file that the archive is written to: whoever streams takes what has come."""

    def __init__(self) -> None:
        """Start empty."""
        self._pieces: list[bytes] = []

    def write(self, octets: bytes) -> int:
        """Keep octets until they are taken."""
        self._pieces.append(bytes(octets))
        return len(octets)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def take(self) -> bytes:
        """Return what has come since the last time."""
        octets = b"".join(self._pieces)
        self._pieces.clear()
        return octets


def stream_xlsx(export: Export) -> Generator[bytes, None, None]:
    """Return an export as pieces of a workbook; memory stays the same for any number of records."""
    outlet = Outlet()
    # It can't seek, so sizes are written behind each entry.
    with ZipFile(outlet, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:  # type: ignore[call-overload]
        sheets = 0
        for number in _write_sheets(archive, export):
            sheets = number
            if octets := outlet.take():
                yield octets
        for name, text in parts.list_frame(export.title, sheets):
            archive.writestr(name, text)
    yield outlet.take()


def _write_sheets(archive: ZipFile, export: Export) -> Iterator[int]:
    """Write sheet after sheet; returns, after each batch, the number of the sheet it stands in."""
    batches = export.rows()
    batch: list[list[Cell]] | None = next(batches, [])
    number = 0
    while batch is not None:
        number += 1
        with archive.open(parts.sheet_name(number), "w") as entry:
            sheet = _Sheet(entry, export)
            while batch is not None and sheet.has_room_for(len(batch)):
                sheet.write_rows(batch)
                yield number
                batch = next(batches, None)
            sheet.finish()


class _Sheet:
    """One sheet, while it is written."""

    def __init__(self, entry: IO[bytes], export: Export) -> None:
        """Write what comes before the rows, and the headers."""
        self._entry = entry
        self._zone = export.zone
        self._letters = [parts.letter(index) for index in range(len(export.columns))]
        self._lines = self._bytes = 0
        self._write(parts.sheet_head([column.width for column in export.columns]))
        self._write(self._line([_titled(column, export.zone_name) for column in export.columns], style=_HEADER))

    def has_room_for(self, count: int) -> bool:
        """Tell whether so many lines fit; a sheet without any always takes some."""
        return self._lines == 1 or (self._lines + count <= MAX_LINES and self._bytes < MAX_SHEET_BYTES)

    def write_rows(self, rows: list[list[Cell]]) -> None:
        """Write a line for each row."""
        self._write("".join([self._line(row) for row in rows]))

    def finish(self) -> None:
        """Write what comes behind the rows."""
        self._write(parts.sheet_foot(self._letters[-1], self._lines))

    def _write(self, text: str) -> None:
        self._bytes += self._entry.write(text.encode())

    def _line(self, row: list[Cell], *, style: int = 0) -> str:
        self._lines += 1
        line = self._lines
        cells = [
            _write_cell(f"{letter}{line}", cell, self._zone, style)
            for letter, cell in zip(self._letters, row, strict=True)
            if cell is not None and cell != ""
        ]
        return f'<row r="{line}">{"".join(cells)}</row>'


def _titled(column: Column, zone: str) -> str:
    return f"{column.title} ({zone})" if column.is_time else column.title


def _write_cell(place: str, cell: Cell, zone: tzinfo, style: int) -> str:
    if isinstance(cell, str):
        styled = f' s="{style}"' if style else ""
        return f'<c r="{place}"{styled} t="inlineStr"><is><t xml:space="preserve">{clean(cell)}</t></is></c>'
    if isinstance(cell, datetime):
        return f'<c r="{place}" s="{_TIME}"><v>{serial(cell, zone)}</v></c>'
    return f'<c r="{place}"><v>{cell}</v></c>'


def serial(moment: datetime, zone: tzinfo) -> str:
    """Write a moment as spreadsheets count: days since the end of 1899 by the clock on the wall, to the millisecond."""
    passed = moment.astimezone(zone).replace(tzinfo=None) - _DAY_ZERO
    return f"{passed.days + (passed.seconds + passed.microseconds / 1e6) / _DAY_SECONDS:.10f}"


def clean(text: str) -> str:
    """Write a text into XML: what XML can't hold by the escapes of this format (ECMA-376, ST_Xstring)."""
    return _UNWRITABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _MARKUP:
        return _MARKUP[char]
    return f"_x{ord(char):04X}_" if char.isascii() else "\N{REPLACEMENT CHARACTER}"

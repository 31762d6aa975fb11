"""Sending records as XLSX (ECMA-376), streamed: the archive is written as the rows are read, and never held whole.

Libraries for this format collect the whole workbook in memory or in temporary files before the first byte goes out.
Here are the few parts that a workbook of plain rows consists of, and an archive that can be left and gone on with.
Texts are inline strings, which no spreadsheet takes for formulas.
"""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from records.export import xlsx_parts as parts
from records.export.archive import Archive

if TYPE_CHECKING:
    from collections.abc import Generator

    from records.export.columns import Cell, Column
    from records.export.reading import Export

MAX_LINES = 1_048_576
"""Of a sheet, the headers included."""
MAX_SHEET_BYTES = 1_900_000_000
"""Before compression. An entry of 2 GiB would need a 64-bit header, which spreadsheets refuse."""

_TIME, _HEADER = 1, 2
"""Styles, by their places in `xlsx_parts.STYLES`."""
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  # spreadsheets know no time zones
_DAY_SECONDS = 86_400
_UNWRITABLE = re.compile(r"[&<>\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def stream_xlsx(export: Export) -> Generator[bytes, None, None]:
    """Return an export as pieces of a workbook; memory stays the same for any number of records."""
    book = Workbook(export)
    for rows in export.rows():
        yield book.add(rows)
    yield book.finish()


class Workbook:
    """A workbook while it is written: to be left and gone on with between any two batches of rows."""

    def __init__(self, export: Export, kept: dict[str, Any] | None = None) -> None:
        """Begin it, or go on where `as_json` was taken."""
        self._export = export
        self._letters = [parts.letter(index) for index in range(len(export.columns))]
        self._archive = Archive.from_json(kept["archive"]) if kept else Archive()
        self._lines: int = kept["lines"] if kept else 0

    def as_json(self) -> dict[str, Any]:
        """Return all that is needed to go on."""
        return {"archive": self._archive.as_json(), "lines": self._lines}

    def add(self, rows: list[list[Cell]]) -> bytes:
        """Write a line for each row; where they don't fit any more, on a new sheet."""
        before = b"" if self._has_room_for(len(rows)) else self._end_sheet() + self._begin_sheet()
        return before + self._add("".join([self._line(row) for row in rows]))

    def finish(self) -> bytes:
        """Write what comes behind the rows. There is a sheet even where there are no rows."""
        before = b"" if self._archive.is_open else self._begin_sheet()
        after = self._end_sheet()
        sheets = len(self._archive.entries)
        frame = parts.list_frame(self._export.title, sheets)
        return b"".join(
            [before, after, *[self._archive.put(name, text.encode()) for name, text in frame], self._archive.finish()]
        )

    def _has_room_for(self, count: int) -> bool:
        """Tell whether so many lines fit; a sheet without any always takes some."""
        if not self._archive.is_open:
            return False
        size = self._archive.entries[-1].size
        return self._lines == 1 or (self._lines + count <= MAX_LINES and size < MAX_SHEET_BYTES)

    def _begin_sheet(self) -> bytes:
        """Write what comes before the rows, and the headers."""
        self._lines = 0
        columns = self._export.columns
        head = parts.sheet_head([column.width for column in columns])
        titles = self._line([_titled(column, self._export.zone_name) for column in columns], style=_HEADER)
        return self._archive.begin(parts.sheet_name(len(self._archive.entries) + 1)) + self._add(head + titles)

    def _end_sheet(self) -> bytes:
        if not self._archive.is_open:
            return b""
        return self._add(parts.sheet_foot(self._letters[-1], self._lines)) + self._archive.end()

    def _add(self, text: str) -> bytes:
        return self._archive.add(text.encode())

    def _line(self, row: list[Cell], *, style: int = 0) -> str:
        self._lines += 1
        line = self._lines
        cells = [
            _write_cell(f"{letter}{line}", cell, self._export.zone, style)
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
    """Write a moment as spreadsheets count: days since the end of 1899 by the clock on the wall, to the millisecond.

    What is less is cut, as the list cuts what is less than a second: rounded, a moment could be one of the next day.
    """
    passed = moment.astimezone(zone).replace(tzinfo=None) - _DAY_ZERO
    return f"{passed.days + (passed.seconds + passed.microseconds // 1000 / 1000) / _DAY_SECONDS:.10f}"


def clean(text: str) -> str:
    """Write a text into XML: what XML can't hold by the escapes of this format (ECMA-376, ST_Xstring)."""
    return _UNWRITABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _MARKUP:
        return _MARKUP[char]
    return f"_x{ord(char):04X}_" if char.isascii() else "\N{REPLACEMENT CHARACTER}"

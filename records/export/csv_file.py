"""Sending records as CSV: written piece by piece, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from records.export.columns import Cell
    from records.export.reading import Export

BYTE_ORDER_MARK = "\ufeff"
# What spreadsheets take for the beginning of a formula, in full width too.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_IGNORED_BEFORE_FORMULA = " \t\r\n\v\f\0'\"\xa0\u200b\ufeff"
_WITHIN = re.compile(
    rf"((?:;|(?!\A)\t)[{re.escape(_IGNORED_BEFORE_FORMULA)}]*)(?=[{re.escape(''.join(_FORMULA_STARTS))}])"
)


def defuse(text: str) -> str:
    """Return the text so that a spreadsheet shows it and never runs it as a formula.

    Within the text too: where the system parts lists by semicolons, a spreadsheet ends the cell at one, quotes or not.
    """
    text = _WITHIN.sub(r"\1'", text)
    if text[:1] in {"\t", "\r", "\n"} or text.lstrip(_IGNORED_BEFORE_FORMULA).startswith(_FORMULA_STARTS):
        return f"'{text}"
    return text


def stream_csv(export: Export) -> Iterator[str]:
    """Return an export as pieces of CSV, the headers first; memory stays the same for any number of records."""
    yield write_head(export)
    for rows in export.rows():
        yield write_rows(export, rows)


def write_head(export: Export) -> str:
    """Write what comes before the rows: the mark by which spreadsheets know the encoding, and the headers."""
    return BYTE_ORDER_MARK + _write_lines([[column.title for column in export.columns]])


def write_rows(export: Export, rows: list[list[Cell]]) -> str:
    """Write a line for each row."""
    return _write_lines([_write(cell, export.zone) for cell in row] for row in rows)


def _write_lines(rows: Iterable[list[str]]) -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue()


def _write(cell: Cell, zone: tzinfo) -> str:
    """Write a cell; times in ISO 8601 with the offset of the time zone."""
    if isinstance(cell, str):
        return defuse(cell) if cell else ""
    if isinstance(cell, datetime):
        return cell.astimezone(zone).isoformat()
    return "" if cell is None else str(cell)

"""Tables on the terminal and as Markdown, and the bars with pass or fail beside."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Table:
    """Rows of cells under a heading."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def as_markdown(self) -> str:
        """Write it as Markdown."""
        lines = [f"### {self.title}", "", _line(self.header), _line(["---", *["---:"] * (len(self.header) - 1)])]
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, "", *([self.note, ""] if self.note else [])])

    def as_text(self) -> str:
        """Write it for a terminal."""
        widths = [max(len(row[column]) for row in (self.header, *self.rows)) for column in range(len(self.header))]

        def line(row: Sequence[str]) -> str:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
            return "  ".join(cells)

        rule = "-" * (sum(widths) + 2 * len(widths) - 2)
        lines = [self.title, rule, line(self.header), rule, *map(line, self.rows)]
        return "\n".join([*lines, *([self.note] if self.note else []), ""])


BEGIN, END = "<!-- figures: written by bench.delivery -->", "<!-- end of figures -->"


def put_into(document: Path, tables: Sequence[Table], marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Write the tables between the two marks of a document, in place of those that are there."""
    begin, end = marks
    before, rest = document.read_text().split(begin)
    _, after = rest.split(end)
    figures = "\n".join(table.as_markdown() for table in tables)
    document.write_text(f"{before}{begin}\n\n{figures}\n{end}{after}")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """Write the median, and the least and the most beside it."""
    if not values:
        return "–"
    middle = format(statistics.median(values), form)
    if len(values) == 1:
        return middle
    return f"{middle} ({format(min(values), form)}–{format(max(values), form)})"


@dataclass(frozen=True)
class Bar:
    """What a figure should reach, and what it was in each round."""

    what: str
    values: tuple[float, ...]
    limit: float
    is_least: bool = True
    unit: str = "×"
    form: str = ".2f"
    stretch: float | None = None

    @property
    def is_met(self) -> bool:
        """Tell whether the median reaches it."""
        middle = statistics.median(self.values)
        return middle >= self.limit if self.is_least else middle <= self.limit

    def row(self) -> tuple[str, ...]:
        """Write it as a row of a table."""
        sign = "≥" if self.is_least else "≤"
        wanted = f"{sign} {self.limit:g} {self.unit}" + (f" (stretch {self.stretch:g})" if self.stretch else "")
        return (self.what, wanted, f"{spread(self.values, self.form)} {self.unit}", "met" if self.is_met else "MISSED")


def bars_table(bars: Sequence[Bar], title: str = "Bars") -> Table:
    """Make the table of the bars that have values."""
    rows = tuple(bar.row() for bar in bars if bar.values)
    return Table(title, ("", "wanted", "median (least–most)", ""), rows)

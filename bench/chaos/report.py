"""The table of results, for eyes and for docs/reliability.md."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


@dataclass
class Row:
    """One scenario's results."""

    name: str
    what: str = ""
    mails: int = 0
    faults: int = 0
    lost: int = 0
    duplicates: int = 0
    unknown: int = 0
    unexplained: int = 0
    failed: int = 0
    drained_in: float | None = None
    slowest_stop: float | None = None
    seconds: float = 0.0
    complaints: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def broken(cls, name: str, why: str, seconds: float) -> Row:
        """Make the row of a scenario that could not be judged."""
        return cls(name=name, seconds=seconds, complaints=[why])

    @property
    def holds(self) -> bool:
        """Tell whether every demand is met."""
        return not self.complaints

    @property
    def remark(self) -> str:
        """What else is to be said."""
        stop = [f"slowest stop {self.slowest_stop:.1f} s"] if self.slowest_stop is not None else []
        return "; ".join([*(f"FAILED: {complaint}" for complaint in self.complaints), *stop, *self.notes])


_HEAD = (
    "scenario",
    "mails",
    "faults",
    "lost",
    "copies beyond the first",
    "`unknown` records",
    "not sent",
    "drained after",
)


def _cells(row: Row) -> tuple[str, ...]:
    drained = "–" if row.drained_in is None else f"{row.drained_in:.1f} s"
    numbers = (row.mails, row.faults, row.lost, row.duplicates, row.unknown, row.failed)
    return (row.name, *map(str, numbers), drained)


def as_text(rows: list[Row]) -> str:
    """Write the table for a terminal."""
    lines = [
        " | ".join(f"{cell:>8}" for cell in _cells(row)) + f" | {row.seconds:.0f} s | {row.remark}" for row in rows
    ]
    return "\n".join([" | ".join(_HEAD), *lines])


def as_markdown(rows: list[Row]) -> str:
    """Write the table for the documentation."""
    head = ("scenario", "what happens", *_HEAD[1:], "")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        name, *cells = _cells(row)
        lines.append(f"| {' | '.join([name, row.what, *cells, row.remark])} |")
    return "\n".join(lines)


def merge(path: Path, rows: list[Row], order: list[str]) -> list[Row]:
    """Put the rows into a file that keeps those of runs before; returns all, in order."""
    known = {row["name"]: Row(**row) for row in json.loads(path.read_text())} if path.exists() else {}
    known |= {row.name: row for row in rows}
    merged = [known[name] for name in order if name in known]
    path.write_text(json.dumps([dataclasses.asdict(row) for row in merged], indent=1))
    return merged


def put_between_marks(path: Path, table: str) -> None:
    """Replace what stands between the marks in a file."""
    text = path.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}")

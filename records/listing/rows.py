"""Records as the rows of the list: each value in words, under its column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import prefetch_related_objects

from records.listing.columns import Column
from records.models import SendingRecord


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a row."""

    column: Column
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    record: SendingRecord
    cells: list[Cell]
    tries: int = 1
    """How many tries it stands for."""


@dataclass(frozen=True, slots=True)
class Table:
    """What is shown of one page of records."""

    columns: list[Column]
    rows: list[Row] = field(default_factory=list)


def make_table(records: list[SendingRecord], columns: list[Column], tries: Mapping[int, int] | None = None) -> Table:
    """Make the table of some records. `tries`: of each record's receiver, by the record's id, where they are folded."""
    if any(column.needs_mail for column in columns):
        prefetch_related_objects(records, "mail")
    counts = tries or {}
    return Table(columns, [Row(each, list(_cells(each, columns)), counts.get(each.pk, 1)) for each in records])


def _cells(record: SendingRecord, columns: list[Column]) -> Iterable[Cell]:
    return (Cell(column, column.read(record)) for column in columns)

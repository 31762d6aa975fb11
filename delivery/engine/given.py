"""Rows of values that a statement reads like a table: one statement for many mails, on PostgreSQL and on SQLite.

What is to be written goes into a `Given`, and the statement joins it: `UPDATE … FROM {given.table} WHERE … = given.id`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db import connection


@dataclass(frozen=True, slots=True)
class Given:
    """A table named `given` that stands in a FROM clause."""

    table: str
    parameters: list[Any]

    @classmethod
    def of(cls, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Self:
        """Write rows as a table.

        Args:
            columns: PostgreSQL's types by name.
            rows: Values in the order of the columns, at least one row: numbers, texts, times, None.
        """
        return cls._as_json(columns, rows) if connection.vendor == "sqlite" else cls._as_arrays(columns, rows)

    @classmethod
    def _as_arrays(cls, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Self:
        arrays = ", ".join(f"%s::{type_name}[]" for type_name in columns.values())
        return cls(f"unnest({arrays}) AS given({', '.join(columns)})", list(map(_array, zip(*rows, strict=True))))

    @classmethod
    def _as_json(cls, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Self:
        fields = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(columns))
        text = json.dumps(rows, default=time_literal)
        return cls(f"(SELECT {fields} FROM json_each(%s)) AS given", [text])  # noqa: S608  # names of our own


def _array(values: Iterable[Any]) -> str:
    """Write values as PostgreSQL's text of an array: several times as fast as the driver writes a list."""
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = value if isinstance(value, str) else value.isoformat()
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def time_literal(moment: datetime | None) -> Any:
    """Write a time as the database stores it."""
    return connection.ops.adapt_datetimefield_value(moment)


def clock() -> str:
    """Give the expression that reads the database's clock within a statement that has parameters."""
    return "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')" if connection.vendor == "sqlite" else "statement_timestamp()"


def run(statement: str, parameters: Sequence[Any]) -> int:
    """Execute a statement; returns how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Execute a statement that returns rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def fetch_ids(statement: str, parameters: Sequence[Any]) -> set[int]:
    """Execute a statement that returns ids."""
    return {row[0] for row in fetch(statement, parameters)}

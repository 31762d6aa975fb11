"""Inserting many rows by the fastest way that each database has; every constraint is checked as always.

PostgreSQL takes many rows by COPY, and a few by one statement; SQLite by one prepared statement. Rows are plain values
in the order of the columns: no model is made for a row that nobody looks at.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from django.db import connection
from django.db.models import Field, Model
from django.db.models.expressions import RawSQL

from records.clock import database_now
from records.paging import MAX_ID

_FEW = 10
"""So many rows are not worth a COPY, which takes more trips to the server than a statement."""
_BINARY_TYPES = frozenset(("bigint", "bytea", "date", "smallint", "varchar"))
"""Types whose binary form the driver writes from the values that models hold; bytes take half the room in it."""
_AT_ONCE = 100
"""So many rows are held at once on their way into SQLite: bodies may be large."""


def default_values(model: type[Model]) -> dict[str, Any]:
    """Return what a new row holds where nothing else is said, by the names that `insert_rows` takes."""
    return {field.attname: field.get_default() for field in _fields(model)}


def expect_rows(count: int) -> None:
    """Have the checks of foreign keys use indexes until the transaction ends, if many rows are to be inserted in it.

    PostgreSQL keeps the plan of such a check for as long as the connection lives. One that was made while the tables
    were all but empty reads a whole table for every row.
    """
    assert connection.in_atomic_block
    if connection.vendor == "postgresql" and count > _FEW:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan TO off; DISCARD PLANS")


def one_of(ids: Collection[int]) -> RawSQL:
    """Write ids for an `__in` filter as one value, however many they are: hundreds cost the ORM more than the query.

    What is too large for an id is left out, as Django's own filters do: it is of no row, and PostgreSQL refuses it.
    """
    ids = [each for each in ids if each <= MAX_ID]
    if connection.vendor == "sqlite":
        return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(ids)])
    # Written by hand: the driver takes ten times as long for a list.
    return RawSQL("SELECT unnest(%s::bigint[])", [f"{{{','.join(map(str, ids))}}}"])


def allot_ids(model: type[Model], count: int) -> list[int]:
    """Take ids from the table's sequence, in rising order; within a transaction that then inserts them."""
    return allot_ids_now(model, count)[0]


def allot_ids_now(model: type[Model], count: int) -> tuple[list[int], datetime]:
    """Do as `allot_ids`, and read the database's clock on the same trip to it."""
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # The transaction holds the one lock for writing, so nobody takes them meanwhile.
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [_table(model)])
            last = (cursor.fetchone() or (0,))[0]
            return list(range(last + 1, last + 1 + count)), database_now()
        # A subquery, so that the name is looked up once and not for every id. Not now(): then the transaction began.
        cursor.execute(
            "SELECT nextval((SELECT pg_get_serial_sequence(%s, %s))::regclass), statement_timestamp() "
            "FROM generate_series(1, %s)",
            [_table(model), "id", count],
        )
        rows = cursor.fetchall()
    now = rows[0][1].astimezone(UTC) if rows else database_now()
    return sorted(row[0] for row in rows), now


def insert_rows(model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows, which may be made while they are inserted, but must not ask the database for anything.

    Args:
        model: Whose table.
        names: Fields of the model by their attributes, such as `mail_id`; those left out are null or filled in.
        rows: Values in the order of the names, as the model would hold them.

    Raises:
        IntegrityError: A constraint does not hold; nothing but a rollback is possible then.
    """
    assert connection.in_atomic_block
    known = {field.attname: field for field in _fields(model)}
    fields = [known[name] for name in names]
    if connection.vendor == "sqlite":
        _execute_many(model, fields, rows)
        return
    remaining = iter(rows)
    first = list(islice(remaining, _FEW + 1))
    if len(first) > _FEW:
        _copy(model, fields, chain(first, remaining))
    elif first:
        _insert_few(model, fields, first)


def _fields(model: type[Model]) -> Sequence["Field[Any, Any]"]:
    return model._meta.concrete_fields  # noqa: SLF001  # a public interface, its name notwithstanding


def _copy(model: type[Model], fields: Sequence["Field[Any, Any]"], rows: Iterable[Sequence[Any]]) -> None:
    statement = f"COPY {_quoted_table(model)} ({_columns(fields)}) FROM STDIN"
    types = [str(field.db_type(connection)).partition("(")[0] for field in fields]
    is_binary = _BINARY_TYPES.issuperset(types)
    if is_binary:
        statement += " (FORMAT BINARY)"
    # Django's translation of the driver's errors is asked for by hand.
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        if is_binary:
            copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _insert_few(model: type[Model], fields: Sequence["Field[Any, Any]"], rows: Sequence[Sequence[Any]]) -> None:
    one = f"({', '.join(['%s'] * len(fields))})"
    values = list(chain.from_iterable(_adapt(fields, rows)))
    with connection.cursor() as cursor:
        cursor.execute(f"{_insert(model, fields)} {', '.join([one] * len(rows))}", values)


def _execute_many(model: type[Model], fields: Sequence["Field[Any, Any]"], rows: Iterable[Sequence[Any]]) -> None:
    statement = f"{_insert(model, fields)} ({', '.join(['%s'] * len(fields))})"
    adapted = _adapt(fields, rows)
    with connection.cursor() as cursor:
        while portion := list(islice(adapted, _AT_ONCE)):
            cursor.executemany(statement, portion)


def _adapt(fields: Sequence["Field[Any, Any]"], rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    for row in rows:
        yield [field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=True)]


def _insert(model: type[Model], fields: Sequence["Field[Any, Any]"]) -> str:
    return f"INSERT INTO {_quoted_table(model)} ({_columns(fields)}) VALUES"


def _table(model: type[Model]) -> str:
    return model._meta.db_table  # noqa: SLF001  # a public interface, its name notwithstanding


def _quoted_table(model: type[Model]) -> str:
    return connection.ops.quote_name(_table(model))


def _columns(fields: Sequence["Field[Any, Any]"]) -> str:
    return ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)

"""The tables of the months: making them ahead, and dropping old ones."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connection, transaction

from records.clock import database_now
from records.partitions.months import TABLE, Month

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

logger = logging.getLogger(__name__)

AHEAD = 2
"""Months after the present one that have a table already."""
DEFAULT_TABLE = f"{TABLE}_other"
"""Holds the records whose month has no table: those of before the first one, or of a clock that went wrong."""
MOST_MOVED = 10_000
"""With more records of a month in there, the month goes without a table of its own."""
_PATIENCE = 100
"""Milliseconds to wait for a lock: whoever wants to write or read records waits behind that."""


def are_by_month() -> bool:
    """Tell whether the records are in tables by month."""
    return bool(connection.vendor == "postgresql")


def create_statement(month: Month) -> str:
    """Return the statement that makes a month's table where there is none."""
    return (
        f"CREATE TABLE IF NOT EXISTS {month.table} PARTITION OF {TABLE} "
        f"FOR VALUES FROM ('{month.begins_at.isoformat()}') TO ('{month.ends_at.isoformat()}')"
    )


def list_months() -> list[Month]:
    """List the months that have a table, oldest first."""
    if not are_by_month():
        return []
    statement = """
        SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent = %s::regclass
    """
    found = (Month.find(name) for (name,) in _fetch(statement, [TABLE]))
    return sorted(month for month in found if month is not None)


def make_ahead() -> None:
    """Make the tables of this month and of those to come. What can't be had at once is tried again later."""
    now = Month.of(database_now())
    try:
        make_months(now, now.later(AHEAD))
    except DatabaseError:
        # Until then their records go where those without a month go.
        logger.warning("a table for the records of a month could not be made, it is tried again", exc_info=True)


def make_months(first: Month, last: Month) -> None:
    """Make the tables of months, each in a transaction of its own where the caller has none.

    Raises:
        DatabaseError: Others held the table for too long.
    """
    if not are_by_month():
        return
    there = set(list_months())
    for month in first.upto(last):
        if month not in there:
            _make(month)


def _make(month: Month) -> None:
    with transaction.atomic(), hold():
        bounds = [month.begins_at, month.ends_at]
        within = f"FROM {DEFAULT_TABLE} WHERE mail_accepted_at >= %s AND mail_accepted_at < %s"
        (number,) = ask(f"SELECT COUNT(*) FROM (SELECT 1 {within} LIMIT {MOST_MOVED + 1}) AS found", bounds)  # noqa: S608  # names of our own, here and below
        if number > MOST_MOVED:
            logger.info("the records of a month stay among the others", extra={"month": month.table})
            return
        _run(f"CREATE TEMPORARY TABLE moving ON COMMIT DROP AS SELECT * {within}", bounds)
        _run(f"DELETE {within}", bounds)
        _run(create_statement(month))
        _run(f"INSERT INTO {TABLE} OVERRIDING SYSTEM VALUE SELECT * FROM moving")  # noqa: S608
        _run("DROP TABLE moving")


def is_other_empty() -> bool:
    """Tell whether no record is without a month of its own."""
    return not ask(f"SELECT EXISTS (SELECT 1 FROM {DEFAULT_TABLE})")[0]  # noqa: S608


def drop(month: Month) -> None:
    """Drop a month's table with all of its records."""
    _run(f"DROP TABLE {month.table}")


@contextmanager
def hold() -> Iterator[None]:
    """Keep everybody else from the records until the caller's transaction ends.

    Raises:
        OperationalError: Others were at them for too long.
    """
    _run(f"SET LOCAL lock_timeout = {_PATIENCE}")
    _run(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
    yield
    _run("SET LOCAL lock_timeout = DEFAULT")


def ask(statement: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
    """Execute a statement that returns one row."""
    return _fetch(statement, parameters)[0]


def _run(statement: str, parameters: Sequence[Any] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())

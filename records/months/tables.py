"""The tables that hold the contents of one month each, on PostgreSQL: a month that may go is dropped whole.

That takes no longer for a million mails than for one, and the disk has the room again, as it has not where rows are
deleted. What comes for a month without tables goes into a pair for all such, and is removed from it row by row. SQLite
has no such tables, and no month in the sense of this module.
"""

import re
from collections.abc import Iterator
from datetime import date

from django.db import connection
from django.db.backends.utils import CursorWrapper

BODIES, CONTENTS = "records_body", "records_content"
_MONTH = re.compile(rf"{CONTENTS}_(\d{{4}})_(\d\d)")
_PATIENCE = "500ms"
"""So long a table is waited for: whoever comes after waits as well."""
_VACUUM = "WITH (autovacuum_vacuum_scale_factor = 0.02)"
"""Room of removed rows is found after each fiftieth, not after each fifth."""


def create_tables_of(month: date) -> Iterator[str]:
    """Write the statements that give a month tables of its own. A body and its contents are always of one month."""
    bodies, contents = _names(month)
    yield f"CREATE TABLE {bodies} PARTITION OF {BODIES} FOR VALUES IN ('{month:%Y-%m-%d}') {_VACUUM}"
    yield f"CREATE TABLE {contents} PARTITION OF {CONTENTS} FOR VALUES IN ('{month:%Y-%m-%d}') {_VACUUM}"
    yield _refer(contents, bodies)


def create_tables_of_others() -> Iterator[str]:
    """Write the statements that give all other months a pair of tables."""
    bodies, contents = f"{BODIES}_other", f"{CONTENTS}_other"
    yield f"CREATE TABLE {bodies} PARTITION OF {BODIES} DEFAULT {_VACUUM}"
    yield f"CREATE TABLE {contents} PARTITION OF {CONTENTS} DEFAULT {_VACUUM}"
    yield _refer(contents, bodies)


def _refer(contents: str, bodies: str) -> str:
    # From pair to pair: a table that a whole other one refers to could not be dropped without reading that one.
    return (
        f"ALTER TABLE {contents} ADD CONSTRAINT {contents}_has_its_body FOREIGN KEY (body_id, month)"
        f" REFERENCES {bodies} (id, month) DEFERRABLE INITIALLY DEFERRED"
    )


def _names(month: date) -> tuple[str, str]:
    return f"{BODIES}_{month:%Y_%m}", f"{CONTENTS}_{month:%Y_%m}"


def have_tables() -> bool:
    """Tell whether months can have tables of their own here."""
    return connection.vendor == "postgresql"


def list_months() -> list[date]:
    """List the months that have tables of their own, oldest first; on PostgreSQL only, like what follows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = %s::regclass",
            [CONTENTS],
        )
        matches = [_MONTH.fullmatch(name) for (name,) in cursor]
    return sorted(date(int(match[1]), int(match[2]), 1) for match in matches if match)


def make_month(month: date) -> bool:
    """Give a month tables of its own, within the caller's transaction.

    Returns:
        Whether it has them now; not where something of it is among the others already.

    Raises:
        OperationalError: Somebody held the tables for too long.
        ProgrammingError: The role may not change them.
    """
    with connection.cursor() as cursor:
        _be_impatient(cursor)
        # In the order in which mail is accepted; the foreign key of the new table asks for the mails.
        cursor.execute(f"LOCK TABLE {BODIES} IN ACCESS EXCLUSIVE MODE")
        cursor.execute("LOCK TABLE records_mail IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"LOCK TABLE {CONTENTS} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM records_body_other WHERE month = %s)"
            " OR EXISTS (SELECT 1 FROM records_content_other WHERE month = %s)",
            [month, month],
        )
        if cursor.fetchone() == (True,):
            return False
        for statement in create_tables_of(month):
            cursor.execute(statement)
    return True


def hold_month(month: date) -> None:
    """Have nobody change or claim contents of a month until the transaction ends; they can still be read.

    Raises:
        OperationalError: Somebody held the table for too long.
    """
    _bodies, contents = _names(month)
    with connection.cursor() as cursor:
        _be_impatient(cursor)
        cursor.execute(f"LOCK TABLE {contents} IN EXCLUSIVE MODE")


def drop_month(month: date) -> None:
    """Drop the tables of a month, within the caller's transaction.

    Raises:
        OperationalError: Somebody held the tables for too long.
        ProgrammingError: The role may not drop them.
    """
    bodies, contents = _names(month)
    with connection.cursor() as cursor:
        _be_impatient(cursor)
        cursor.execute(f"LOCK TABLE ONLY {BODIES}, ONLY {CONTENTS} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"DROP TABLE {contents}, {bodies}")


def keep_all_months() -> None:
    """Let no month be dropped until the transaction ends: what the caller reads from now on stays readable."""
    if have_tables():
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {CONTENTS} IN ROW SHARE MODE")


def _be_impatient(cursor: CursorWrapper) -> None:
    cursor.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")

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
_PATIENCE = "150ms"
"""So long each lock is waited for: whoever comes after waits as well, for all of them together.

That is less than the second after which PostgreSQL looks for deadlocks: in one with mail it is not mail that fails.
"""
_LOCK = 0x6D6F6E746873
"""Of all advisory locks the one of whoever drops a month, and of those who need that none is dropped."""
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
    yield from _sample_of_ids()
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


def may_change_tables() -> bool:
    """Tell whether this role may make and drop tables of months: the owner may, who may also add to the schema."""
    return _ask(
        "SELECT bool_and(pg_has_role(relowner, 'USAGE') AND has_schema_privilege(relnamespace, 'CREATE'))"
        " FROM pg_class WHERE oid IN (%s::regclass, %s::regclass)",
        BODIES,
        CONTENTS,
    )


def is_among_others(month: date) -> bool:
    """Tell whether something of a month is in the tables of those that have none, and keeps it from having some."""
    return _ask(
        "SELECT EXISTS (SELECT 1 FROM records_body_other WHERE month = %s)"
        " OR EXISTS (SELECT 1 FROM records_content_other WHERE month = %s)",
        month,
        month,
    )


def make_month(month: date) -> None:
    """Give a month tables of its own, within the caller's transaction, unless it has some.

    Raises:
        OperationalError: Somebody held the tables for too long.
        IntegrityError: Something of it is among the others.
        ProgrammingError: The role may not make tables.
    """
    with connection.cursor() as cursor:
        _be_impatient(cursor)
        # In the order in which mail is accepted, and none of other months; the new foreign key asks for the mails.
        cursor.execute(f"LOCK TABLE ONLY {BODIES}, {BODIES}_other IN ACCESS EXCLUSIVE MODE")
        cursor.execute("LOCK TABLE records_mail IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"LOCK TABLE ONLY {CONTENTS}, {CONTENTS}_other IN ACCESS EXCLUSIVE MODE")
        if month not in list_months():  # else another process was first
            for statement in create_tables_of(month):
                cursor.execute(statement)


def hold_months() -> None:
    """Have nobody keep months from being dropped, until the transaction ends.

    Raises:
        OperationalError: Somebody does so for too long.
    """
    with connection.cursor() as cursor:
        _be_impatient(cursor)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def keep_all_months() -> None:
    """Let no month be dropped until the transaction ends, in which no content was asked for yet."""
    if have_tables():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


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


def tell_that_ids_differ() -> None:
    """Have PostgreSQL know how different the ids of all months together are, if it does not, as after a restore.

    Autovacuum looks at the tables of months alone, and never at what they are part of. PostgreSQL then takes it that
    there are two hundred different ids, many rows of each, and reads everything where a few rows are asked for.
    """
    is_known = _ask(
        "SELECT count(DISTINCT tablename) = 2 FROM pg_stats"
        " WHERE schemaname = current_schema() AND inherited AND tablename IN (%s, %s)",
        BODIES,
        CONTENTS,
    )
    if not is_known:
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {BODIES}, {CONTENTS}")


def _sample_of_ids() -> Iterator[str]:
    """Write the statements that have PostgreSQL know the same of tables that are empty, and refer to nothing yet."""
    some = "FROM generate_series(1, 1000) n"
    yield f"INSERT INTO {BODIES} (id, octets, month) SELECT n, '', DATE '1970-01-01' {some}"
    yield f"INSERT INTO {CONTENTS} (mail_id, head, body_id, month) SELECT n, '', n, DATE '1970-01-01' {some}"
    yield f"ANALYZE {BODIES}, {CONTENTS}"
    yield f"TRUNCATE {BODIES}_other, {CONTENTS}_other"


def _be_impatient(cursor: CursorWrapper) -> None:
    cursor.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")


def _ask(question: str, *values: str | date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, values)
        return bool(cursor.fetchone()[0])

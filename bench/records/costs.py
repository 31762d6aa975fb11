"""What the list costs beside time: bytes of tables and indexes, and microseconds when a record is written."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db import connection

from records.models import SendingRecord
from records.statements import fetch

WRITTEN = 20_000
"""Records per repetition."""
REPETITIONS = 7
OWN_INDEX = "record_by_receiver"
"""The index that is there for the list alone, on delivery's way."""


def measure_sizes() -> dict[str, int]:
    """Measure the bytes of the records, of each of their indexes, and of the known addresses."""
    if connection.vendor == "sqlite":
        return {}
    rows = fetch(
        """
        SELECT relname, pg_relation_size(oid) FROM pg_class
        WHERE relname IN ('records_sendingrecord', 'records_knownaddress', 'known_address_by_part')
        OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'records_sendingrecord'::regclass)
        ORDER BY relname
        """,
        (),
    )
    return dict(rows)


def measure_writing() -> dict[str, list[float]]:
    """Measure the microseconds to write a record with all indexes and without one, in turn; nothing is kept."""
    columns = ", ".join(field.column for field in SendingRecord._meta.concrete_fields if field.column != "id")
    with connection.cursor() as cursor:
        # Rows from all over the table, written as new tries of the same receivers at the end of all times.
        step = max(SendingRecord.objects.count() // WRITTEN, 1)
        cursor.execute(
            f"CREATE TEMPORARY TABLE bench_sample AS SELECT {columns} FROM records_sendingrecord "
            f"WHERE id % {step} = 0 LIMIT {WRITTEN}"
        )
        newest = SendingRecord.objects.newest_first().values_list("started_at", flat=True)[0]
        cursor.execute(
            "UPDATE bench_sample SET epoch = 99, started_at = %s, ended_at = %s",
            [connection.ops.adapt_datetimefield_value(newest)] * 2,
        )
    _write(columns, ())  # so that neither finds the tables cold
    found: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(REPETITIONS):
        found["with"].append(_write(columns, ()))
        found["without"].append(_write(columns, (OWN_INDEX,)))
    return found


def _write(columns: str, without: Sequence[str]) -> float:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for name in without:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute("SELECT COUNT(*) FROM bench_sample")
        (number,) = cursor.fetchone()
        began = time.perf_counter()
        cursor.execute(f"INSERT INTO records_sendingrecord ({columns}) SELECT {columns} FROM bench_sample")
        seconds = time.perf_counter() - began
        cursor.execute("ROLLBACK")
    return seconds / max(number, 1) * 1e6

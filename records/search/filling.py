"""Filling in the known addresses, a little after the records are written and not on delivery's way."""

from __future__ import annotations

import time

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef

from records.models import SendingRecord
from records.search.models import KnownAddress, SearchMark
from records.statements import fetch

BATCH = 5_000
"""Records per transaction."""
_PATIENCE = 2.0
"""Seconds to wait for those that write records now."""
_PAUSE = 0.02
_LAST_ID = "SELECT pg_sequence_last_value(pg_get_serial_sequence('records_sendingrecord', 'id')::regclass)"


def fill(*, seconds: float) -> int:
    """Fill in the addresses of new records, for so long at most; returns up to which record they are known now.

    Any number of workers may call it at once: one of them works, the others have nothing to do.
    """
    end = time.monotonic() + seconds
    SearchMark.objects.get_or_create(pk=1)
    last = _find_last_written()
    reached = 0
    while (step := _fill_batch(last)) is not None:
        reached = step
        if reached >= last or time.monotonic() > end:
            break
    return reached


def forget_unused(*, seconds: float) -> int:
    """Forget addresses whose last record is gone, for so long at most; returns how many were looked at.

    It goes on where it stopped the last time, and begins anew when it came to the end.
    """
    end = time.monotonic() + seconds
    looked_at = 0
    while number := _forget_batch():
        looked_at += number
        if number < BATCH or time.monotonic() > end:
            break
    return looked_at


def _forget_batch() -> int:
    with transaction.atomic():
        # Nobody fills meanwhile: what is found to be unused here could be found to be known there.
        mark = SearchMark.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if mark is None:
            return 0
        ids = list(KnownAddress.objects.filter(pk__gt=mark.checked).order_by("pk").values_list("pk", flat=True)[:BATCH])
        used = SendingRecord.objects.filter(receiver_address=OuterRef("address")).order_by()
        if ids:
            KnownAddress.objects.filter(~Exists(used), pk__gte=ids[0], pk__lte=ids[-1]).delete()
        if ids or mark.checked:
            SearchMark.objects.filter(pk=1).update(checked=ids[-1] if len(ids) == BATCH else 0)
        return len(ids)


def _find_last_written() -> int:
    """Find an id up to which no record can appear any more; 0 where none is certain now."""
    if connection.vendor == "sqlite":
        # One writes at a time, so ids are seen in the order in which they are handed out.
        return SendingRecord.objects.aggregate(last=Max("pk"))["last"] or 0
    # Ids are handed out before their rows are seen. Whoever was given one holds a lock on the table by then, so that
    # all up to `last` are settled when the present holders are done.
    ((last,),) = fetch(_LAST_ID, ())
    writers = _writers()
    end = time.monotonic() + _PATIENCE
    while writers and time.monotonic() < end:
        time.sleep(_PAUSE)
        writers &= _writers()
    return 0 if writers or last is None else int(last)


def _writers() -> set[str]:
    """Find the transactions that may be writing records now."""
    statement = """
        SELECT virtualtransaction FROM pg_locks
        WHERE locktype = 'relation' AND relation = 'records_sendingrecord'::regclass AND mode = 'RowExclusiveLock'
        AND pid <> pg_backend_pid()
    """
    return {writer for (writer,) in fetch(statement, ())}


def _fill_batch(last: int) -> int | None:
    """Fill in the addresses of a few records; returns up to which, None where another worker is at it."""
    with transaction.atomic():
        mark = SearchMark.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if mark is None:
            return None
        upto = min(mark.reached + BATCH, last)
        if upto > mark.reached:
            _add_addresses(mark.reached, upto)
            SearchMark.objects.filter(pk=1).update(reached=upto)
        return max(upto, mark.reached)


def _add_addresses(above: int, upto: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO records_knownaddress (address)
            SELECT DISTINCT receiver_address FROM records_sendingrecord record WHERE record.id > %s AND record.id <= %s
            AND NOT EXISTS (SELECT 1 FROM records_knownaddress known WHERE known.address = record.receiver_address)
            """,
            [above, upto],
        )

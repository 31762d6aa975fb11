"""Exports of records beside delivery: worked off by whoever has time, and slowly while mail is late."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from delivery.control.bulk import repeat
from delivery.engine.sweep import find_due_senders
from delivery.wake import wake_for_export
from records.clock import database_now
from records.export.models import UNFINISHED, ExportOrder
from records.export.writing import note_failure, write_next

logger = logging.getLogger(__name__)

PAUSE = 0.02
"""Seconds between parts, so that delivery gets its turn where only one may write at a time."""
BUSY = timedelta(seconds=30)
"""Mail that could have been sent for longer shows that workers have more than enough to do."""
LEFT_ALONE = timedelta(seconds=10)
"""Who moved within this time has a worker; the sweep looks for the others. What failed is left alone for longer."""

_told: set[int] = set()
"""Exports of which this process logged that they failed for now, until a part of them is written."""


def continue_one(order_id: int, *, seconds: float) -> bool:
    """Go on with one export for a while; returns whether this process should go on soon.

    It should not where another one is at it, or where mail is late: then the sweep adds a part now and then.
    """
    turns = _Turns(order_id)
    try:
        repeat(turns.take, seconds=seconds)
    except (OperationalError, InterfaceError) as trouble:
        _rest(order_id, trouble)
        return False
    except Exception:
        note_failure(order_id)
        raise
    _told.discard(order_id)
    return turns.has_more


def _rest(order_id: int, trouble: Exception) -> None:
    """Leave an export alone for a while where the database is locked or away, and log that once for all tries."""
    connection.close_if_unusable_or_obsolete()
    try:
        is_first = note_failure(order_id) == 1
    except (DatabaseError, InterfaceError):  # then that can't be noted either, and the sweep fails too until it is back
        is_first = True
    if is_first and order_id not in _told:
        logger.warning("an export failed for now, the sweep continues it", extra={"export": order_id}, exc_info=trouble)
    _told.add(order_id)


class _Turns:
    """Parts that are written one after the other."""

    def __init__(self, order_id: int) -> None:
        self._order_id = order_id
        self.has_more = False

    def take(self) -> bool:
        """Write a part, and wait a little; returns whether to go on."""
        self.has_more = write_next(self._order_id) and not find_due_senders(overdue=BUSY)
        time.sleep(PAUSE if self.has_more else 0)
        return self.has_more


def continue_unfinished(*, seconds: float) -> None:
    """Go on with exports that nobody moved for a while, oldest first, and have a worker take them on again."""
    ends_at = time.monotonic() + seconds
    idle = ExportOrder.objects.filter(state__in=UNFINISHED, moved_at__lte=database_now() - LEFT_ALONE)
    for order_id in idle.order_by("pk").values_list("pk", flat=True):
        left = ends_at - time.monotonic()
        if left <= 0:
            return
        try:
            if continue_one(order_id, seconds=left):
                wake_for_export(order_id)
        except Exception:  # whatever is wrong with one export: the others and the rest of the sweep go on
            logger.exception("an export failed", extra={"export": order_id})

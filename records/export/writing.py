"""Writing a file in the background: part by part, each committed together with how far the file is."""

from __future__ import annotations

import logging
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Sum

from records.clock import database_now
from records.enums import Packing
from records.export.enums import ExportFailure, ExportState
from records.export.models import UNFINISHED, ExportOrder, ExportPiece
from records.export.orders import KEPT, may_have
from records.export.parts import FiltersGoneError, Part, write_part
from records.packing import Packed
from senders.exceptions import KeyringError

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger(__name__)

MAX_STORED = 2_000_000_000
"""Bytes that all files together may take."""
FIRST_REST = timedelta(seconds=10)
"""How long an export is left alone after a part of it failed; twice as long after each further failure."""
LONGEST_REST = timedelta(hours=1)


def write_next(order_id: int) -> bool:
    """Write the next part of a file; returns whether there is more of it for this process to do."""
    seen = ExportOrder.objects.filter(pk=order_id, state__in=UNFINISHED).first()
    if seen is None:
        return False
    # Before the transaction: others may write while the records are read.
    part = _try_part(seen)
    piece = _pack(part.octets) if isinstance(part, Part) else None
    with transaction.atomic():
        order = _lock(seen)
        if order is None:
            return False  # cancelled, or another process is at it
        if piece and find_room() < len(piece.octets):
            part = ExportFailure.NO_ROOM
        if isinstance(part, ExportFailure):
            _fail(order, part, database_now())
        else:
            _add(order, part, piece)
        order.save()
    return order.is_unfinished


def note_failure(order_id: int) -> int:
    """Note that a part could not be written: the next try comes later each time.

    Returns:
        How many times in a row; 0 where there is nothing more to write, or another process is at it.
    """
    with transaction.atomic():
        unfinished = ExportOrder.objects.select_for_update(skip_locked=True).filter(pk=order_id, state__in=UNFINISHED)
        order = unfinished.first()
        if order is None:
            return 0
        # The next part that is written has a progress without it.
        failures = order.progress.get("failures", 0) + 1
        order.progress["failures"] = failures
        order.moved_at = database_now() + min(FIRST_REST * 2 ** min(failures - 1, 20), LONGEST_REST)
        order.save(update_fields=["progress", "moved_at"])
    return int(failures)


def find_room() -> int:
    """Find how many bytes files may still take."""
    return MAX_STORED - int(ExportOrder.objects.aggregate(total=Sum("stored"))["total"] or 0)


def _try_part(order: ExportOrder) -> Part | ExportFailure:
    if not may_have(order):
        return ExportFailure.NOT_ALLOWED
    try:
        return write_part(order)
    except FiltersGoneError:
        return ExportFailure.FILTERS_GONE
    except KeyringError:
        return ExportFailure.NO_KEY


def _pack(octets: bytes) -> Packed | None:
    """Compress a piece where that makes it smaller; None where there is nothing."""
    packed = zlib.compress(octets, 1)
    if len(packed) < len(octets):
        return Packed(packed, Packing.ZLIB)
    return Packed(octets, Packing.PLAIN) if octets else None


def _lock(seen: ExportOrder) -> ExportOrder | None:
    """Lock the order within a transaction; None where it stands elsewhere by now, or another process has it."""
    # SQLite knows no such lock: there the transaction began IMMEDIATE.
    unfinished = ExportOrder.objects.select_for_update(skip_locked=True).filter(pk=seen.pk, state__in=UNFINISHED)
    order = unfinished.first()
    return order if order and order.progress == seen.progress and order.size == seen.size else None


def _add(order: ExportOrder, part: Part, piece: Packed | None) -> None:
    if piece:
        ExportPiece.objects.create(order=order, number=order.pieces_count, octets=piece.octets, packing=piece.packing)
        order.pieces_count += 1
        order.stored += len(piece.octets)
    order.size += len(part.octets)
    order.rows += part.rows
    order.progress = part.progress
    order.moved_at = database_now()
    order.state = ExportState.WRITING
    if part.is_last:
        order.state, order.finished_at = ExportState.READY, order.moved_at
        order.expires_at = order.moved_at + KEPT
        logger.info("an export is ready", extra={"export": order.pk, "rows": order.rows, "size": order.size})


def _fail(order: ExportOrder, failure: ExportFailure, now: datetime) -> None:
    order.state, order.failure, order.finished_at = ExportState.FAILED, failure, now
    logger.warning("an export failed", extra={"export": order.pk, "reason": str(failure)})

"""Removing files whose time is over, what is left of others, and in the end the orders themselves: in small steps."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db.models import Q

from records.clock import database_now
from records.export.enums import ExportFailure, ExportState
from records.export.models import UNFINISHED, ExportOrder, ExportPiece

AT_ONCE = 20
"""Pieces per statement: about as many megabytes at most."""
MAX_TIME = timedelta(hours=24)
"""An export that is not finished by then never will be."""
LISTED = timedelta(days=30)
"""How long an order is listed after its end."""


def tidy(seconds: float) -> None:
    """Put in order what is overdue, for a while; the rest is left to the next time."""
    now = database_now()
    ready = ExportOrder.objects.filter(state=ExportState.READY, expires_at__lte=now)
    ready.update(state=ExportState.EXPIRED)
    overdue = ExportOrder.objects.filter(state__in=UNFINISHED, asked_at__lte=now - MAX_TIME)
    overdue.update(state=ExportState.FAILED, failure=ExportFailure.TOO_LONG, finished_at=now)
    ends_at = time.monotonic() + seconds
    for order in _find_with_remains():
        while time.monotonic() < ends_at and _remove_some(order):
            pass
    old = ExportOrder.objects.filter(finished_at__lte=now - LISTED, stored=0)
    old.delete()


def _find_with_remains() -> list[ExportOrder]:
    over = Q(state__in=(ExportState.EXPIRED, ExportState.CANCELLED, ExportState.FAILED))
    return list(ExportOrder.objects.filter(over, stored__gt=0).order_by("pk"))


def _remove_some(order: ExportOrder) -> bool:
    """Remove the next pieces; returns whether there may be more."""
    ids = list(order.pieces.order_by("number").values_list("pk", flat=True)[:AT_ONCE])
    if ids:
        ExportPiece.objects.filter(pk__in=ids).delete()
        return True
    ExportOrder.objects.filter(pk=order.pk).update(stored=0)
    return False

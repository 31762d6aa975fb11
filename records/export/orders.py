"""Exports in the background: asked for, cancelled, fetched."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone, translation

from records.clock import database_now
from records.export.enums import ExportState, FileKind
from records.export.models import UNFINISHED, ExportOrder
from records.export.parts import begin_at
from records.packing import unpack
from records.search.finding import count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.contrib.auth.models import User

    from records.filters import RecordFilters

logger = logging.getLogger(__name__)

KEPT = timedelta(hours=24)
"""How long a file can be fetched."""
MAX_UNFINISHED = 3
"""Exports of one person that may be unfinished at a time."""
MAX_COUNTED = 10_000
"""Records that are counted beforehand."""


class TooManyExportsError(Exception):
    """A person has as many unfinished exports as one may have; it is not raised for finished ones."""


class PieceGoneError(Exception):
    """A piece of a file was removed while the file was fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks for. Language and time zone are those that are active."""

    ticket: UUID
    """Given to the page that was sent in, which may come twice."""
    person: User
    kind: FileKind
    filters: RecordFilters
    """For evidence: the days, and perhaps the sender."""


def give(asked: Asked) -> ExportOrder:
    """Keep an order; `writing.write_next` does it. The same ticket of the same person is the same order.

    Raises:
        TooManyExportsError: The person has too many unfinished ones.
    """
    # Relative days are those of today, however long it takes.
    filters = replace(asked.filters, range=None)
    total = count(filters, MAX_COUNTED)
    with transaction.atomic():
        # One after the other for one person, so that none is too many.
        person = get_user_model().objects.select_for_update().get(pk=asked.person.pk)
        known = ExportOrder.objects.filter(ticket=asked.ticket, person=person).first()
        if known:
            return known
        if ExportOrder.objects.filter(person=person, state__in=UNFINISHED).count() >= MAX_UNFINISHED:
            raise TooManyExportsError
        now = database_now()
        order = ExportOrder.objects.create(
            ticket=asked.ticket,
            person=person,
            done_by=person.get_username()[:150],
            kind=asked.kind,
            query=filters.as_query(),
            time_zone=str(timezone.get_current_timezone()),
            language=translation.get_language() or "en",
            with_subjects=asked.kind != FileKind.EVIDENCE and person.has_perm("records.view_content"),
            total=total.number,
            total_is_at_least=total.is_at_least,
            progress=begin_at(now),
            asked_at=now,
            moved_at=now,
        )
    logger.info("records are to be exported", extra={"export": order.pk, "by": order.done_by, "file": order.kind})
    return order


def cancel(order: ExportOrder, by: str) -> bool:
    """Stop an export, or remove its file where it is ready. Returns false where neither is left to do."""
    now = database_now()
    orders = ExportOrder.objects.filter(pk=order.pk)
    is_stopped = orders.filter(state__in=UNFINISHED).update(state=ExportState.CANCELLED, finished_at=now)
    is_removed = not is_stopped and orders.filter(state=ExportState.READY).update(
        state=ExportState.EXPIRED, expires_at=now
    )
    if is_stopped or is_removed:
        logger.info("an export is stopped or removed", extra={"export": order.pk, "by": by})
    return bool(is_stopped or is_removed)


def read_file(order: ExportOrder) -> Iterator[bytes]:
    """Return a file piece by piece.

    Raises:
        PieceGoneError: It is removed meanwhile. What was announced is longer, so whoever fetches it sees that it broke.
    """
    for number in range(order.pieces_count):
        piece = order.pieces.filter(number=number).first()
        if piece is None:
            raise PieceGoneError(f"piece {number} of export {order.pk}")
        yield unpack(piece.octets, piece.packing)

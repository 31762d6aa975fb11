"""Exports in the background: asked for, cancelled, fetched."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone, translation

from records.clock import database_now
from records.export.enums import ExportState, FileKind
from records.export.models import UNFINISHED, ExportOrder
from records.export.parts import begin_at
from records.filters import NEEDED_FOR_SUBJECTS
from records.packing import unpack
from records.search.finding import count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.contrib.auth.models import User

    from records.filters import RecordFilters
    from records.search.finding import Count

logger = logging.getLogger(__name__)

KEPT = timedelta(hours=24)
"""How long a file can be fetched."""
MAX_UNFINISHED = 3
"""Exports of one person that may be unfinished at a time."""
MAX_COUNTED = 10_000
"""Records that are counted beforehand."""
NEEDED = ("records.view_sendingrecord", "records.export_records")
"""What a person must be allowed to, from asking until fetching."""


class TooManyExportsError(Exception):
    """A person has as many unfinished exports as one may have; it is not raised for finished ones."""


class TicketTakenError(Exception):
    """The ticket came with a page of another person; it is not raised where the same person sends it in twice."""


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
        TicketTakenError: The ticket is that of another person's order.
        TooManyExportsError: The person has too many unfinished ones.
    """
    if known := _find(asked):
        return known
    # Relative days are those of today, however long it takes.
    filters = asked.filters.with_fixed_days()
    total = count(filters, MAX_COUNTED)
    try:
        order = _keep(asked, filters, total)
    except IntegrityError as error:  # another person sent in the same ticket at that moment
        raise TicketTakenError from error
    logger.info("records are to be exported", extra={"export": order.pk, "by": order.done_by, "file": order.kind})
    return order


def _find(asked: Asked) -> ExportOrder | None:
    known = ExportOrder.objects.filter(ticket=asked.ticket).first()
    if known and known.person_id != asked.person.pk:
        raise TicketTakenError
    return known


def _keep(asked: Asked, filters: RecordFilters, total: Count) -> ExportOrder:
    with transaction.atomic():
        # One after the other for one person, so that none is too many.
        person = get_user_model().objects.select_for_update().get(pk=asked.person.pk)
        if known := _find(asked):
            return known
        if ExportOrder.objects.filter(person=person, state__in=UNFINISHED).count() >= MAX_UNFINISHED:
            raise TooManyExportsError
        now = database_now()
        return ExportOrder.objects.create(
            ticket=asked.ticket,
            person=person,
            done_by=person.get_username()[:150],
            kind=asked.kind,
            query=filters.as_query(),
            time_zone=str(timezone.get_current_timezone()),
            language=translation.get_language() or "en",
            with_subjects=asked.kind != FileKind.EVIDENCE and person.has_perm(NEEDED_FOR_SUBJECTS),
            total=total.number,
            total_is_at_least=total.is_at_least,
            progress=begin_at(now),
            asked_at=now,
            moved_at=now,
        )


def may_have(order: ExportOrder) -> bool:
    """Tell whether the person who asked for a file may still have it, by what is stored of that person now."""
    person = get_user_model().objects.filter(pk=order.person_id).first()
    if person is None:
        return False
    return person.has_perms(NEEDED) and (not order.with_subjects or person.has_perm(NEEDED_FOR_SUBJECTS))


def cancel(order: ExportOrder, by: str) -> bool:
    """Stop an export, or remove its file where it is ready. Returns false where neither is left to do."""
    now = database_now()
    orders = ExportOrder.objects.filter(pk=order.pk)
    is_stopped = orders.filter(state__in=UNFINISHED).update(state=ExportState.CANCELLED, finished_at=now)
    ready = orders.filter(state=ExportState.READY, expires_at__gt=now)
    is_removed = not is_stopped and ready.update(state=ExportState.EXPIRED, expires_at=now)
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

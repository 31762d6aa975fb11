"""Orders to send many mails again: given, worked off by whoever has time, cancelled."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.db import OperationalError, transaction
from django.db.models import Max
from django.utils import timezone

from delivery.control.bulk import repeat
from delivery.resending.collecting import collect_batch
from delivery.resending.ending import end, lock, may_go_on
from delivery.resending.sending import send_batch
from records.clock import database_now
from records.models import SendingRecord
from records.paging import Position
from records.resending.enums import ResendingState
from records.resending.models import UNFINISHED, Resending

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.contrib.auth.models import User

    from records.filters import RecordFilters

logger = logging.getLogger(__name__)

_LAST_ID = 2**63 - 1


class TicketTakenError(Exception):
    """The ticket came with a page of another person; it is not raised where the same person sends it in twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person asks for."""

    ticket: UUID
    """Given to the page that was confirmed, which may be sent in twice."""
    filters: RecordFilters
    up_to: Position
    """What was recorded later is left alone: when the person was asked, and the last record then."""
    to: str = ""
    """Another receiver; empty: those of the records."""
    sender_id: int | None = None
    """The account that sends; None: the own of each mail."""
    person: User
    requester_ip: str | None = None


def find_end() -> Position:
    """Find where the records end now."""
    return Position(database_now(), int(SendingRecord.objects.aggregate(last=Max("pk"))["last"] or 0))


def give(order: Order) -> Resending:
    """Keep an order; `run` does it. The same ticket of the same person is the same order.

    Raises:
        TicketTakenError: The ticket is that of another person's order.
    """
    # Relative days are those of today, however long it takes.
    query = order.filters.with_fixed_days().as_query()
    work, is_new = Resending.objects.get_or_create(
        ticket=order.ticket,
        defaults={
            "query": query,
            "time_zone": str(timezone.get_current_timezone()),
            # Newer ones are not even read; those of that very moment are told apart by their ids.
            "position": str(Position(order.up_to.started_at, _LAST_ID)),
            "up_to_id": order.up_to.record_id,
            "to": order.to,
            "is_for_failed": not order.filters.may_keep_success,
            "sender_id": order.sender_id,
            "person": order.person,
            "done_by": order.person.get_username()[:150],
            "requester_ip": order.requester_ip,
            "began_at": database_now(),
        },
    )
    if work.person_id != order.person.pk:
        raise TicketTakenError
    if is_new:
        logger.info("mails are to be sent again", extra={"resending": work.pk, "by": work.done_by})
    return work


def run(work: Resending, *, seconds: float = float("inf")) -> Resending:
    """Work until all is done, the time is over, or another process is at it; returns how it stands then.

    Whatever is left is continued by the sweep.
    """
    try:
        repeat(partial(_do_batch, work.pk), seconds=seconds)
    except OperationalError as trouble:
        # Said in one line: it is said with every sweep for as long as the database is locked or away.
        logger.warning(
            "sending mails again failed for now, the sweep continues it: %s", trouble, extra={"resending": work.pk}
        )
    work.refresh_from_db()
    return work


def continue_one(resending_id: int, *, seconds: float) -> bool:
    """Go on with one order for a while; returns whether there is more of it to do."""
    work = Resending.objects.filter(pk=resending_id, finished_at__isnull=True).first()
    return work is not None and run(work, seconds=seconds).is_unfinished


def continue_unfinished(*, seconds: float) -> None:
    """Go on with whatever was begun and not finished, oldest first, for a while."""
    ends_at = time.monotonic() + seconds
    for work in Resending.objects.filter(finished_at__isnull=True).order_by("pk"):
        left = ends_at - time.monotonic()
        if left <= 0:
            return
        try:
            run(work, seconds=left)
        except Exception:  # whatever is wrong with one order: the others and the rest of the sweep go on
            logger.exception("sending mails again failed", extra={"resending": work.pk})


def cancel(work: Resending, by: str) -> bool:
    """Stop an order: what was sent again by then stays sent. Returns false where it had ended already."""
    with transaction.atomic():
        unfinished = Resending.objects.filter(pk=work.pk, state__in=UNFINISHED)
        is_cancelled = bool(unfinished.update(**_cancelled(by, database_now())))
        if is_cancelled:
            work.receivers.filter(left_out="").delete()
    if is_cancelled:
        logger.info("mails are not to be sent again any more", extra={"resending": work.pk, "by": by})
    return is_cancelled


def _cancelled(by: str, now: datetime) -> dict[str, object]:
    return {"state": ResendingState.CANCELLED, "cancelled_by": by[:150], "finished_at": now}


def _do_batch(resending_id: int) -> bool:
    """Do the next batch; returns whether there may be more for this process to do."""
    work = Resending.objects.select_related("person").filter(pk=resending_id).first()
    if work and work.is_unfinished and not may_go_on(work):
        _forbid(work)
        return False
    match work and work.state:
        case ResendingState.COLLECTING:
            return collect_batch(resending_id)
        case ResendingState.SENDING:
            return send_batch(resending_id)
        case _:
            return False


def _forbid(seen: Resending) -> None:
    """End an order whose person may not give it any more: what was sent again by then stays sent."""
    with transaction.atomic():
        work = lock(seen.pk, ResendingState(seen.state))
        if work is not None:
            end(work, ResendingState.FORBIDDEN)
            work.save(update_fields=["state", "finished_at"])

"""Which mails are to go again: read from the records that filters keep, batch by batch, each mail once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from delivery.resending.ending import end, lock
from records.enums import MailKind
from records.export.reading import read_page
from records.forms import find_filters
from records.paging import Page, find_position
from records.resending.enums import ResendingState
from records.resending.models import Resending, ResendingReceiver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from records.filters import RecordFilters
    from records.models import SendingRecord

logger = logging.getLogger(__name__)

BATCH = 1000
"""Records per transaction."""


def collect_batch(resending_id: int) -> bool:
    """Note the mails of the next records; returns whether there may be more for this process to do."""
    seen = Resending.objects.get(pk=resending_id)
    # Before the transaction: others may write while the records are looked for.
    page = _read(seen)
    with transaction.atomic():
        work = lock(resending_id, ResendingState.COLLECTING)
        if work is None or work.position != seen.position:
            return False  # another process is at it
        _note(work, page.records)
        work.total = work.receivers.values("mail_id").distinct().count()
        if work.total > settings.MAILBOX_MAX_RESENDS:
            end(work, ResendingState.TOO_MANY)
        elif page.older is None:
            work.state = ResendingState.SENDING
        else:
            work.position = str(page.older)
        work.save(update_fields=["state", "position", "total", "finished_at"])
    return work.is_unfinished


def _read(work: Resending) -> Page:
    filters = _filters_of(work)
    if filters is None:
        logger.error("the filters of an order to send mails again are not known any more", extra={"id": work.pk})
        return Page([])
    return read_page(filters, ZoneInfo(work.time_zone), BATCH, before=find_position(work.position))


def _filters_of(work: Resending) -> RecordFilters | None:
    with timezone.override(work.time_zone):
        return find_filters(work.query)


def _note(work: Resending, records: Iterable[SendingRecord]) -> None:
    """Keep whose turn comes. Test mail is never sent again; several tries at a receiver are one."""
    meant = {
        (record.mail_id, record.receiver_id)
        for record in records
        if record.kind == MailKind.MAIL and record.pk <= work.up_to_id
    }
    rows = [
        ResendingReceiver(resending=work, mail_id=mail_id, receiver_id=receiver_id)
        for mail_id, receiver_id in sorted(meant)
    ]
    ResendingReceiver.objects.bulk_create(rows, ignore_conflicts=True)

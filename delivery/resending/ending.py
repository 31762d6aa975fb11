"""What both halves of an order share: it is locked, and it ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from records.clock import database_now
from records.resending.models import Resending

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from records.resending.enums import ResendingState
    from records.resending.models import ResendingReceiver

logger = logging.getLogger(__name__)

NEEDED = ("records.view_sendingrecord", "records.send_mail")
"""What a person must be allowed to, from asking until the last mail."""
NEEDED_FOR_ANOTHER = "records.view_content"
"""The same where one receiver gets all mails: whoever gets a copy can read it."""
MAX_SHOWN = 100
"""Mails that were left out whose numbers are kept; the others are counted."""


def lock(resending_id: int, state: ResendingState) -> Resending | None:
    """Lock an order within a transaction; None where it stands elsewhere by now, or another process has it."""
    # SQLite knows no such lock: there the transaction began IMMEDIATE.
    return Resending.objects.select_for_update(skip_locked=True).filter(pk=resending_id, state=state).first()


def may_go_on(work: Resending) -> bool:
    """Tell whether whoever gave an order may still do so, by what is stored of that person now."""
    person = work.person
    needed = (*NEEDED, NEEDED_FOR_ANOTHER) if work.to else NEEDED
    return person is not None and person.has_perms(needed)


def end(work: Resending, state: ResendingState) -> None:
    """End a locked order, and forget what was noted for it, but for some of the mails that were left out."""
    work.state, work.finished_at = state, database_now()
    shown = list(find_left_out(work).values_list("pk", flat=True)[:MAX_SHOWN])
    work.receivers.exclude(pk__in=shown).delete()
    logger.info(
        "sending mails again ended",
        extra={"resending": work.pk, "state": str(state), "sent": work.sent, "left_out": work.left_out_in_all},
    )


def find_left_out(work: Resending) -> QuerySet[ResendingReceiver]:
    """Find the mails that were left out, in the order of their numbers."""
    return work.receivers.exclude(left_out="").order_by("mail_id")

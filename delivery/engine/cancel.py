"""T5: cancelling a mail."""

from enum import StrEnum

from django.db import transaction

from delivery.engine.skip import skip_pending
from records.clock import database_now
from records.enums import MailState, SkipReason
from records.models import WAITING_STATES, Mail


class CancelAnswer(StrEnum):
    """What came of asking to cancel."""

    CANCELLED = "cancelled"
    """No further try is made. Receivers that were served before remain served."""
    TOO_LATE_FOR_TRY = "too_late_for_try"
    """The content is on its way; should this try fail, there is no other."""
    TOO_LATE = "too_late"
    """The mail had ended before."""


def cancel_mail(mail_id: int) -> CancelAnswer:
    """Cancel a mail: at once, unless a try of it is past the point of no return.

    Raises:
        Mail.DoesNotExist: There is no such mail.
    """
    with transaction.atomic(durable=True):
        mail = Mail.objects.select_for_update().get(pk=mail_id)
        if mail.state not in {*WAITING_STATES, MailState.SENDING}:
            return CancelAnswer.CANCELLED if mail.state == MailState.CANCELLED else CancelAnswer.TOO_LATE
        mail.cancel_requested = True
        if _is_past_fence(mail):
            mail.save(update_fields=["cancel_requested"])
            return CancelAnswer.TOO_LATE_FOR_TRY
        skip_pending(mail, SkipReason.CANCELLED, database_now())
        return CancelAnswer.CANCELLED


def _is_past_fence(mail: Mail) -> bool:
    return mail.state == MailState.SENDING and mail.committed_epoch == mail.epoch

"""Ending a mail without a further try: cancelled, given up, or with no account to send it."""

from collections.abc import Sequence
from datetime import datetime

from delivery.engine.causes import cause_of
from delivery.engine.claim import new_record, pending_receivers
from delivery.engine.rollup import roll_up
from delivery.engine.values import Ending, Server
from records.enums import MailState, Outcome, ReceiverState, SkipReason
from records.models import Mail, Receiver, SendingRecord

_RECEIVER_STATES = {
    SkipReason.CANCELLED: ReceiverState.CANCELLED,
    SkipReason.NOT_CONFIGURED: ReceiverState.REFUSED,
    SkipReason.SENDER_DELETED: ReceiverState.REFUSED,
}
"""Where a reason leaves the receivers; given up for all others."""


def skip_pending(mail: Mail, reason: SkipReason, now: datetime) -> None:
    """End a locked mail: a record per pending receiver says why, and no worker takes it any more.

    The epoch moves on, so that a claim that still lives can neither pass the fence nor settle the mail.
    """
    pending = pending_receivers([mail])[mail.pk]
    if mail.state == MailState.SENDING:
        _skip_open_records(mail, reason, now)
    else:
        _add_skipped_records(mail, pending, reason, now)
    pending_ids = [receiver.pk for receiver in pending]
    Receiver.objects.filter(pk__in=pending_ids).update(state=_RECEIVER_STATES.get(reason, ReceiverState.EXPIRED))
    mail.epoch += 1
    mail.state = roll_up(mail.receivers.values_list("state", flat=True)) or MailState.FAILED
    mail.finished_at = now
    mail.lease_until = None
    mail.save(update_fields=["epoch", "state", "finished_at", "lease_until", "cancel_requested"])


def _skip_open_records(mail: Mail, reason: SkipReason, now: datetime) -> None:
    SendingRecord.objects.filter(mail_id=mail.pk, epoch=mail.epoch, outcome=Outcome.SENDING).update(
        outcome=Outcome.SKIPPED, skip_reason=reason, cause=_cause(reason), ended_at=now
    )


def _add_skipped_records(mail: Mail, receivers: Sequence[Receiver], reason: SkipReason, now: datetime) -> None:
    records = [new_record(mail, receiver, mail.epoch + 1, now) for receiver in receivers]
    for record in records:
        record.outcome = Outcome.SKIPPED
        record.skip_reason = reason
        record.cause = _cause(reason)
        record.ended_at = now
    SendingRecord.objects.bulk_create(records)


def _cause(reason: SkipReason) -> str:
    return cause_of(Ending(Outcome.SKIPPED, skip_reason=reason), Server())

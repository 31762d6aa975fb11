"""Ending a mail without a further try: cancelled, given up, or with no account to send it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import F

from delivery.engine.claim import pending_receivers
from delivery.engine.rollup import roll_up
from delivery.engine.values import Ending
from delivery.engine.written import TryRecord, write_records
from records.enums import MailState, Outcome, ReceiverState, SkipReason
from records.masking.ending import drop_originals
from records.models import Mail, Receiver

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
    pending = [receiver.receiver_id for receiver in pending_receivers([mail.pk])[mail.pk]]
    # Of a mail in a worker's hand it is that try's record, which may stand as open.
    epoch = mail.epoch if mail.state == MailState.SENDING else mail.epoch + 1
    ending = Ending(Outcome.SKIPPED, skip_reason=reason)
    write_records(TryRecord(receiver_id, epoch, ending, now, now) for receiver_id in pending)
    Receiver.objects.filter(pk__in=pending).update(state=_RECEIVER_STATES.get(reason, ReceiverState.EXPIRED))
    mail.epoch += 1
    mail.state = roll_up(mail.receivers.values_list("state", flat=True)) or MailState.FAILED
    mail.finished_at = now
    mail.lease_until = None
    mail.save(update_fields=["epoch", "state", "finished_at", "lease_until", "cancel_requested"])
    drop_originals([mail])


def skip_waiting(mails: Sequence[Mail], reason: SkipReason, now: datetime) -> None:
    """End locked mails that all wait, as `skip_pending` does each, in a handful of statements."""
    ids = [mail.pk for mail in mails]
    receivers = pending_receivers(ids)
    ending = Ending(Outcome.SKIPPED, skip_reason=reason)
    write_records(
        TryRecord(receiver.receiver_id, mail.epoch + 1, ending, now, now)
        for mail in mails
        for receiver in receivers[mail.pk]
    )
    pending = Receiver.objects.filter(mail_id__in=ids, state=ReceiverState.PENDING)
    pending.update(state=_RECEIVER_STATES.get(reason, ReceiverState.EXPIRED))
    states: dict[int, list[str]] = {pk: [] for pk in ids}
    for mail_id, state in Receiver.objects.filter(mail_id__in=ids).order_by().values_list("mail_id", "state"):
        states[mail_id].append(state)
    ends: dict[MailState, list[int]] = defaultdict(list)
    for mail_id, of_receivers in states.items():
        ends[roll_up(of_receivers) or MailState.FAILED].append(mail_id)
    for end, ended in ends.items():
        Mail.objects.filter(pk__in=ended).update(
            epoch=F("epoch") + 1,
            state=end,
            finished_at=now,
            lease_until=None,
            cancel_requested=reason == SkipReason.CANCELLED,
        )
    drop_originals(mails)

"""A try that a person waits for: the mail is claimed the moment it is stored, by the process that stores it.

    claim = open_test_try(sender=sender, subject=..., composed=..., receiver=..., seconds=30, ...)
    ...                     # the dialogue, with pass_fence(claim) before the dot
    finish([TryResult(...)])

Should the process die, the sweep closes the record like any other; test mail is never tried again.
"""

from datetime import timedelta

from django.db import transaction

from delivery.engine.allowance import note_test
from delivery.engine.claim import wire_form
from delivery.engine.limits import get_limits
from delivery.engine.values import Claim, ClaimedReceiver, Ending
from delivery.engine.written import TryRecord, open_records
from delivery.values import ComposedMail
from records.clock import database_now
from records.content import store_content
from records.enums import MailKind, MailState, Outcome
from records.models import Mail, Receiver
from senders.models import Sender


def open_test_try(
    *,
    sender: Sender,
    receiver: str,
    subject: str,
    composed: ComposedMail,
    seconds: float,
    requester_ip: str | None = None,
    requested_by: str = "",
) -> Claim:
    """Store a test mail as claimed, with its record open, before its dialogue begins.

    Args:
        sender: The account under test, saved or not.
        receiver: The one address it goes to, validated.
        subject: As composed.
        composed: The test mail.
        seconds: How long the dialogue takes at most; the claim holds a little longer.
        requester_ip: IP address of the person's browser.
        requested_by: The person's user name.
    """
    with transaction.atomic():
        now = database_now()
        lease = timedelta(seconds=seconds + get_limits().lease_margin)
        mail = Mail.objects.create(
            kind=MailKind.TEST,
            sender=sender if sender.pk else None,
            sender_address=sender.address,
            subject=subject,
            message_id=composed.message_id,
            needs_smtputf8=composed.envelope.needs_smtputf8,
            size=len(composed.mime),
            requester_ip=requester_ip,
            requested_by=requested_by,
            state=MailState.SENDING,
            epoch=1,
            attempts=1,
            accepted_at=now,
            due_at=now,
            lease_until=now + lease,
            expires_at=now + lease,
        )
        store_content(mail.pk, composed.head, composed.body, now)
        target = Receiver.objects.create(mail=mail, address=receiver)
        note_test(sender, now)
        open_records([TryRecord(target.pk, mail.epoch, Ending(Outcome.SENDING), now, None)])
    return Claim(
        mail_id=mail.pk,
        epoch=mail.epoch,
        kind=MailKind.TEST,
        state_before=MailState.QUEUED,
        attempts=1,
        receivers=(ClaimedReceiver(target.pk, wire_form(receiver)),),
        reverse_path=composed.envelope.reverse_path,
        message_id=mail.message_id,
        needs_smtputf8=mail.needs_smtputf8,
    )

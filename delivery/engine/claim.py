"""T1: claiming due mails of one sender, renewing claims, giving them back. Each one short transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from delivery.engine.limits import get_limits
from delivery.engine.values import Claim, ClaimedReceiver
from records.clock import database_now
from records.enums import MailKind, MailState, Outcome, ReceiverState, Step
from records.models import Mail, Receiver, SendingRecord
from senders.validators import parse_address


class ClaimRaceError(RuntimeError):
    """A mail changed between its lock and its update.

    Raised when the database gave no lock: SQLite without `transaction_mode` IMMEDIATE. Nothing was claimed.
    """


def claim_due(sender_id: int, size: int, *, untried_only: bool = False) -> list[Claim]:
    """Claim up to `size` due mails of a sender, oldest first, and open a record per pending receiver (T1).

    Args:
        sender_id: Whose mail.
        size: How many mails at most.
        untried_only: Take only mails that were never tried.

    Raises:
        ClaimRaceError: The database does not lock.
    """
    with transaction.atomic(durable=True):
        now = database_now()
        due = due_mail(sender_id, now)
        if untried_only:
            due = due.filter(state=MailState.QUEUED)
        # SQLite knows no row locks and ignores this: there the transaction began IMMEDIATE, so nobody else writes.
        mails = list(due.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk")[:size])
        return _take(mails, now) if mails else []


def due_mail(sender_id: int, now: datetime) -> QuerySet[Mail]:
    """Find what a worker may claim now of a sender's mail."""
    # Every mail is tried at least once, however long no worker ran, unless its caller set the limit.
    # Not told by the epoch: a claim that was given back counted it up, and tried nothing.
    still_wanted = Q(expires_at__gt=now) | Q(state=MailState.QUEUED, expires_untried=False)
    return Mail.objects.waiting().filter(still_wanted, sender_id=sender_id, due_at__lte=now)


def _take(mails: Sequence[Mail], now: datetime) -> list[Claim]:
    taken = (
        Mail.objects.waiting()
        .filter(pk__in=[mail.pk for mail in mails])
        .update(
            state=MailState.SENDING,
            epoch=F("epoch") + 1,
            attempts=F("attempts") + 1,
            lease_until=now + timedelta(seconds=get_limits().claim_lease),
        )
    )
    if taken != len(mails):
        raise ClaimRaceError(f"{len(mails)} mails locked, {taken} taken")
    receivers = pending_receivers(mails)
    open_records(mails, receivers, now)
    return [_claim(mail, receivers[mail.pk]) for mail in mails]


def pending_receivers(mails: Sequence[Mail]) -> dict[int, list[Receiver]]:
    """Load the receivers that are still to be tried, by mail id."""
    found: dict[int, list[Receiver]] = {mail.pk: [] for mail in mails}
    for receiver in Receiver.objects.filter(mail_id__in=found, state=ReceiverState.PENDING).order_by("pk"):
        found[receiver.mail_id].append(receiver)
    return found


def open_records(mails: Sequence[Mail], receivers: dict[int, list[Receiver]], now: datetime) -> None:
    """Open the records of the claim that follows the epoch of the given mails, as loaded."""
    SendingRecord.objects.bulk_create(
        [new_record(mail, receiver, mail.epoch + 1, now) for mail in mails for receiver in receivers[mail.pk]]
    )


def new_record(mail: Mail, receiver: Receiver, epoch: int, now: datetime) -> SendingRecord:
    """Make an open record with the snapshot that a list of records shows without a join."""
    return SendingRecord(
        mail=mail,
        receiver=receiver,
        epoch=epoch,
        kind=mail.kind,
        sender_address=mail.sender_address,
        receiver_address=receiver.address,
        requester_ip=mail.requester_ip,
        template_name=mail.template_name,
        accessed_resource=mail.accessed_resource,
        started_at=now,
    )


def _claim(mail: Mail, receivers: Iterable[Receiver]) -> Claim:
    return Claim(
        mail_id=mail.pk,
        epoch=mail.epoch + 1,
        kind=MailKind(mail.kind),
        state_before=MailState(mail.state),
        attempts=mail.attempts + 1,
        receivers=tuple(ClaimedReceiver(receiver.pk, wire_form(receiver.address)) for receiver in receivers),
        reverse_path=wire_form(mail.sender_address),
        message_id=mail.message_id,
        needs_smtputf8=mail.needs_smtputf8,
    )


def wire_form(address: str) -> str:
    """Write a validated address as it stands in the envelope: with A-labels in its domain.

    Never raises: rules for international domains change, and one address must not hold up all mail of its sender.
    What can't be written so goes out as it is, for the server to judge.
    """
    if address.isascii():
        return address
    try:
        return parse_address(address).ascii
    except ValidationError:
        return address


def renew(claims: Iterable[Claim]) -> int:
    """Prolong the leases of claims; never revive one that is over, never shorten one."""
    mine = Q()
    for claim in claims:
        mine |= Q(pk=claim.mail_id, epoch=claim.epoch)
    if not mine:
        return 0
    until = Now() + timedelta(seconds=get_limits().claim_lease)
    # `lt`: the fence may just have set a longer lease.
    live = Mail.objects.filter(mine, state=MailState.SENDING, lease_until__gt=Now(), lease_until__lt=until)
    return live.update(lease_until=until)


def release(claims: Sequence[Claim]) -> None:
    """Give claims back that were not begun: no attempt is spent and no record of a try remains."""
    for claim in claims:
        with transaction.atomic(durable=True):
            _release_one(claim)


def _release_one(claim: Claim) -> None:
    mail = Mail.objects.select_for_update().filter(pk=claim.mail_id, epoch=claim.epoch, state=MailState.SENDING).first()
    records = SendingRecord.objects.filter(mail_id=claim.mail_id, epoch=claim.epoch, outcome=Outcome.SENDING)
    if mail is None or records.filter(step=Step.COMMITTED).exists():
        return
    records.delete()
    mail.state = claim.state_before
    mail.lease_until = None
    mail.attempts -= 1
    mail.save(update_fields=["state", "lease_until", "attempts"])

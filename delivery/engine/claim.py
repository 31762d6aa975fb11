"""T1: claiming due mails of one sender, renewing claims, giving them back. Each one short transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet

from delivery.engine import allowance
from delivery.engine.given import Given, clock, fetch_ids, time_literal
from delivery.engine.limits import get_limits
from delivery.engine.priorities import ByPriority, DueMail, pick_by_priority
from delivery.engine.values import Claim, ClaimedReceiver
from records.bulk import one_of
from records.clock import database_now
from records.enums import MailKind, MailState, Outcome, ReceiverState
from records.models import Mail, Receiver, SendingRecord
from senders.models import Sender
from senders.validators import parse_address

GROUP_BYTES = 4 * 1024 * 1024
"""So many bytes of mails are claimed at once at most, unless a single mail is larger: a worker's memory is bounded."""
_CLAIMED = {"id": "bigint", "epoch": "integer"}


class ClaimRaceError(RuntimeError):
    """A mail changed between its lock and its update.

    Raised when the database gave no lock: SQLite without `transaction_mode` IMMEDIATE. Nothing was claimed.
    """


def claim_due(sender_id: int, size: int, *, untried_only: bool = False) -> list[Claim]:
    """Claim up to `size` due mails of a sender (T1): by priority, oldest first, whatever its limits are.

    Args:
        sender_id: Whose mail.
        size: How many mails at most.
        untried_only: Take only mails that were never tried.

    Raises:
        ClaimRaceError: The database does not lock.
    """
    with transaction.atomic(durable=True):
        now = database_now()
        mails = _lock_due(sender_id, size, now, untried_only=untried_only)
        return _take(mails, _pending_of(mails), now)


def claim_allowed(sender: Sender, size: int) -> list[Claim]:
    """Claim up to `size` due mails of a sender within what its limits allow now (T1).

    Raises:
        ClaimRaceError: The database does not lock.
    """
    with transaction.atomic(durable=True):
        now = database_now()
        granted = allowance.take(sender, size, now)
        mails = _lock_due(sender.pk, granted, now) if granted else []
        receivers = _pending_of(mails)
        fitting = allowance.fit(sender, granted, [len(receivers[mail.id]) for mail in mails], now)
        return _take(mails[:fitting], receivers, now)


def due_mail(sender_id: int, now: datetime) -> QuerySet[Mail]:
    """Find what a worker may claim now of a sender's mail."""
    # Every mail is tried at least once, however long no worker ran, unless its caller set the limit.
    # Not told by the epoch: a claim that was given back counted it up, and tried nothing.
    still_wanted = Q(expires_at__gt=now) | Q(state=MailState.QUEUED, expires_untried=False)
    return Mail.objects.waiting().filter(still_wanted, sender_id=sender_id, due_at__lte=now)


def _lock_due(sender_id: int, size: int, now: datetime, *, untried_only: bool = False) -> list[DueMail]:
    picked: list[DueMail] = []
    size_in_all = 0
    for mail in pick_by_priority(_DUE[untried_only], sender_id, size, now):
        size_in_all += mail.size
        if picked and size_in_all > GROUP_BYTES:
            break
        picked.append(mail)
    return picked


def _untried_mail(sender_id: int, now: datetime) -> QuerySet[Mail]:
    return due_mail(sender_id, now).filter(state=MailState.QUEUED)


_DUE = {False: ByPriority(due_mail), True: ByPriority(_untried_mail)}
"""By whether only mail that was never tried is wanted."""


def _take(mails: Sequence[DueMail], receivers: dict[int, list[ClaimedReceiver]], now: datetime) -> list[Claim]:
    if not mails:
        return []
    taken = (
        Mail.objects.waiting()
        .filter(pk__in=one_of([mail.id for mail in mails]))
        .update(
            state=MailState.SENDING,
            epoch=F("epoch") + 1,
            attempts=F("attempts") + 1,
            lease_until=now + timedelta(seconds=get_limits().claim_lease),
        )
    )
    if taken != len(mails):
        raise ClaimRaceError(f"{len(mails)} mails locked, {taken} taken")
    return [_claim(mail, receivers[mail.id]) for mail in mails]


def _pending_of(mails: Sequence[DueMail]) -> dict[int, list[ClaimedReceiver]]:
    return pending_receivers([mail.id for mail in mails]) if mails else {}


def pending_receivers(mail_ids: Collection[int]) -> dict[int, list[ClaimedReceiver]]:
    """Load the receivers that are still to be tried, by mail id."""
    found: dict[int, list[ClaimedReceiver]] = {mail_id: [] for mail_id in mail_ids}
    pending = Receiver.objects.filter(mail_id__in=one_of(found), state=ReceiverState.PENDING).order_by("pk")
    for mail_id, receiver_id, address in pending.values_list("mail_id", "pk", "address"):
        found[mail_id].append(ClaimedReceiver(receiver_id, wire_form(address)))
    return found


def _claim(mail: DueMail, receivers: Sequence[ClaimedReceiver]) -> Claim:
    return Claim(
        mail_id=mail.id,
        epoch=mail.epoch + 1,
        kind=MailKind(mail.kind),
        state_before=MailState(mail.state),
        attempts=mail.attempts + 1,
        receivers=tuple(receivers),
        reverse_path=wire_form(mail.sender_address),
        message_id=mail.message_id,
        needs_smtputf8=mail.needs_smtputf8,
        size=mail.size,
        has_secrets=bool(mail.has_secrets),
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


def claims_as_table(claims: Iterable[Claim]) -> Given:
    """Write mail ids and epochs as a table for a statement."""
    return Given.of(_CLAIMED, [(claim.mail_id, claim.epoch) for claim in claims])


def renew(claims: Collection[Claim]) -> set[int]:
    """Prolong the leases of claims; never revive one that is over, never shorten one. Returns whose mail still is."""
    if not claims:
        return set()
    given = claims_as_table(sorted(claims, key=lambda claim: claim.mail_id))
    until = time_literal(database_now() + timedelta(seconds=get_limits().claim_lease))
    return fetch_ids(
        f"""
        UPDATE records_mail SET lease_until = CASE WHEN lease_until < %s THEN %s ELSE lease_until END
        FROM {given.table}
        WHERE records_mail.id = given.id AND records_mail.epoch = given.epoch AND state = 'sending'
            AND lease_until > {clock()}
        RETURNING records_mail.id
        """,  # noqa: S608  # names of our own, no value from outside
        [until, until, *given.parameters],
    )


def release(claims: Sequence[Claim], *, unsent: bool = False) -> int:
    """Give claims back that were not begun: no attempt is spent and no record of a try remains.

    Args:
        claims: Of mails whose final dot was not sent.
        unsent: The caller is the claims' worker and knows it of those past the point of no return, too; those of
            others are never given back.

    Returns:
        How many were.
    """
    if not claims:
        return 0
    with transaction.atomic(durable=True):
        released = _give_back(claims, unsent=unsent)
        SendingRecord.objects.filter(mail_id__in=released, outcome=Outcome.SENDING).delete()
    return len(released)


def _give_back(claims: Sequence[Claim], *, unsent: bool) -> set[int]:
    rows = [(claim.mail_id, claim.epoch, str(claim.state_before)) for claim in claims]
    given = Given.of(_CLAIMED | {"state": "text"}, rows)
    return fetch_ids(
        f"""
        UPDATE records_mail
        SET state = given.state, lease_until = NULL, committed_epoch = 0, attempts = attempts - 1
        FROM {given.table}
        WHERE records_mail.id = given.id AND records_mail.epoch = given.epoch AND records_mail.state = 'sending'
            AND (%s OR committed_epoch <> records_mail.epoch)
        RETURNING records_mail.id
        """,  # noqa: S608  # names of our own, no value from outside
        [*given.parameters, unsent],
    )

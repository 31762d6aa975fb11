"""Handing waiting mail to a stand-in while its account cannot send, and back when it can again.

Who stands in for whom, and when, is `senders.stand_ins`. Here rows move, in batches, each one short transaction: every
hop is a record, the From field becomes the stand-in's, answers go where they went before, the Message-ID stays. Only
waiting mail moves, never what a worker has in hand, and test mail is not stood in for.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from delivery.compose.exceptions import ComposeError
from delivery.compose.readdressing import readdress
from delivery.engine.claim import pending_receivers
from delivery.engine.values import Ending
from delivery.engine.written import TryRecord, write_records
from delivery.wake import wake
from records.clock import database_now
from records.enums import MailKind, Outcome, SkipReason
from records.models import Content, Mail
from senders.enums import CircuitState
from senders.models import Circuit, Fallback, Sender
from senders.services import find_default_sender
from senders.stand_ins import can_send, chain_of, find_stand_in, find_trouble

logger = logging.getLogger(__name__)

BATCH = 200
"""Mails per transaction."""
TIME_LIMIT = 5.0
"""How long one call moves the mail of one account at most, seconds; the next sweep goes on."""


@dataclass(frozen=True, slots=True)
class MovedBatch:
    """What came of one batch."""

    moved: int
    last: int | None
    """The highest id that was looked at; None where nothing is left."""


def hand_over(sender_id: int, now: datetime) -> int:
    """Move the waiting mail of an account that cannot send to who stands in for it; returns how many.

    Moves nothing where the account can send, or nobody of the chain can. What the account itself had taken over goes to
    the next in the chain of its original, or back.

    Args:
        sender_id: The account.
        now: The database's time.
    """
    sender = _load(sender_id)
    if sender is None:
        return 0
    moved = 0
    if sender.is_enabled and sender.paused_at is None and find_trouble(sender, now):
        moved += _hand_over_own(sender, now)
    if not can_send(sender, now):
        moved += _pass_on(sender, now)
    return moved


def tend(now: datetime | None = None) -> int:
    """Put in order what is stood in for: hand back what can go back, hand over what can't be sent; returns how many."""
    moment = now or database_now()
    moved = sum(_hand_back(original_id, holder_id, moment) for holder_id, original_id in _held_for_others())
    holders = {holder_id for holder_id, _original_id in _held_for_others() if holder_id}
    return moved + sum(hand_over(sender_id, moment) for sender_id in sorted(holders | _owners_of_chains()))


def stood_in_for() -> QuerySet[Circuit, int]:
    """Find the accounts with a chain that are not reachable: they are probed without any mail of theirs waiting."""
    own = Fallback.objects.filter(owner=OuterRef("pk"))
    default = Fallback.objects.filter(owner__isnull=True)
    has_chain = Exists(own) | (Q(sender__is_default=True) & Exists(default))
    return Circuit.objects.filter(has_chain, state=CircuitState.OPEN).values_list("pk", flat=True)


def mail_by_others() -> QuerySet[Mail]:
    """Find the waiting mail that an account holds for another."""
    return Mail.objects.waiting().filter(stands_in_for__isnull=False)


def _load(sender_id: int) -> Sender | None:
    return Sender.objects.select_related("circuit", "allowance").filter(pk=sender_id).first()


def _movable(sender_id: int | None) -> QuerySet[Mail]:
    mails = Mail.objects.waiting().filter(kind=MailKind.MAIL)
    return mails.filter(sender__isnull=True) if sender_id is None else mails.filter(sender_id=sender_id)


def _held_for_others() -> list[tuple[int | None, int]]:
    """List who holds waiting mail for whom; nobody where the stand-in was deleted."""
    held = mail_by_others()
    return list(held.order_by("sender_id", "stands_in_for_id").values_list("sender_id", "stands_in_for_id").distinct())


def _owners_of_chains() -> set[int]:
    owners = set(Fallback.objects.values_list("owner_id", flat=True).distinct())
    if None in owners:
        default = find_default_sender()
        owners = (owners - {None}) | ({default.pk} if default else set())
    return {owner for owner in owners if owner is not None}


def _hand_over_own(sender: Sender, now: datetime) -> int:
    moved = 0
    for is_named in (True, False):
        stand_in = _find_stand_in(sender, now, is_named=is_named)
        if stand_in:
            mine = _movable(sender.pk).filter(stands_in_for__isnull=True, named_sender=is_named)
            moved += _move(mine, sender, stand_in)
    return moved


def _pass_on(holder: Sender, now: datetime) -> int:
    """Move what an account holds for others and can't send to the next of their chains, or back."""
    moved = 0
    held = _movable(holder.pk).filter(stands_in_for__isnull=False)
    for original_id, is_named in held.order_by().values_list("stands_in_for_id", "named_sender").distinct():
        original = _load(original_id)
        if original is not None:
            stand_in = _find_stand_in(original, now, is_named=is_named)
            of_original = held.filter(stands_in_for_id=original_id, named_sender=is_named)
            moved += _move(of_original, original, stand_in or original)
    return moved


def _hand_back(original_id: int, holder_id: int | None, now: datetime) -> int:
    """Move mail back to an account that can send again, or whose stand-in was deleted."""
    original = _load(original_id)
    if original is None or not (holder_id is None or can_send(original, now)):
        return 0
    return _move(_movable(holder_id).filter(stands_in_for_id=original_id), original, original)


def _find_stand_in(original: Sender, now: datetime, *, is_named: bool) -> Sender | None:
    """Choose who stands in: for mail that named no account, the default's chain comes before the account's own."""
    chains = [chain_of(original)] if is_named else [chain_of(None), chain_of(original)]
    return find_stand_in(list(chain.from_iterable(chains)), original.pk, now)


def _move(mails: QuerySet[Mail], original: Sender, to: Sender) -> int:
    """Move mails that were accepted for one account to another, or back to it, as many as there is time for."""
    ends_at = time.monotonic() + TIME_LIMIT
    moved = last = 0
    while time.monotonic() < ends_at:
        batch = _move_batch(mails.filter(pk__gt=last), original, to)
        if batch.last is None:
            break
        moved, last = moved + batch.moved, batch.last
    if moved:
        logger.warning(
            "mail was handed to another account",
            extra={"sender_id": original.pk, "to_sender_id": to.pk, "mails": moved},
        )
        wake(to.pk)
    return moved


def _move_batch(mails: QuerySet[Mail], original: Sender, to: Sender) -> MovedBatch:
    """Move a batch in one transaction."""
    with transaction.atomic(durable=True):
        # A worker or another sweep has the skipped ones. SQLite ignores this: there nobody else writes.
        batch = list(mails.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:BATCH])
        movable = _readdress(batch, original, to)
        _write_hops(movable, SkipReason.HANDED_BACK if to.pk == original.pk else SkipReason.HANDED_OVER)
        changed = Mail.objects.filter(pk__in=[mail.pk for mail in movable])
        changed.update(
            sender=to,
            stands_in_for=None if to.pk == original.pk else original,
            sender_address=to.address,
            epoch=F("epoch") + 1,
        )
        if not to.address.rpartition("@")[0].isascii():
            changed.update(needs_smtputf8=True)
    return MovedBatch(len(movable), batch[-1].pk if batch else None)


def _readdress(batch: Sequence[Mail], original: Sender, to: Sender) -> list[Mail]:
    """Write the new sender into the mails' header fields; returns those that can be sent so."""
    contents = Content.objects.in_bulk([mail.pk for mail in batch])
    movable = []
    for mail in batch:
        content = contents.get(mail.pk)
        try:
            if content is not None:
                content.head = readdress(
                    bytes(content.head),
                    display_name=to.display_name,
                    address=to.address,
                    answers_to=original.address,
                )
        except ComposeError:
            logger.exception("a mail can't be given another sender", extra={"mail_id": mail.pk})
            contents.pop(mail.pk)
        else:
            movable.append(mail)
    Content.objects.bulk_update(contents.values(), ["head"])
    return movable


def _write_hops(mails: Sequence[Mail], reason: SkipReason) -> None:
    """Write the hop down, one record per receiver that is still to be served."""
    now = database_now()
    ending = Ending(Outcome.SKIPPED, skip_reason=reason)
    receivers = pending_receivers([mail.pk for mail in mails])
    write_records(
        TryRecord(receiver.receiver_id, mail.epoch + 1, ending, now, now)
        for mail in mails
        for receiver in receivers[mail.pk]
    )

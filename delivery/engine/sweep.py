"""T4 and T6: taking back what dead workers held, ending what can't be sent. Any number may run at once."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from delivery.engine.allowance import exhausted_until
from delivery.engine.claim import pending_receivers
from delivery.engine.fallback import stood_in_for, tend
from delivery.engine.limits import get_limits
from delivery.engine.moves import Move, move_mails
from delivery.engine.pauses import paused_sender_ids
from delivery.engine.skip import skip_pending
from delivery.engine.values import Ending
from delivery.engine.written import TryRecord, write_records
from records.clock import database_now
from records.enums import MailState, Outcome, Phase, Priority, SkipReason
from records.masking.ending import BATCH as ORIGINALS
from records.masking.ending import drop_left_over
from records.models import Heartbeat, Mail
from senders.enums import CircuitState
from senders.models import Circuit, Sender

logger = logging.getLogger(__name__)

BATCH = 100
"""Mails per transaction: short ones, so that workers never wait long."""
_LOST = Ending(Outcome.LOST)
_UNKNOWN = Ending(Outcome.UNKNOWN, Phase.DATA)
_CANNOT_BE_TRIED = Q(sender__is_enabled=False) | Q(sender__circuit__state__in=[CircuitState.OPEN, CircuitState.REFUSED])


def sweep() -> list[int]:
    """Put in order whatever is overdue; returns the ids of the senders to wake."""
    _in_batches(_take_back_batch)
    tend()  # before the orphans end: mail of a deleted stand-in has an account to go back to
    _in_batches(_end_orphans)
    _in_batches(_expire_batch)
    while drop_left_over() == ORIGINALS:
        pass
    beat("worker")
    return find_due_senders()


def beat(name: str) -> None:
    """Note that a part of the system is at work now."""
    Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": database_now()})


def _in_batches(step: Callable[[], int]) -> None:
    while step() == BATCH:
        pass


def _lock(mails: QuerySet[Mail]) -> list[Mail]:
    # Another sweep has the skipped ones. SQLite ignores this: there the transaction began IMMEDIATE.
    return list(mails.select_for_update(skip_locked=True, of=("self",))[:BATCH])


def _take_back_batch() -> int:
    """Settle claims whose lease is over: lost before the point of no return, unknown after it (T4)."""
    with transaction.atomic(durable=True):
        now = database_now()
        mails = _lock(abandoned_mail(now))
        moves = _endings_of_abandoned(mails)
        write_records(_records_of_abandoned(moves, now))
        move_mails(moves, now)
    for mail in mails:
        logger.warning("a claim was taken back", extra={"mail_id": mail.pk, "epoch": mail.epoch})
    return len(mails)


def abandoned_mail(now: datetime) -> QuerySet[Mail]:
    """Find the claims whose lease is over."""
    return Mail.objects.filter(state=MailState.SENDING, lease_until__lte=now).order_by("lease_until")


def _endings_of_abandoned(mails: Sequence[Mail]) -> list[Move]:
    receivers = pending_receivers([mail.pk for mail in mails])
    return [
        Move(mail, {receiver.receiver_id: ending for receiver in receivers[mail.pk]})
        for mail in mails
        for ending in [_UNKNOWN if mail.committed_epoch == mail.epoch else _LOST]
    ]


def _records_of_abandoned(moves: Sequence[Move], now: datetime) -> Iterator[TryRecord]:
    for move in moves:
        for receiver_id, ending in move.endings.items():
            yield TryRecord(receiver_id, move.mail.epoch, ending, _began(move.mail, now), now)


def _began(mail: Mail, now: datetime) -> datetime:
    """Tell when an abandoned try began at the earliest guess: its claim was first made, or last renewed, then."""
    lease = timedelta(seconds=get_limits().claim_lease)
    return min(now, max(mail.accepted_at, mail.lease_until - lease)) if mail.lease_until else now


def _end_orphans() -> int:
    """End waiting mail whose account was deleted."""
    return _skip_batch(lambda _now: orphaned_mail())


def orphaned_mail() -> QuerySet[Mail]:
    """Find the waiting mail that no account can send any more."""
    return Mail.objects.waiting().filter(sender__isnull=True).order_by("due_at")


def _expire_batch() -> int:
    """End mail whose time to give up passed (T6)."""
    return _skip_batch(expired_mail)


def expired_mail(now: datetime) -> QuerySet[Mail]:
    """Find the waiting mail whose time to give up passed."""
    # What was never tried and can be is left to a worker for its one try: every mail is tried at least once.
    had_its_chance = Q(state=MailState.RETRY) | Q(expires_untried=True) | _CANNOT_BE_TRIED
    # Its time stands still while its sender is paused, unless the caller set it.
    paused = Q(expires_untried=False, sender_id__in=paused_sender_ids())
    return Mail.objects.waiting().filter(had_its_chance, ~paused, expires_at__lte=now).order_by("expires_at")


def _skip_batch(choose: Callable[[datetime], QuerySet[Mail]]) -> int:
    with transaction.atomic(durable=True):
        now = database_now()
        mails = _lock(choose(now))
        for mail in mails:
            skip_pending(mail, _reason(mail), now)
    return len(mails)


def _reason(mail: Mail) -> SkipReason:
    """Tell why a mail was never sent, as closely as the account explains it."""
    sender = mail.sender
    if sender is None:
        return SkipReason.SENDER_DELETED
    if not sender.is_enabled:
        return SkipReason.SENDER_DISABLED
    circuit = Circuit.objects.filter(pk=sender.pk).first()
    unreadable = circuit is not None and circuit.fault == SkipReason.SECRET_UNREADABLE
    return SkipReason.SECRET_UNREADABLE if unreadable else SkipReason.EXPIRED


def find_due_senders(overdue: timedelta = timedelta()) -> list[int]:
    """Find whose mail should move now: due, enabled, not paused, within its limits, and flowing or to be probed.

    Args:
        overdue: For so long at least.
    """
    now = database_now()
    parked = Circuit.objects.filter(Q(state=CircuitState.REFUSED) | Q(state=CircuitState.OPEN, probe_at__gt=now))
    # Who is stood in for has no mail waiting, and must be looked at all the same: it is to get its mail back.
    wanted = Sender.objects.enabled().filter(_has_due_mail(now - overdue) | Q(pk__in=stood_in_for()))
    flowing = wanted.exclude(pk__in=parked.values("pk")).exclude(pk__in=paused_sender_ids())
    found = list(flowing.order_by("pk").values_list("pk", flat=True))
    waiting = exhausted_until(found, now)
    return [pk for pk in found if pk not in waiting]


def _has_due_mail(now: datetime) -> Q:
    """Ask for the first due mail of each priority: a step along the index, however much waits."""
    due = Mail.objects.waiting().filter(sender=OuterRef("pk"), due_at__lte=now)
    conditions = [Q(Exists(due.filter(priority=priority))) for priority in reversed(Priority)]
    return reduce(or_, conditions)

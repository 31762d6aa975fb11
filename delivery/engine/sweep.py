"""T4 and T6: taking back what dead workers held, ending what can't be sent. Any number may run at once."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet

from delivery.engine.allowance import exhausted_until
from delivery.engine.causes import cause_of
from delivery.engine.fallback import stood_in_for, tend
from delivery.engine.pauses import paused_sender_ids
from delivery.engine.settle import settle_mail
from delivery.engine.skip import skip_pending
from delivery.engine.values import Ending, Server
from records.clock import database_now
from records.enums import MailState, Outcome, Phase, SkipReason, Step
from records.models import Heartbeat, Mail, SendingRecord
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
        endings = _close_abandoned_records(mails, now)
        for mail in mails:
            settle_mail(mail, endings[mail.pk], now)
            logger.warning("a claim was taken back", extra={"mail_id": mail.pk, "epoch": mail.epoch})
    return len(mails)


def abandoned_mail(now: datetime) -> QuerySet[Mail]:
    """Find the claims whose lease is over."""
    return Mail.objects.filter(state=MailState.SENDING, lease_until__lte=now).order_by("lease_until")


def _close_abandoned_records(mails: Sequence[Mail], now: datetime) -> dict[int, dict[int, Ending]]:
    """Close the open records of the mails' present claims; returns the endings by mail and receiver."""
    endings: dict[int, dict[int, Ending]] = defaultdict(dict)
    abandoned = SendingRecord.objects.filter(
        mail_id__in=[mail.pk for mail in mails], epoch=F("mail__epoch"), outcome=Outcome.SENDING
    )
    closed: dict[Ending, list[int]] = {_LOST: [], _UNKNOWN: []}
    for pk, mail_id, receiver_id, step in abandoned.values_list("pk", "mail_id", "receiver_id", "step"):
        ending = _UNKNOWN if step == Step.COMMITTED else _LOST
        endings[mail_id][receiver_id] = ending
        closed[ending].append(pk)
    for ending, pks in closed.items():
        SendingRecord.objects.filter(pk__in=pks).update(
            outcome=ending.outcome, phase=ending.phase or "", cause=cause_of(ending, Server()), ended_at=now
        )
    return endings


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


def find_due_senders() -> list[int]:
    """Find whose mail should move now: due, enabled, not paused, within its limits, and flowing or to be probed."""
    now = database_now()
    due = Mail.objects.waiting().filter(due_at__lte=now).values("sender_id")
    parked = Circuit.objects.filter(Q(state=CircuitState.REFUSED) | Q(state=CircuitState.OPEN, probe_at__gt=now))
    # Who is stood in for has no mail waiting, and must be looked at all the same: it is to get its mail back.
    wanted = Sender.objects.enabled().filter(Q(pk__in=due) | Q(pk__in=stood_in_for()))
    flowing = wanted.exclude(pk__in=parked.values("pk")).exclude(pk__in=paused_sender_ids())
    found = list(flowing.order_by("pk").values_list("pk", flat=True))
    waiting = exhausted_until(found, now)
    return [pk for pk in found if pk not in waiting]

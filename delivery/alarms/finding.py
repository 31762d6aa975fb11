"""Everything that is wrong now, in a number of queries that depends neither on accounts nor on mail."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings

from delivery.alarms.accounts import find_account_troubles
from delivery.alarms.queues import (
    find_held,
    find_not_configured,
    find_old_queue,
    find_oldest_due,
    is_hindered,
)
from delivery.alarms.troubles import Trouble
from delivery.alarms.waiting import count_waiting
from delivery.engine.pauses import paused_sender_ids
from records.alarms.enums import AlarmKind
from senders.allowances import AllowanceState, state_of
from senders.models import Sender

MAX_COUNTED = 10_000
"""Waiting mails that an alarm counts per priority."""
_WITH_WAITING_MAIL = {AlarmKind.SIGN_IN_REFUSED, AlarmKind.PASSWORD_UNREADABLE, AlarmKind.UNREACHABLE,
                      AlarmKind.QUEUE_OLD}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look found."""

    troubles: list[Trouble]
    hindered: list[int]
    """Ids of the accounts whose mail is due, and is kept waiting for good reason."""


def look_at_everything(now: datetime, *, nobody_worked: bool = False) -> Findings:
    """Find everything that is wrong.

    Args:
        now: The database's time.
        nobody_worked: No worker was there for a while, which hinders all mail.
    """
    senders = {sender.pk: sender for sender in load_senders()}
    paused, oldest = set(paused_sender_ids()), find_oldest_due()
    found: list[Trouble] = []
    hindered: list[int] = []
    for sender in senders.values():
        allowance = state_of(sender, now)
        faults = list(_find_faults(sender, allowance, now))
        found += faults
        due_at = oldest.get(sender.pk)
        if nobody_worked or _is_kept(faults) or is_hindered(sender, allowance, paused):
            hindered += [sender.pk] if due_at and due_at <= now else []
        else:
            found += filter(None, [find_old_queue(sender, due_at, now)])
    found += [*find_held(senders), *filter(None, [find_not_configured(now)])]
    return Findings(_with_counts(found), hindered)


def load_senders() -> Iterable[Sender]:
    """Load the accounts with all that says how they stand, in no order."""
    return Sender.objects.select_related("circuit", "allowance", "hindrance").order_by()


def _find_faults(sender: Sender, allowance: AllowanceState, now: datetime) -> Iterator[Trouble]:
    """Tell what is wrong with an account and its quota; nothing is with one that nobody uses."""
    if sender.is_enabled:
        yield from find_account_troubles(sender, now)
        yield from filter(None, [_find_quota(sender, allowance, now)])


def _is_kept(faults: Collection[Trouble]) -> bool:
    return any(fault.kind is AlarmKind.PASSWORD_UNREADABLE for fault in faults)


def _find_quota(sender: Sender, allowance: AllowanceState, now: datetime) -> Trouble | None:
    """Tell that the account's mails of today are nearly or quite used up."""
    day = allowance.day
    used, limit = (day.used, day.limit) if day else (None, None)
    if allowance.is_out_for_the_day(now):
        return Trouble(AlarmKind.QUOTA_EXHAUSTED, sender, reply=allowance.hint, amount=used, bound=limit)
    if day and day.used * 100 >= day.limit * settings.MAILBOX_ALARM_QUOTA_PERCENT:
        return Trouble(AlarmKind.QUOTA_NEAR, sender, amount=used, bound=limit)
    return None


def _with_counts(troubles: list[Trouble]) -> list[Trouble]:
    """Say of each trouble that keeps mail waiting how much it keeps."""
    ids = {trouble.scope for trouble in troubles if trouble.kind in _WITH_WAITING_MAIL}
    totals = dict.fromkeys(ids, 0)
    for waiting in count_waiting(ids, at_most=MAX_COUNTED):
        totals[waiting.sender_id] += waiting.count
    return [
        replace(trouble, amount=totals[trouble.scope]) if trouble.kind in _WITH_WAITING_MAIL else trouble
        for trouble in troubles
    ]

"""Everything that is wrong now, in a number of queries that depends neither on accounts nor on mail."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from django.conf import settings

from delivery.alarms.accounts import find_account_troubles
from delivery.alarms.queues import find_held, find_not_configured, find_old_queue, with_oldest_due
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


def find_troubles(now: datetime) -> list[Trouble]:
    """Find everything that is wrong.

    Args:
        now: The database's time.
    """
    senders = {sender.pk: sender for sender in load_senders()}
    paused = set(paused_sender_ids())
    found: list[Trouble] = []
    for sender in senders.values():
        found += _of_sender(sender, paused, now)
    not_configured = find_not_configured(now)
    found += [*find_held(senders), *([not_configured] if not_configured else [])]
    return _with_counts(found)


def load_senders() -> Iterable[Sender]:
    """Load the accounts with all that says how they stand."""
    return with_oldest_due(Sender.objects.select_related("circuit", "allowance"))


def _of_sender(sender: Sender, paused: set[int], now: datetime) -> Iterator[Trouble]:
    allowance = state_of(sender, now)
    if sender.is_enabled:
        troubles = list(find_account_troubles(sender, now))
        yield from troubles
        quota = _find_quota(sender, allowance, now)
        if quota:
            yield quota
    else:
        troubles = []
    queue = find_old_queue(sender, allowance, paused, now)
    if queue and not any(trouble.kind is AlarmKind.PASSWORD_UNREADABLE for trouble in troubles):
        yield queue


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

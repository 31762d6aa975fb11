"""Keeping a sender within its limits: mails are counted when they are claimed, and what exceeds a limit waits.

It waits untouched: it is not claimed, spends no attempt and does not fail. Receivers are counted, as providers do: a
mail to three of them uses three. See `senders.allowances` for the windows, `delivery.engine.lessons` for what is
learned.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from delivery.engine.lessons import learn as learn  # noqa: PLC0414  (re-exported)
from delivery.engine.values import Claim
from senders.allowances import AllowanceState as AllowanceState  # noqa: PLC0414  (re-exported)
from senders.allowances import Window, WindowUse, used_in
from senders.allowances import state_of as state_of  # noqa: PLC0414  (re-exported)
from senders.limits import find_allowance, limits_of
from senders.models import Allowance, Sender


def take(sender: Sender, wanted: int, now: datetime) -> int:
    """Tell how many mails of the sender may be claimed now, and count them, as if each had one receiver.

    Runs in the claim's transaction, and costs nothing where nothing limits the sender. `fit` puts the count right.

    Args:
        sender: Best loaded with its `allowance`, which else costs a query.
        wanted: How many at most.
        now: The database's time.
    """
    if _flows_freely(sender, now):
        return wanted
    allowance = _lock(sender)
    if _is_slow(allowance, now):
        return 0
    _open_windows(allowance, now)
    granted = min([wanted, *(use.left for use in state_of(sender, now).uses)])
    _count(allowance, granted)
    return granted


def fit(sender: Sender, granted: int, receivers: Sequence[int], now: datetime) -> int:
    """Tell how many of the mails that were picked after `take` may be claimed, and count their receivers.

    Args:
        sender: As `take` had it, in the same transaction.
        granted: What `take` said.
        receivers: How many receivers are still to be tried, by mail, in the order of their turn.
        now: The database's time, as `take` had it.
    """
    if _flows_freely(sender, now) or len(receivers) == granted == sum(receivers):
        return len(receivers)
    allowance = _lock(sender)
    _count(allowance, -granted)
    fitting = _how_many_fit(receivers, state_of(sender, now).uses)
    _count(allowance, sum(receivers[:fitting]))
    return fitting


def give_back(sender: Sender, claims: Iterable[Claim]) -> None:
    """Take the receivers of claims that were given back untried off the count."""
    receivers = sum(len(claim.receivers) for claim in claims)
    if not receivers or find_allowance(sender) is None:
        return
    with transaction.atomic():
        allowance = Allowance.objects.select_for_update().filter(pk=sender.pk).first()
        if allowance is not None:
            _count(allowance, -receivers)


def note_test(sender: Sender, now: datetime) -> None:
    """Count a test mail: its provider does, and a person who tests is not made to wait for a limit."""
    if sender.pk and limits_of(sender, now).limits_mails:
        with transaction.atomic():
            allowance = _lock(sender)
            _open_windows(allowance, now)
            _count(allowance, 1)


def waits_until(sender: Sender, now: datetime) -> datetime | None:
    """Tell until when the sender's mail waits for its limits; None where it may be claimed now.

    Args:
        sender: Best loaded with its `allowance`, which else costs a query.
        now: The database's time.
    """
    return None if _flows_freely(sender, now) else state_of(sender, now).exhausted_until


def exhausted_until(sender_ids: Iterable[int], now: datetime) -> dict[int, datetime]:
    """Tell which of the senders wait for their limits, and until when, in one query."""
    senders = Sender.objects.filter(pk__in=list(sender_ids)).select_related("allowance")
    waits = {sender.pk: waits_until(sender, now) for sender in senders}
    return {pk: until for pk, until in waits.items() if until is not None}


def _flows_freely(sender: Sender, now: datetime) -> bool:
    if limits_of(sender, now).limits_mails:
        return False
    allowance = find_allowance(sender)
    return allowance is None or not _is_slow(allowance, now)


def _is_slow(allowance: Allowance, now: datetime) -> bool:
    return allowance.slow_until is not None and allowance.slow_until > now


def _lock(sender: Sender) -> Allowance:
    """Lock the sender's row of use until the transaction ends; other claims of this sender wait as long."""
    allowance, _is_new = Allowance.objects.select_for_update().get_or_create(pk=sender.pk)
    sender.allowance = allowance
    return allowance


def _open_windows(allowance: Allowance, now: datetime) -> None:
    """Begin the windows anew that are over."""
    allowance.minute_used = used_in(Window.MINUTE, allowance, now)
    allowance.hour_used = used_in(Window.HOUR, allowance, now)
    allowance.day_used = used_in(Window.DAY, allowance, now)
    allowance.minute_began = Window.MINUTE.begin(now)
    allowance.hour_began = Window.HOUR.begin(now)
    allowance.day_began = Window.DAY.begin(now)


def _how_many_fit(receivers: Sequence[int], uses: Sequence[WindowUse]) -> int:
    left = min((use.left for use in uses), default=sum(receivers))
    for index, count in enumerate(receivers):
        if count > left:
            return 1 if index == 0 and _never_fits_better(count, uses) else index
        left -= count
    return len(receivers)


def _never_fits_better(count: int, uses: Sequence[WindowUse]) -> bool:
    """Tell whether waiting is no use for a mail to more receivers than a limit allows: it goes out alone, or never."""
    return all(count <= use.left or (count > use.limit and not use.used) for use in uses)


def _count(allowance: Allowance, receivers: int) -> None:
    allowance.minute_used = max(allowance.minute_used + receivers, 0)
    allowance.hour_used = max(allowance.hour_used + receivers, 0)
    allowance.day_used = max(allowance.day_used + receivers, 0)
    allowance.save(update_fields=["minute_began", "minute_used", "hour_began", "hour_used", "day_began", "day_used"])

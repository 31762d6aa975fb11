"""The deeds at mails that a transaction has locked, many at once. Each returns the mails that it changed.

Receivers that were served stay served: whatever a person does, nobody gets a mail again who has it for certain.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import partial

from django.db import transaction

from delivery.engine.limits import get_limits
from delivery.engine.rollup import roll_up
from delivery.engine.skip import skip_waiting
from delivery.wake import wake
from records.content import lock_whole
from records.enums import MailState, ReceiverState, SkipReason
from records.interventions import Deed, Intervention
from records.masking.ending import drop_originals
from records.models import Mail, Receiver
from senders.enums import CircuitState
from senders.models import Circuit

NOT_SERVED = (ReceiverState.REFUSED, ReceiverState.EXPIRED, ReceiverState.CANCELLED)


def carry_out(deed: Deed, mails: Sequence[Mail], by: str, now: datetime) -> int:
    """Do it to locked mails of the right group, and note who did; returns to how many it was done."""
    changed = _DEEDS[deed](mails, now)
    note(deed, changed, by, now)
    return len(changed)


def note(deed: Deed, mails: Iterable[Mail], by: str, now: datetime) -> None:
    """Keep who did what, and when."""
    Intervention.objects.bulk_create(
        [Intervention(mail_id=mail.pk, deed=deed, done_by=by[:150], done_at=now) for mail in mails]
    )


def _cancel(mails: Sequence[Mail], now: datetime) -> Sequence[Mail]:
    skip_waiting(mails, SkipReason.CANCELLED, now)
    return mails


def _send_now(mails: Sequence[Mail], now: datetime) -> Sequence[Mail]:
    early = [mail for mail in mails if mail.due_at > now]
    Mail.objects.filter(pk__in=_ids(early)).update(due_at=now)
    # What waits for a server that can't be reached is helped by looking for the server at once.
    senders = {mail.sender_id for mail in mails if mail.sender_id is not None}
    Circuit.objects.filter(sender_id__in=senders, state=CircuitState.OPEN, probe_at__gt=now).update(probe_at=now)
    _wake_for(mails)
    return early


def _retry(mails: Sequence[Mail], now: datetime) -> Sequence[Mail]:
    able = _sendable(mails)
    _requeue(able, NOT_SERVED, now)
    return able


def _send_again(mails: Sequence[Mail], now: datetime) -> Sequence[Mail]:
    able = _sendable(mails)
    _requeue(able, [ReceiverState.UNCERTAIN], now)
    return able


def _say_arrived(mails: Sequence[Mail], now: datetime) -> Sequence[Mail]:
    return _decide(mails, ReceiverState.ARRIVED, now)


def _give_up(mails: Sequence[Mail], now: datetime) -> Sequence[Mail]:
    return _decide(mails, ReceiverState.REFUSED, now)


_DEEDS: dict[Deed, Callable[[Sequence[Mail], datetime], Sequence[Mail]]] = {
    Deed.CANCEL: _cancel,
    Deed.SEND_NOW: _send_now,
    Deed.RETRY: _retry,
    Deed.ARRIVED: _say_arrived,
    Deed.SEND_AGAIN: _send_again,
    Deed.GIVE_UP: _give_up,
}


def _sendable(mails: Sequence[Mail]) -> list[Mail]:
    """Keep the mails that have an account, and a content to be sent with that nothing was removed from."""
    whole = lock_whole(_ids(mails))
    return [mail for mail in mails if mail.sender_id is not None and mail.pk in whole]


def _requeue(mails: Sequence[Mail], again: Collection[ReceiverState], now: datetime) -> None:
    """Let mails be tried again, with the same Message-ID and bytes, at the receivers in one of the states."""
    Receiver.objects.filter(mail_id__in=_ids(mails), state__in=again).update(state=ReceiverState.PENDING)
    Mail.objects.filter(pk__in=_ids(mails)).update(
        # Not QUEUED: it was tried, or its time was over, and must not count as one that nobody ever looked at.
        state=MailState.RETRY,
        attempts=0,
        due_at=now,
        expires_at=now + get_limits().give_up_after,
        finished_at=None,
        cancel_requested=False,
    )
    _wake_for(mails)


def _decide(mails: Sequence[Mail], state: ReceiverState, now: datetime) -> Sequence[Mail]:
    """End mails that may have arrived: their uncertain receivers take the state."""
    Receiver.objects.filter(mail_id__in=_ids(mails), state=ReceiverState.UNCERTAIN).update(state=state)
    ends: dict[MailState, list[int]] = defaultdict(list)
    for mail_id, states in _states_by_mail(mails).items():
        ends[roll_up(states) or MailState.FAILED].append(mail_id)
    for end, ids in ends.items():
        Mail.objects.filter(pk__in=ids).update(state=end, finished_at=now)
    drop_originals(mails)
    return mails


def _states_by_mail(mails: Sequence[Mail]) -> dict[int, list[str]]:
    states: dict[int, list[str]] = defaultdict(list)
    for mail_id, state in Receiver.objects.filter(mail_id__in=_ids(mails)).order_by().values_list("mail_id", "state"):
        states[mail_id].append(state)
    return states


def _ids(mails: Iterable[Mail]) -> list[int]:
    return [mail.pk for mail in mails]


def _wake_for(mails: Iterable[Mail]) -> None:
    wake_after_commit(mail.sender_id for mail in mails if mail.sender_id is not None)


def wake_after_commit(sender_ids: Iterable[int]) -> None:
    """Wake a worker for each account once the transaction is committed."""
    for sender_id in sorted(set(sender_ids)):
        transaction.on_commit(partial(wake, sender_id), robust=True)

"""Which mail goes first: high before normal before bulk, and of those behind always some, so that none starves."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db.models import Exists, QuerySet

from records.enums import Priority
from records.models import Mail
from senders.models import Sender

SHARE_OF_THE_REST = 0.25
"""What part of each batch goes to lower priorities, as long as they have mail."""
_ORDER = (Priority.HIGH, Priority.NORMAL, Priority.BULK)
_random = random.SystemRandom()


class DueMail(NamedTuple):
    """What a claim needs of a mail; a name per column."""

    id: int
    state: str
    epoch: int
    kind: str
    attempts: int
    sender_address: str
    message_id: str
    needs_smtputf8: bool
    size: int


def pick_by_priority(due: QuerySet[Mail], size: int) -> Iterator[DueMail]:
    """Lock up to `size` of the due mails and give them in the order in which they shall go out.

    What a priority leaves of its share goes to the next lower one.
    """
    spare = 0
    for priority, quota in share_out(_present(due), size):
        mails = _lock_oldest(due, priority, quota + spare)
        spare += quota - len(mails)
        yield from mails


def share_out(present: Sequence[Priority], size: int) -> list[tuple[Priority, int]]:
    """Tell how many mails each priority gets of a batch, highest first.

    Fractions are drawn by lot: in batches of one, every fourth is of a lower priority.
    """
    if len(present) <= 1:
        return [(priority, size) for priority in present]
    rest = int(size * SHARE_OF_THE_REST + _random.random())
    return [(present[0], size - rest), *share_out(present[1:], rest)]


def _present(due: QuerySet[Mail]) -> list[Priority]:
    """Ask which priorities have due mail, in one query."""
    wanted = [Exists(due.filter(priority=priority)) for priority in _ORDER]
    found = next(iter(Sender.objects.order_by().values_list(*wanted)[:1]), ())
    return [priority for priority, is_there in zip(_ORDER, found, strict=False) if is_there]


def _lock_oldest(due: QuerySet[Mail], priority: Priority, size: int) -> list[DueMail]:
    if size < 1:
        return []
    # SQLite knows no row locks and ignores this: there the transaction began IMMEDIATE, so nobody else writes.
    locked = due.filter(priority=priority).select_for_update(skip_locked=True)
    rows = locked.values_list(*DueMail._fields).order_by("due_at", "pk")[:size]
    return [DueMail(*row) for row in rows]

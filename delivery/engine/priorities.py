"""Which mail goes first: high before normal before bulk, and of those behind always some, so that none starves."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, QuerySet

from delivery.engine.compiled import NOW, SENDER_ID, Compiled, CompiledOnce
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
    has_secrets: bool


class ByPriority:
    """Asks what of some mails is due, by priority."""

    def __init__(self, find: Callable[[int, datetime], QuerySet[Mail]]) -> None:
        """Prepare.

        Args:
            find: Finds a sender's mails as of a time.
        """
        self._find = find
        self._present = CompiledOnce(self._write_present)
        self._oldest = {priority: CompiledOnce(partial(self._write_oldest, priority)) for priority in _ORDER}

    def present(self, sender_id: int, now: datetime) -> list[Priority]:
        """Ask which priorities have such mail, in one query."""
        found = next(iter(self._present().fetch(sender_id, now)), ())
        return [priority for priority, is_there in zip(_ORDER, found, strict=False) if is_there]

    def lock_oldest(self, sender_id: int, now: datetime, priority: Priority, size: int) -> list[DueMail]:
        """Lock up to `size` mails of a priority."""
        return [DueMail(*row) for row in self._oldest[priority]().fetch(sender_id, now, size)] if size > 0 else []

    def _write_present(self) -> Compiled:
        wanted = [Exists(self._find(SENDER_ID, NOW).filter(priority=priority)) for priority in _ORDER]
        return Compiled.of(Sender.objects.order_by().values_list(*wanted), "LIMIT 1")

    def _write_oldest(self, priority: Priority) -> Compiled:
        rows = self._find(SENDER_ID, NOW).filter(priority=priority).order_by("due_at", "pk")
        # SQLite knows no row locks: there the transaction began IMMEDIATE, so nobody else writes.
        lock = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
        return Compiled.of(rows.values_list(*DueMail._fields), f"LIMIT %s {lock}")


def pick_by_priority(due: ByPriority, sender_id: int, size: int, now: datetime) -> Iterator[DueMail]:
    """Lock up to `size` of a sender's due mails and give them in the order in which they shall go out.

    What a priority leaves of its share goes to the next lower one.
    """
    spare = 0
    for priority, quota in share_out(due.present(sender_id, now), size):
        mails = due.lock_oldest(sender_id, now, priority, quota + spare)
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

"""How much waits, counted to a limit: a queue of a million must not slow down whoever asks how long it is."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count

from records.enums import MailState, Priority
from records.models import Mail

MAX_COUNTED = 100_000
"""Per account and priority; more are told as this many."""
SENDERS_PER_QUERY = 100
_Counts = Counter[tuple[int | None, int]]
"""Mails by account and priority."""
_MAILS = Mail._meta.db_table  # noqa: SLF001  # a public interface, its name notwithstanding


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many mails of one account and priority wait."""

    sender_id: int
    priority: Priority
    count: int


def count_waiting(senders: Iterable[int], *, at_most: int = MAX_COUNTED) -> list[Waiting]:
    """Count what waits per account and priority; nothing for those without waiting mail.

    Args:
        senders: Ids of the accounts to count for.
        at_most: Where to stop counting.
    """
    in_hand = _count_in_hand()
    rows = [row for ids in _chunks(sorted(senders)) for row in _count_unfinished(ids, in_hand, at_most)]
    found = [(pk, Priority(priority), count - in_hand[pk, priority]) for pk, priority, count in rows]
    return [Waiting(pk, priority, count) for pk, priority, count in found if count > 0]


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + SENDERS_PER_QUERY] for start in range(0, len(ids), SENDERS_PER_QUERY))


def _count_in_hand() -> _Counts:
    """Count the mails that workers have claimed: never more than they have connections for."""
    sending = Mail.objects.filter(state=MailState.SENDING).order_by().values_list("sender_id", "priority")
    return Counter({(pk, priority): count for pk, priority, count in sending.annotate(count=Count("pk"))})


def _count_unfinished(ids: list[int], in_hand: _Counts, at_most: int) -> list[tuple[int, int, int]]:
    """Count along the index of unfinished mail, each account and priority by itself.

    GROUP BY would read all of the queue, and a limit below it would hide the others behind the longest. Each id is
    written out: PostgreSQL then knows of each how many there are, and does not read the whole table for a short line.
    """
    parts = [
        f"""SELECT {pk:d}, {priority:d}, (SELECT COUNT(*) FROM (
            SELECT 1 FROM {_MAILS} WHERE sender_id = {pk:d} AND priority = {priority:d} AND finished_at IS NULL
            LIMIT {at_most + in_hand[pk, priority]:d}
        ) AS counted)"""  # noqa: S608  # numbers, and the name of a model of our own
        for pk in ids
        for priority in Priority.values
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return list(cursor.fetchall())

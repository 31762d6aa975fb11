"""How much waits, counted to a limit: a queue of a million must not slow down whoever asks how long it is."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from records.enums import Priority
from records.models import WAITING_STATES, Mail
from senders.models import Sender

MAX_COUNTED = 100_000
"""Per account and priority; more are told as this many."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many mails of one account and priority wait."""

    sender_id: int
    priority: Priority
    count: int


def count_waiting(senders: Collection[int] | None = None, *, at_most: int = MAX_COUNTED) -> list[Waiting]:
    """Count what waits per account and priority, in one query; nothing for those without waiting mail.

    Args:
        senders: Ids of the accounts to count for; None: all.
        at_most: Where to stop counting.
    """
    if senders is not None and not senders:
        return []
    statement, values = _statement(senders, at_most)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    return [Waiting(sender_id, Priority(priority), count) for sender_id, priority, count in rows if count]


def _statement(senders: Collection[int] | None, at_most: int) -> tuple[str, list[int | str]]:
    """Write a walk along the index of waiting mail for each account and priority.

    GROUP BY would read all of the queue, and a limit below it would hide the others behind the longest.
    """
    mail, sender = Mail._meta.db_table, Sender._meta.db_table  # noqa: SLF001  # a public interface
    priorities = " UNION ALL ".join(f"SELECT {priority.value} AS priority" for priority in Priority)
    states = ", ".join(["%s"] * len(WAITING_STATES))
    chosen = "" if senders is None else f"WHERE s.id IN ({', '.join(['%s'] * len(senders))})"
    statement = f"""
        SELECT s.id, p.priority, (
            SELECT COUNT(*) FROM (
                SELECT 1 FROM {mail} m
                WHERE m.sender_id = s.id AND m.priority = p.priority
                  AND m.finished_at IS NULL AND m.state IN ({states})
                LIMIT %s
            ) AS counted
        )
        FROM {sender} s CROSS JOIN ({priorities}) AS p {chosen}
    """  # noqa: S608  # names of our own models, numbers of our own enum
    return statement, [*(state.value for state in WAITING_STATES), at_most, *(senders or ())]

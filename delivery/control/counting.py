"""Counting what waits: by index and up to a limit only, so that a queue of a million costs what one of ten does."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from records.enums import MailState, Priority
from records.models import Mail
from senders.models import Sender

MAX_COUNTED = 10_000
"""More are shown as "more than 10,000"."""
LOOKED_AT = 200
"""To find the mail that waits longest, so many of each priority are looked at, in the order of their turn."""
_MAILS, _SENDERS = Mail._meta.db_table, Sender._meta.db_table  # noqa: SLF001  # public, its name notwithstanding


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of one account's unfinished mail."""

    unfinished: int
    """Waiting or being sent; one more than MAX_COUNTED where there are more."""
    first_id: int | None
    """The waiting mail that is due first."""
    oldest_at: datetime | None
    """When the one that waits longest was accepted, as far as was looked."""


def read_lines() -> dict[int, Line]:
    """Read the lines of all accounts that have unfinished mail, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, {"sending": MailState.SENDING.value})
        rows = cursor.fetchall()
    return {sender_id: Line(unfinished, first, _moment(oldest)) for sender_id, unfinished, first, oldest in rows}


def count_sending() -> dict[int | None, int]:
    """Count the mails that workers have in hand, by account."""
    sending = Mail.objects.filter(state=MailState.SENDING).order_by().values_list("sender_id")
    return dict(sending.annotate(count=Count("pk")))


def _waiting(columns: str, limit: int) -> str:
    """Write the head of an account's line: each priority is walked along the index, and then ends."""
    each = [
        f"""
        SELECT * FROM (
            SELECT {columns} FROM {_MAILS} m
            WHERE m.sender_id = s.id AND m.finished_at IS NULL AND m.priority = {priority:d} AND m.state <> %(sending)s
            ORDER BY m.due_at, m.id LIMIT {limit:d}
        ) AS of_priority_{priority:d}
        """  # noqa: S608  # names and numbers of our own, nothing from outside
        for priority in Priority.values
    ]
    return " UNION ALL ".join(each)


_STATEMENT = f"""
    SELECT s.id,
        (SELECT COUNT(*) FROM (
            SELECT 1 FROM {_MAILS} m WHERE m.sender_id = s.id AND m.finished_at IS NULL LIMIT {MAX_COUNTED + 1}
        ) AS counted),
        (SELECT id FROM ({_waiting("m.id AS id, m.due_at AS due_at", 1)}) AS firsts ORDER BY due_at, id LIMIT 1),
        (SELECT MIN(accepted_at) FROM ({_waiting("m.accepted_at AS accepted_at", LOOKED_AT)}) AS longest)
    FROM {_SENDERS} s
    WHERE EXISTS (SELECT 1 FROM {_MAILS} m WHERE m.sender_id = s.id AND m.finished_at IS NULL)
"""  # noqa: S608  # names and numbers of our own, nothing from outside


def _moment(value: datetime | str | None) -> datetime | None:
    """Read a time as the database gave it: SQLite has none, and writes UTC without saying so."""
    if isinstance(value, str):
        value = parse_datetime(value)
    if value is None or timezone.is_aware(value):
        return value
    return timezone.make_aware(value, timezone.get_fixed_timezone(0))

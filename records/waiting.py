"""Mail that has no record yet, or waits for its next try: told on the page where somebody looks for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from records.clock import NOW, as_moment
from records.models import UNFINISHED_STATES
from records.statements import Question, Rows, fetch_together

MAX_COUNTED = 1000
"""More are shown as "more than 1,000"."""
SILENCE = timedelta(seconds=60)
"""Workers are seen with every sweep, four times a minute; after this long none is at work."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, and whether anybody will take it."""

    count: int
    oldest_at: datetime
    """When the one that waits longest was accepted."""
    worker_seen_at: datetime | None
    """None: no worker was ever at work."""
    is_stuck: bool
    """No worker is at work, and mail waits longer than one would need to be seen."""

    @property
    def is_capped(self) -> bool:
        """Tell whether more wait than were counted."""
        return self.count > MAX_COUNTED


def find_waiting() -> Waiting | None:
    """Find what waits to be sent."""
    (rows,) = fetch_together(asking_for_waiting())
    return read_waiting(rows)[0]


def asking_for_waiting() -> Question:
    """Ask what waits to be sent, in one statement however much was sent before, and for the database's time."""
    return Question(_WAITING.format(now=NOW[connection.vendor], limit=MAX_COUNTED + 1), None)


def read_waiting(rows: Rows) -> tuple[Waiting | None, datetime]:
    """Read what waits to be sent, and the time in UTC.

    What a worker has in hand counts too: it has no record until its try ends, or takes long.
    """
    ((number, oldest, seen, read_at),) = rows
    now = as_moment(read_at)
    if not number:
        return None, now
    oldest_at, seen_at, late = as_moment(oldest), seen and as_moment(seen), now - SILENCE
    return Waiting(number, oldest_at, seen_at, oldest_at < late and (seen_at is None or seen_at < late)), now


_WAITING = f"""
    SELECT COUNT(*), MIN(accepted_at), (SELECT seen_at FROM records_heartbeat WHERE name = 'worker'), {{now}}
    FROM (
        SELECT accepted_at FROM records_mail
        WHERE finished_at IS NULL AND state IN ({", ".join(f"'{state}'" for state in UNFINISHED_STATES)})
        LIMIT {{limit}}
    ) AS unsent
"""  # noqa: S608  # names and values of our own, nothing from outside

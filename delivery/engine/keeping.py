"""Removing what was kept long enough, a little after each sweep, and less while there is mail to be sent."""

from datetime import timedelta

from delivery.engine.sweep import find_due_senders
from records.keeping.rounds import go_on

SECONDS = 1.0
"""How long a sweep goes on with it."""
SECONDS_WHEN_BUSY = 0.1
"""The same while mail waits for a worker: a step or two, so that the disk does not fill all the same."""
BUSY = timedelta(seconds=30)
"""Mail that could have been sent for longer shows that workers have more than enough to do."""


def keep() -> None:
    """Go on with the round for a while."""
    go_on(SECONDS_WHEN_BUSY if find_due_senders(overdue=BUSY) else SECONDS)

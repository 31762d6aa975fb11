"""Waking a worker. Never needed for correctness: the sweep finds whatever nobody was woken for."""

import logging
import threading
import time
from typing import Any

from celery import current_app
from kombu import Connection

logger = logging.getLogger(__name__)

DRAIN_TASK = "delivery.tasks.drain"
DEED_TASK = "delivery.tasks.continue_deed"
RESENDING_TASK = "delivery.tasks.continue_resending"
EXPORT_TASK = "delivery.tasks.continue_export"
REST_AFTER_FAILURE = 5.0
"""How long a broker that failed is left alone, seconds: callers must not wait for it one after another."""
LOG_INTERVAL = 60.0
"""How often a broker that stays away is logged, seconds."""
MARK_SECONDS = 15
"""How long a wake-up that got lost keeps others from being sent, seconds."""
MOST_HOPS = 20
"""How many workers are asked in turn to take a sender."""
HOP_TIME = 0.05
"""How long the next one is not asked yet, seconds."""


class BrokerHealth:
    """Remembers, per process, that the broker failed a moment ago."""

    def __init__(self) -> None:
        """Start with a broker that is believed to work."""
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Believe that it works."""
        self._rest_until = self._log_again_at = float("-inf")

    def is_resting(self) -> bool:
        """Tell whether the broker should be left alone now."""
        return time.monotonic() < self._rest_until

    def note_failure(self) -> bool:
        """Let the broker rest; returns whether this failure is worth a line in the log."""
        now = time.monotonic()
        with self._lock:
            self._rest_until = now + REST_AFTER_FAILURE
            is_news = now >= self._log_again_at
            if is_news:
                self._log_again_at = now + LOG_INTERVAL
        return is_news


broker_health = BrokerHealth()


def wake(sender_id: int, *, is_urgent: bool = False) -> bool:
    """Tell a worker that mail of a sender is due; returns false if the broker can't be told.

    Never raises and never waits longer than the broker's time limits: it is called after the commit, when a
    failure would look like a refused mail.

    Args:
        sender_id: Whose mail is due.
        is_urgent: Some of it is of high priority, and goes before what a worker has in hand.
    """
    mark = _mark_name(sender_id, is_urgent=is_urgent)
    return _publish([sender_id, True] if is_urgent else [sender_id], mark)


def pass_on(sender_id: int, hops: int) -> None:
    """Tell another worker of a sender whose mail this one can't take now; after a few it is left to the sweep.

    Args:
        sender_id: Whose mail is due.
        hops: How many workers could not take it before this one.
    """
    if hops < MOST_HOPS:
        # The next may be this one again, and it takes a moment until a connection comes free.
        time.sleep(HOP_TIME)
        _publish([sender_id, False, hops + 1])


def wake_for_deed(work_id: int) -> bool:
    """Have a deed at many mails continued; without it the sweep does. Returns false if the broker can't be told."""
    return _publish([work_id], task=DEED_TASK)


def wake_for_resending(resending_id: int) -> bool:
    """Have an order to send mails again continued; without it the sweep does. False if the broker can't be told."""
    return _publish([resending_id], task=RESENDING_TASK)


def wake_for_export(order_id: int) -> bool:
    """Have an export continued; without it the sweep does. Returns false if the broker can't be told."""
    return _publish([order_id], task=EXPORT_TASK)


def _publish(arguments: list[int], mark: str = "", *, task: str = DRAIN_TASK) -> bool:
    """Order a task, unless the mark says that it is ordered already: one is enough for any number of mails."""
    if broker_health.is_resting():
        return False
    try:
        with current_app.connection_or_acquire() as connection:
            if not mark or _mark(connection, mark):
                current_app.send_task(task, args=arguments, retry=False, ignore_result=True, connection=connection)
    except Exception:  # whatever a broker's client raises: the mail is safe, and the sweep will send it
        if broker_health.note_failure():
            logger.warning("the broker is not reachable, mail waits for the sweep", exc_info=True)
        return False
    return True


def forget_wake(sender_id: int) -> None:
    """Let the sender be woken again: a worker looks at its mail from now on."""
    try:
        with current_app.connection_or_acquire() as connection:
            if _is_redis(connection):
                marks = [_mark_name(sender_id, is_urgent=is_urgent) for is_urgent in (False, True)]
                _client(connection).delete(*marks)
    except Exception:  # noqa: BLE001  # the mark ends by itself, and the next wake-up tells of the broker
        broker_health.note_failure()


def _mark(connection: Connection, mark: str) -> bool:
    """Mark the sender as woken; false if it is already."""
    if not _is_redis(connection):
        return True
    return bool(_client(connection).set(mark, 1, nx=True, ex=MARK_SECONDS))


def _client(connection: Connection) -> Any:
    channel: Any = connection.default_channel
    return channel.client


def _mark_name(sender_id: int, *, is_urgent: bool) -> str:
    return f"mailbox:woken:{sender_id}{':urgent' if is_urgent else ''}"


def _is_redis(connection: Connection) -> bool:
    return str(connection.transport.driver_type) == "redis"

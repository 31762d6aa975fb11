"""Waking a worker. Never needed for correctness: the sweep finds whatever nobody was woken for."""

import logging
import threading
import time
from typing import Any

from celery import current_app
from kombu import Connection

logger = logging.getLogger(__name__)

DRAIN_TASK = "delivery.tasks.drain"
REST_AFTER_FAILURE = 5.0
"""How long a broker that failed is left alone, seconds: callers must not wait for it one after another."""
LOG_INTERVAL = 60.0
"""How often a broker that stays away is logged, seconds."""
MARK_SECONDS = 15
"""How long a wake-up that got lost keeps others from being sent, seconds."""


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


def wake(sender_id: int) -> bool:
    """Tell a worker that mail of a sender is due; returns false if the broker can't be told.

    Never raises and never waits longer than the broker's time limits: it is called after the commit, when a
    failure would look like a refused mail.
    """
    if broker_health.is_resting():
        return False
    try:
        with current_app.connection_or_acquire() as connection:
            if _mark(connection, sender_id):
                current_app.send_task(
                    DRAIN_TASK, args=[sender_id], retry=False, ignore_result=True, connection=connection
                )
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
                _client(connection).delete(_mark_name(sender_id))
    except Exception:  # noqa: BLE001  # the mark ends by itself, and the next wake-up tells of the broker
        broker_health.note_failure()


def _mark(connection: Connection, sender_id: int) -> bool:
    """Mark the sender as woken; false if it is already: one wake-up is enough for any number of mails."""
    if not _is_redis(connection):
        return True
    return bool(_client(connection).set(_mark_name(sender_id), 1, nx=True, ex=MARK_SECONDS))


def _client(connection: Connection) -> Any:
    channel: Any = connection.default_channel
    return channel.client


def _mark_name(sender_id: int) -> str:
    return f"mailbox:woken:{sender_id}"


def _is_redis(connection: Connection) -> bool:
    return str(connection.transport.driver_type) == "redis"

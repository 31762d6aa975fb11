"""Waking a worker. Never needed for correctness: the sweep finds whatever nobody was woken for."""

import logging
import threading
import time

from celery import current_app

logger = logging.getLogger(__name__)

DRAIN_TASK = "delivery.tasks.drain"
REST_AFTER_FAILURE = 5.0
"""How long a broker that failed is left alone, seconds: callers must not wait for it one after another."""
LOG_INTERVAL = 60.0


class _BrokerHealth:
    """Remembers, per process, that the broker failed a moment ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rest_until = float("-inf")
        self._log_again_at = float("-inf")

    def is_resting(self) -> bool:
        return time.monotonic() < self._rest_until

    def note_failure(self) -> bool:
        """Let the broker rest; tells whether this failure should be logged."""
        now = time.monotonic()
        with self._lock:
            self._rest_until = now + REST_AFTER_FAILURE
            is_news = now >= self._log_again_at
            if is_news:
                self._log_again_at = now + LOG_INTERVAL
        return is_news

    def reset(self) -> None:
        self._rest_until = self._log_again_at = float("-inf")


broker_health = _BrokerHealth()


def wake(sender_id: int) -> bool:
    """Tell a worker that mail of a sender is due; returns whether the broker took the message.

    Never raises and never waits longer than the broker's time limits: it is called after the commit, when a
    failure would look like a refused mail.
    """
    if broker_health.is_resting():
        return False
    try:
        current_app.send_task(DRAIN_TASK, args=[sender_id], retry=False, ignore_result=True)
    except Exception:  # whatever a broker's client raises: the mail is safe, the sweep will send it
        if broker_health.note_failure():
            logger.warning("the broker is not reachable, mail waits for the sweep", exc_info=True)
        return False
    return True

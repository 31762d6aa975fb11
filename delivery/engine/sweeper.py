"""The sweeper: a thread of every worker process that needs no broker and no scheduler to keep mail moving.

Every `SWEEP_SECONDS`, a little apart from others, it puts in order what is overdue and hands the senders whose mail is
due to the dispatcher of its own process. Of many processes one does it at a time: who finds that another did it just
now has nothing to do. The leases of the process's connections are renewed by the same thread.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections, connections
from django.db.models.functions import Now

from delivery.engine.clock_jump import mend_after_clock_jump
from delivery.engine.slots import LEASE
from records.clock import database_now
from records.models import Heartbeat

logger = logging.getLogger(__name__)

RENEW_INTERVAL = LEASE / 3
_random = random.SystemRandom()


class Sweeper:
    """Sweeps until it is told to stop."""

    def __init__(
        self,
        sweep: Callable[[], Iterable[int]],
        wake: Callable[[int], None],
        renew: Callable[[], None],
        check: Callable[[], None] | None = None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            sweep: Puts in order what is overdue; returns the senders whose mail is due.
            wake: Gets a sender's mail on its way; returns at once.
            renew: Prolongs the leases of the connections of this process.
            check: Looks whether something is wrong, after each sweep.
        """
        self._sweep = sweep
        self._wake = wake
        self._renew = renew
        self._check = check
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, with a sweep at once: what waited while no worker ran shall not wait any longer."""
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin no further sweep; may be called by a signal handler."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended."""
        if self._thread:
            self._thread.join(seconds)

    def sweep_now(self) -> None:
        """Sweep, whoever swept a moment ago."""
        for sender_id in self._sweep():
            self._wake(sender_id)
        if self._check:
            self._check()

    def _run(self) -> None:
        sweep_at = renew_at = time.monotonic()
        step: Callable[[], None] = self._sweep_first
        try:
            while not self._stopping.wait(max(min(sweep_at, renew_at) - time.monotonic(), 0)):
                close_old_connections()
                now = time.monotonic()
                if now >= renew_at:
                    self._do(self._renew)
                    renew_at = now + RENEW_INTERVAL
                if now >= sweep_at:
                    self._do(step)
                    step = self._sweep_in_turn
                    sweep_at = time.monotonic() + settings.SWEEP_SECONDS * _random.uniform(0.9, 1.1)
        finally:
            connections.close_all()

    def _sweep_first(self) -> None:
        mend_after_clock_jump()
        self.sweep_now()

    def _sweep_in_turn(self) -> None:
        if mend_after_clock_jump() or take_turn("sweep", settings.SWEEP_SECONDS * 0.8):
            self.sweep_now()

    def _do(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:
            logger.exception("a sweep failed, the next one follows")


def take_turn(name: str, seconds: float) -> bool:
    """Take the turn at something that one process at a time does; false if another took it within so many seconds."""
    late = Heartbeat.objects.filter(name=name, seen_at__lte=Now() - timedelta(seconds=seconds))
    # Asked before it is written: of many idle workers most then write nothing.
    if late.exists():
        return late.update(seen_at=Now()) == 1
    if Heartbeat.objects.filter(name=name).exists():
        return False
    _row, is_new = Heartbeat.objects.get_or_create(name=name, defaults={"seen_at": database_now()})
    return is_new

"""The sweeper: a thread of every worker process that needs no broker and no scheduler to keep mail moving.

Every `SWEEP_SECONDS`, a little apart from others, it puts in order what is overdue and hands the senders whose mail is
due to the dispatcher of its own process. Of many processes one does it at a time: who finds that another did it just
now has nothing to do.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections, connections
from django.db.models.functions import Now

from delivery.engine.clock_jump import mend_after_clock_jump
from records.clock import database_now
from records.models import Heartbeat

logger = logging.getLogger(__name__)

_random = random.SystemRandom()


class Sweeper:
    """Sweeps until it is told to stop."""

    def __init__(
        self,
        sweep: Callable[[], Iterable[int]],
        wake: Callable[[int], None],
        check: Callable[[], None] | None = None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            sweep: Puts in order what is overdue; returns the senders whose mail is due.
            wake: Gets a sender's mail on its way; returns at once.
            check: Looks whether something is wrong, after each sweep.
        """
        self._sweep = sweep
        self._wake = wake
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
        step: Callable[[], None] = self._sweep_first
        wait = 0.0
        try:
            while not self._stopping.wait(wait):
                close_old_connections()
                self._do(step)
                step = self._sweep_in_turn
                wait = settings.SWEEP_SECONDS * _random.uniform(0.9, 1.1)
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

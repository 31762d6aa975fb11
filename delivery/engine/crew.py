"""Threads that do one job after another and end when there is none; each with database connections of its own."""

import logging
import queue
import threading
from collections.abc import Callable

from django.db import close_old_connections, connections

logger = logging.getLogger(__name__)

Job = Callable[[], object]
IDLE_TIME = 20.0
"""How long a thread without a job waits for the next one, seconds; then it closes its database connections and ends."""


class Crew:
    """As many threads as there are jobs at the same time."""

    def __init__(self, name: str) -> None:
        """Start without any thread.

        Args:
            name: What the threads are called in stack traces.
        """
        self._name = name
        self._lock = threading.Condition()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._idle = 0
        """Threads that wait for a job, those not counted that one is in the queue for."""
        self._all = 0
        self._is_dismissed = False

    def do(self, job: Job) -> None:
        """Have a job done at once, by a thread that is idle or by a new one."""
        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
                self._all += 1
            self._jobs.put(job)

    def dismiss(self, seconds: float) -> bool:
        """Let every thread end after the job in hand; returns whether all have ended in time."""
        with self._lock:
            self._is_dismissed = True
            for _ in range(self._idle):
                self._jobs.put(None)
            self._idle = 0
            return self._lock.wait_for(lambda: not self._all, timeout=seconds)

    def _work(self) -> None:
        try:
            while job := self._next_job():
                # A connection that the database broke off would fail every job of this thread from now on.
                close_old_connections()
                self._do(job)
                if not self._is_idle():
                    break
        finally:
            connections.close_all()
            with self._lock:
                self._all -= 1
                self._lock.notify_all()

    def _is_idle(self) -> bool:
        """Count the thread as idle; false if it shall end instead."""
        with self._lock:
            if not self._is_dismissed:
                self._idle += 1
            return not self._is_dismissed

    def _do(self, job: Job) -> None:
        try:
            job()
        except Exception:
            logger.exception("a job failed")

    def _next_job(self) -> Job | None:
        while True:
            try:
                return self._jobs.get(timeout=IDLE_TIME)
            except queue.Empty:
                with self._lock:
                    if self._idle:
                        self._idle -= 1
                        return None
                # Somebody counted on this thread in the last moment: its job is in the queue.

"""Threads beside the lines' own: one settles a group and another claims the next while a third group is being sent."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore

from django.db import connection, connections

FEW = 8
"""Fewer mails in a group don't pay for a thread."""
MOST = 8
"""So many of these threads may be at work in a process: each has a database connection of its own."""
_places = BoundedSemaphore(MOST)


class Clerk:
    """Does one job at a time, beside the thread that gave it."""

    def __init__(self) -> None:
        """Start without a thread."""
        self._executor: ThreadPoolExecutor | None = None
        self._job: Future[None] | None = None

    def is_worth_it(self, mails: int) -> bool:
        """Tell whether a job about so many mails is better done beside, and can be."""
        # SQLite lets nobody write beside another: two threads would only wait for each other.
        if mails < FEW or connection.vendor == "sqlite":
            return False
        return self._executor is not None or self._get_ready(blocking=False)

    def _get_ready(self, *, blocking: bool) -> bool:
        if not _places.acquire(blocking=blocking):
            return False
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clerk")
        return True

    def begin(self, job: Callable[[], None]) -> None:
        """Begin a job when the one before is done; what went wrong with that is raised."""
        self.wait()
        if self._executor is None:
            self._get_ready(blocking=True)
        assert self._executor is not None
        self._job = self._executor.submit(job)

    def wait(self) -> None:
        """Wait until nothing is being done; what went wrong is raised."""
        job, self._job = self._job, None
        if job is not None:
            job.result()

    def leave(self) -> None:
        """End the thread, when the job in hand is done; never raises what went wrong with it."""
        if self._executor is not None:
            self._executor.submit(connections.close_all)
            self._executor.shutdown()
            self._executor = None
            _places.release()

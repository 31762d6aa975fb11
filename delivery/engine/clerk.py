"""A second thread of a flow: it settles one group and claims the next while a third is being sent."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection, connections

FAST = 32
"""So many mails in a group pay for a thread: the server takes them faster than the database writes them down."""


class Clerk:
    """Does one job at a time, beside the thread that gave it."""

    def __init__(self) -> None:
        """Start without a thread."""
        self._executor: ThreadPoolExecutor | None = None
        self._job: Future[None] | None = None

    @staticmethod
    def is_worth_it(mails: int) -> bool:
        """Tell whether a job about so many mails is better done beside."""
        # SQLite lets nobody write beside another: two threads would only wait for each other.
        return mails >= FAST and connection.vendor != "sqlite"

    def begin(self, job: Callable[[], None]) -> None:
        """Begin a job when the one before is done; what went wrong with that is raised."""
        self.wait()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clerk")
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

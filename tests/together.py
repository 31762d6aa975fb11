"""Doing things at the same moment, as several workers or callers do."""

import threading
from collections.abc import Callable

from django.db import connections


def do_at_once(*jobs: Callable[[], object]) -> None:
    """Do jobs in a thread and with a database connection each, all beginning at once; returns when all have ended."""
    start = threading.Barrier(len(jobs))

    def work(job: Callable[[], object]) -> None:
        try:
            start.wait()
            job()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

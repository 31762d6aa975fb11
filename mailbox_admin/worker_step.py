"""Makes Celery's worker a worker of ours: the part that sends mail begins and ends with it, whatever the broker does.

The step comes before Celery's consumer, which waits for the broker for as long as it takes.
"""

import logging
from typing import Any

from celery import bootsteps, concurrency
from celery.signals import worker_process_init, worker_process_shutdown, worker_shutting_down
from django.conf import settings

logger = logging.getLogger(__name__)

MARGIN = 2.0
"""So long before the process is ended by force it gives up waiting, seconds, to say goodbye to servers."""


class MailStep(bootsteps.StartStopStep):
    """Sends mail in the worker's own process; with the pool `prefork` each of its children does instead."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Look at the pool."""
        super().__init__(parent, **options)
        self._is_forking = parent.pool_cls is concurrency.get_implementation("prefork")

    def start(self, parent: Any) -> None:  # noqa: ARG002
        """Begin to send."""
        if not self._is_forking:
            _start()

    def stop(self, parent: Any) -> None:  # noqa: ARG002
        """Wait for what is under way; the consumer has stopped."""
        if not self._is_forking:
            _finish()

    def terminate(self, parent: Any) -> None:
        """Do the same when the worker is ended for another reason than a signal."""
        self.stop(parent)


@worker_process_init.connect
def _start(**_: Any) -> None:
    from delivery import worker  # noqa: PLC0415  # it needs Django set up

    worker.start()


@worker_shutting_down.connect
def _stop_soon(**_: Any) -> None:
    from delivery import worker  # noqa: PLC0415

    worker.stop_soon()


@worker_process_shutdown.connect
def _finish(**_: Any) -> None:
    from delivery import worker  # noqa: PLC0415

    if not worker.finish(settings.WORKER_STOP_SECONDS - MARGIN):
        logger.warning("lines are left amid a mail: their leases end by themselves")

"""`manage.py worker`: the process that sends mail."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from celery.utils.nodenames import host_format
from django.core.management.base import BaseCommand

from mailbox_admin.celery import app


class Command(BaseCommand):
    """Runs Celery's worker as Mailbox wants it, without what only Celery's own command line loads: 17 MB."""

    help = "Send mail until told to stop by SIGTERM; what is in hand is finished."
    # `prepare` asks them before anything starts; here they would load every page of the web.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what may differ between workers."""
        parser.add_argument(
            "-n", "--name", default="mailbox@%h", help="its name; %%h is the machine's (default: %(default)s)"
        )
        parser.add_argument("-c", "--concurrency", type=int, help="orders taken at once (default: WORKER_THREADS)")

    def handle(self, *, name: str, concurrency: int | None, **_options: Any) -> None:
        """Work, and exit with the worker's own status."""
        os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # it would ask all checks, and throw away what they say
        worker = app.Worker(
            hostname=host_format(name),
            concurrency=concurrency,
            pool_cls="threads",
            # What workers would tell each other nobody asks for.
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            quiet=True,
        )
        worker.start()
        sys.exit(worker.exitcode)

"""Tasks that keep the installation tidy; what mail needs is in `delivery.tasks`."""

import io
import logging

from celery import shared_task
from django.core.management import call_command
from django.db import DatabaseError, close_old_connections

from delivery.alarms.pruning import prune_alarms
from records.content import delete_unused_bodies

logger = logging.getLogger(__name__)

KEEP_SIGN_INS_DAYS = 90
"""How long it can be seen who signed in, and from where."""


@shared_task(name="mailbox_admin.tasks.tidy", ignore_result=True)
def tidy() -> None:
    """Drop sessions that are over, old sign-ins and alarms, and what deleted mails said, before it piles up."""
    close_old_connections()  # one that the database broke off would fail this task from now on
    try:
        call_command("clearsessions")
        prune_alarms()
        delete_unused_bodies()
        call_command("axes_reset_logs", age=KEEP_SIGN_INS_DAYS, stdout=io.StringIO())
    except DatabaseError:
        logger.exception("tidying failed, the next time follows")

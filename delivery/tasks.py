"""The Celery tasks: they carry ids only, make one call each, and are the one place where any error is caught.

Losing a task loses nothing: the database holds what is due, and the next sweep finds whoever was forgotten.
"""

import logging
from collections.abc import Callable
from functools import partial

from celery import shared_task
from django.db import close_old_connections

from delivery import exporting
from delivery.control import bulk
from delivery.resending import orders
from delivery.wake import forget_wake, wake_for_deed, wake_for_export, wake_for_resending
from delivery.worker import dispatcher, sweeper

logger = logging.getLogger(__name__)

DEED_SECONDS = 10.0
"""How long one task works at a deed, so that a worker that is to stop does not wait for long."""

EXPORT_SECONDS = 2.0
"""The same at an export, which may go on for many minutes: other tasks have their turn between."""


@shared_task(name="delivery.tasks.drain", ignore_result=True)
def drain(sender_id: int, is_urgent: bool = False, hops: int = 0) -> None:
    """Have the due mail of a sender sent; does not wait for it.

    Args:
        sender_id: Whose mail.
        is_urgent: Some of it is of high priority.
        hops: How many workers could not take it before this one.
    """
    # In this order: mail that is accepted from now on orders a drain of its own.
    forget_wake(sender_id)
    dispatcher.wake(int(sender_id), is_urgent=is_urgent, hops=hops)


@shared_task(name="delivery.tasks.continue_deed", ignore_result=True)
def continue_deed(work_id: int) -> None:
    """Go on for a while with what a person asked for many mails."""
    _go_on("work", work_id, partial(bulk.continue_one, seconds=DEED_SECONDS), wake_for_deed)


@shared_task(name="delivery.tasks.continue_resending", ignore_result=True)
def continue_resending(resending_id: int) -> None:
    """Go on for a while with sending many mails again."""
    _go_on("resending", resending_id, partial(orders.continue_one, seconds=DEED_SECONDS), wake_for_resending)


@shared_task(name="delivery.tasks.continue_export", ignore_result=True)
def continue_export(order_id: int) -> None:
    """Go on for a while with an export of records."""
    _go_on("export", order_id, partial(exporting.continue_one, seconds=EXPORT_SECONDS), wake_for_export)


@shared_task(name="delivery.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Put in order what is overdue, and have what is due sent; every worker does it now and then by itself."""
    # Celery keeps a thread's connection whatever happened to it (CELERY_DB_REUSE_MAX): one that the database
    # broke off would fail every task of this thread from now on.
    close_old_connections()
    try:
        sweeper.sweep_now()
    except Exception:
        logger.exception("a sweep failed, the next one follows")


def _go_on(kind: str, number: int, continue_one: Callable[[int], bool], wake: Callable[[int], bool]) -> None:
    """Go on with one thing for a while, and have a worker go on with it later where it is not finished."""
    close_old_connections()
    try:
        is_unfinished = continue_one(number)
    except Exception:
        logger.exception("going on with what was begun failed, the sweep continues it", extra={kind: number})
        return
    if is_unfinished:
        wake(number)

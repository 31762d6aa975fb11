"""The Celery tasks: they carry ids only, make one call each, and are the one place where any error is caught.

Losing a task loses nothing: the database holds what is due, and the next sweep wakes whoever is needed.
"""

import logging
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown, worker_shutting_down
from django.db import close_old_connections

from delivery.engine.drain import drain as drain_sender
from delivery.engine.kept_sessions import kept_sessions
from delivery.engine.sweep import sweep as sweep_all
from delivery.wake import forget_wake, wake

logger = logging.getLogger(__name__)

_stopping = threading.Event()


@worker_shutting_down.connect
def _stop_soon(**_: Any) -> None:
    """Let drains end after the mail in hand, and give the rest of their claims back."""
    _stopping.set()


@worker_process_shutdown.connect
@worker_shutdown.connect
def _say_goodbye(**_: Any) -> None:
    kept_sessions.close_all()


@shared_task(name="delivery.tasks.drain", ignore_result=True)
def drain(sender_id: int) -> None:
    """Send the due mail of a sender."""
    # Celery keeps a thread's connection whatever happened to it (CELERY_DB_REUSE_MAX): one that the database
    # broke off would fail every task of this thread from now on.
    close_old_connections()
    forget_wake(sender_id)
    try:
        comes_back = drain_sender(sender_id, is_stopping=_stopping.is_set)
    except Exception:
        logger.exception("a drain failed, its mail waits for the sweep", extra={"sender_id": sender_id})
        return
    if comes_back:
        wake(sender_id)


@shared_task(name="delivery.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Put in order what is overdue, and wake whose mail is due."""
    close_old_connections()
    try:
        due = sweep_all()
    except Exception:
        logger.exception("a sweep failed, the next one follows")
        return
    for sender_id in due:
        wake(sender_id)

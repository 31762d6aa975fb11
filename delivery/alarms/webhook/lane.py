"""The thread that makes webhook calls: one per process, so that a dead hook delays nothing else."""

import logging
import threading

from django.db import connections

from delivery.alarms.webhook.calls import due_calls, make_due_calls
from delivery.alarms.webhook.target import TargetError, is_configured, read_target
from records.clock import database_now

logger = logging.getLogger(__name__)

CALLS_PER_PASS = 20
_at_work = threading.Lock()


def start_pass() -> threading.Thread | None:
    """Make the calls that are due, in the background; None if there are none, or the last pass is still at it."""
    if not is_configured() or not due_calls(database_now()).exists():
        return None
    if not _at_work.acquire(blocking=False):
        return None
    thread = threading.Thread(target=_run, name="webhook", daemon=True)
    thread.start()
    return thread


def _run() -> None:
    try:
        make_due_calls(read_target(), at_most=CALLS_PER_PASS)
    except TargetError as error:
        logger.error("the webhook can't be called", extra={"reason": str(error)})  # noqa: TRY400  # a sentence is all
    except Exception:
        logger.exception("a webhook pass failed, the next one follows")
    finally:
        connections.close_all()
        _at_work.release()

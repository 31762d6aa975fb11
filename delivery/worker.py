"""What makes a process a worker: a dispatcher, which runs lines, and a sweeper. Celery only brings orders."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError, connections
from django.db.backends.signals import connection_created

from delivery import exporting
from delivery.alarms.checking import check
from delivery.control import bulk
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.drain import drain
from delivery.engine.held_slots import held_slots
from delivery.engine.keeping import keep
from delivery.engine.kept_sessions import kept_sessions
from delivery.engine.sweep import sweep
from delivery.engine.sweeper import Sweeper, take_turn
from delivery.resending import orders
from delivery.wake import pass_on
from records.export.tidying import tidy
from records.rollups.folding import fold
from records.search.filling import fill, forget_unused

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

DEED_SECONDS = 3.0
"""How long a sweep goes on with what people asked for many mails, should the broker have lost the order to."""

SEARCH_SECONDS = 2.0
"""How long a sweep notes the addresses of new records for the search, or forgets those of records that are gone."""
FORGET_EVERY = 3600.0
"""Seconds between two looks for the latter."""

TIDY_SECONDS = 1.0
"""How long a sweep removes files of exports whose time is over."""
TIDY_EVERY = 60.0
"""Seconds between two looks for them."""

dispatcher = Dispatcher(drain, held_slots, pass_on)


def _after_sweep() -> None:
    """Do all that is not sending, in parts: whatever is wrong with one, the others are done.

    Raises:
        OperationalError: The database is locked or away, so that the other parts would fail as well.
        InterfaceError: The same.
    """
    parts: dict[str, Callable[[], object]] = {
        "check": check,
        "deeds": lambda: bulk.continue_unfinished(seconds=DEED_SECONDS),
        "sending again": lambda: orders.continue_unfinished(seconds=DEED_SECONDS),
        "exports": lambda: exporting.continue_unfinished(seconds=DEED_SECONDS),
        "files of exports": _tidy,
        "sums": fold,
        "keeping": keep,
        "addresses": lambda: fill(seconds=SEARCH_SECONDS),
        "unused addresses": _forget,
    }
    for name, do in parts.items():
        try:
            do()
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("a part of a sweep failed, the others go on", extra={"part": name})


def _tidy() -> None:
    if take_turn("tidy exports", TIDY_EVERY):
        tidy(TIDY_SECONDS)


def _forget() -> None:
    if take_turn("forget addresses", FORGET_EVERY):
        forget_unused(seconds=SEARCH_SECONDS)


sweeper = Sweeper(sweep, dispatcher.wake, _after_sweep)


def start() -> None:
    """Begin to work, in the process that does: threads do not outlive a fork."""
    connection_created.connect(prefer_indexes)
    kept_sessions.after_closing = _after_closing
    sweeper.start()


def prefer_indexes(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Have PostgreSQL use indexes always: there is one for whatever a worker asks.

    It keeps plans for as long as a connection lives, those of foreign key checks above all. One that was made while
    the tables were all but empty would read a whole table for every record of the mails that come later.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan TO off")


def _after_closing() -> None:
    try:
        held_slots.trim_all()
    finally:
        connections.close_all()


def stop_soon() -> None:
    """Begin nothing new: lines end after the mail in hand and give the rest of their claims back.

    May be called by a signal handler.
    """
    sweeper.stop()
    dispatcher.stop()


def finish(seconds: float) -> bool:
    """Wait for the lines to end, and say goodbye to the servers; returns whether all ended in time."""
    stop_soon()
    has_ended = dispatcher.join(seconds)
    kept_sessions.close_all()
    held_slots.close()
    return has_ended

"""Keeping the leases of a batch alive while its mails wait for their turn or for a slow server."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connections

from delivery.engine.claim import renew
from delivery.engine.limits import get_limits
from delivery.engine.values import Claim

logger = logging.getLogger(__name__)


@contextmanager
def kept_leases(claims: Sequence[Claim]) -> Iterator[None]:
    """Renew the claims' leases in the background until the block ends.

    A short lease makes a dead worker's mails wait shortly; this makes a living worker's claims hold all the same.
    """
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(claims, ended), name="lease-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _keep(claims: Sequence[Claim], ended: threading.Event) -> None:
    interval = get_limits().claim_lease / 3
    try:
        while not ended.wait(interval):
            try:
                renew(claims)
            except (DatabaseError, InterfaceError):  # the fence will say no if it stays like this
                logger.warning("leases could not be renewed", extra={"claims": len(claims)}, exc_info=True)
                connections["default"].close_if_unusable_or_obsolete()
    finally:
        connections.close_all()

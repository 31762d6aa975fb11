"""What all lines that a process has to one account share: the mails, and the books about them."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError

from delivery.engine.books import Books
from delivery.engine.supply import Supply
from delivery.smtp.hub import Hub, current_hub
from senders.models import Sender

if TYPE_CHECKING:
    from delivery.engine.flow import Flow
    from delivery.exceptions import SessionError

logger = logging.getLogger(__name__)

LATELY = 10.0
"""Seconds: a line that the server answered so lately tells that the account works."""


class Shared:
    """One supply, one set of books, any number of flows; all in one thread."""

    def __init__(self, sender: Sender, supply: Supply, hub: Hub | None = None) -> None:
        """Begin without a flow.

        Args:
            sender: The account as it was loaded with the lines' settings.
            supply: Of its mail.
            hub: Runs the lines; None: there is only one, which has its thread for itself.
        """
        self.supply = supply
        self.books = Books(sender, supply)
        self.failure: SessionError | None = None
        """Why the account was found to be at fault."""
        self._hub = hub
        self._flows: set[Flow] = set()

    @property
    def is_over(self) -> bool:
        """Tell whether a line that begins now needs another supply."""
        return self.supply.is_closed or self.supply.is_spent or self.supply.trouble is not None

    def join(self, flow: "Flow") -> None:
        """Count a flow in."""
        if self._hub is not None and not self._flows:
            self._hub.ticks.append(self._settle_late)
        self._flows.add(flow)

    def leave(self, flow: "Flow") -> bool:
        """Count a flow out; returns whether it was the last."""
        self._flows.discard(flow)
        if self._hub is not None and not self._flows:
            self._hub.ticks.remove(self._settle_late)
        return not self._flows

    def is_answered_elsewhere(self, flow: "Flow") -> bool:
        """Tell whether another line shows that the account works: then a connection that fails is only one too many."""
        now = time.monotonic()
        return any(now - other.answered_at < LATELY for other in self._flows if other is not flow)

    def _settle_late(self) -> None:
        try:
            self.books.settle_late()
        except (DatabaseError, InterfaceError):
            logger.warning("mails could not be settled, it is tried again", exc_info=True)


def share(sender: Sender, make_supply: Callable[[], Supply]) -> Shared:
    """Give what the lines of this thread to the account share; begins it with the first of them."""
    hub = current_hub()
    if hub is None:
        return Shared(sender, make_supply())
    key = sender.pk, sender.updated_at
    found = hub.shelf.get(key)
    if not isinstance(found, Shared) or found.is_over:
        found = hub.shelf[key] = Shared(sender, make_supply(), hub)
    return found

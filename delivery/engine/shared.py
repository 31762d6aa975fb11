"""What all lines that a process has to one account share: the mails, and the books about them."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError
from greenlet import getcurrent, greenlet

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
STALE = 2.0
"""Seconds: what was claimed so long ago and waits still is given back when a line begins, which claims by priority."""


class Answers:
    """When the server last took or refused a mail, by line: each line knows whether it works for another."""

    def __init__(self) -> None:
        """Start without any."""
        self._came_at: WeakKeyDictionary[greenlet, float] = WeakKeyDictionary()

    def note(self, now: float) -> None:
        """Note an answer to the line that calls."""
        self._came_at[getcurrent()] = now

    def came_elsewhere(self) -> bool:
        """Tell whether one came lately to a line that is at work, other than the one that calls."""
        now, me = time.monotonic(), getcurrent()
        return any(now - at < LATELY for lane, at in self._came_at.items() if lane is not me and not lane.dead)


class Shared:
    """One supply, one set of books, any number of flows; all in one thread."""

    def __init__(self, sender: Sender, supply: Supply, hub: Hub | None = None, answers: Answers | None = None) -> None:
        """Begin without a flow.

        Args:
            sender: The account as it was loaded with the lines' settings.
            supply: Of its mail.
            hub: Runs the lines; None: there is only one, which has its thread for itself.
            answers: To lines of the same account, also those that began before.
        """
        self.supply = supply
        self.answers = answers or Answers()
        self.books = Books(sender, supply)
        self.failure: SessionError | None = None
        """Why the account was found to be at fault."""
        self._hub = hub
        self._flows: set[Flow] = set()

    @property
    def is_over(self) -> bool:
        """Tell whether a line that begins now needs another supply."""
        return self.supply.is_closed or self.supply.is_spent or self.supply.trouble is not None

    @property
    def is_begun(self) -> bool:
        """Tell whether there is a line already."""
        return bool(self._flows)

    @property
    def is_stale(self) -> bool:
        """Tell whether mail waits here for lines that are all busy for long."""
        return self.supply.waits_since() < time.monotonic() - STALE

    def join(self, flow: "Flow") -> None:
        """Count a flow in."""
        if self._hub is not None and not self._flows:
            self._hub.ticks.append(self._tend)
        self._flows.add(flow)

    def leave(self, flow: "Flow") -> bool:
        """Count a flow out; returns whether it was the last."""
        self._flows.discard(flow)
        if self._hub is not None and not self._flows:
            self._hub.ticks.remove(self._tend)
        return not self._flows

    def retire(self) -> None:
        """Let no line take more from here, and give back what none has in hand.

        Raises:
            DatabaseError: It could not be given back.
        """
        self.supply.close()
        self.books.give_back({claim.mail_id for flow in self._flows for claim in flow.in_hand})

    def _tend(self) -> None:
        """Do what must not wait for the lines, which may all be waiting for a silent server."""
        try:
            self.books.settle_late()
            if self.supply.is_closed or (self._hub is not None and self._hub.is_stopping()):
                self.retire()
        except (DatabaseError, InterfaceError):
            logger.warning("mails could not be settled, it is tried again", exc_info=True)


def share(sender: Sender, make_supply: Callable[[], Supply]) -> Shared:
    """Give what the lines of this thread to the account share; begins it with the first of them."""
    hub = current_hub()
    if hub is None:
        return Shared(sender, make_supply())
    key = sender.pk, sender.updated_at
    found = hub.shelf.get(key)
    present = found if isinstance(found, Shared) else None
    if present and not present.is_over and present.is_stale:
        present.retire()
    if present is None or present.is_over:
        present = hub.shelf[key] = Shared(sender, make_supply(), hub, present.answers if present else None)
    return present

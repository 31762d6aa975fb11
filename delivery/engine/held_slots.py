"""The connection slots that this process holds: in use by a line, or kept with an idle session."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connections

from delivery.engine.kept_sessions import kept_sessions
from delivery.engine.slots import LEASE, Slot, give_slots_back, renew_slots, take_slot

logger = logging.getLogger(__name__)

RENEW_INTERVAL = LEASE / 3
"""Seconds."""


class HeldSlots:
    """Gives lines their slots: one that is kept with an idle session first, else a new one.

    A thread renews their leases as long as there are any.
    """

    def __init__(self, count_idle_sessions: Callable[[int], int]) -> None:
        """Start without any.

        Args:
            count_idle_sessions: Tells how many idle sessions of a sender this process keeps open.
        """
        self._count_idle_sessions = count_idle_sessions
        self._lock = threading.Lock()
        self._in_use: dict[str, Slot] = {}
        self._idle: dict[int, list[Slot]] = defaultdict(list)
        self._keeper: threading.Thread | None = None
        self._closing = threading.Event()

    def take(self, sender_id: int, limit: int) -> Slot | None:
        """Take a slot; None if the account's connections are all in use elsewhere.

        Args:
            sender_id: Whose connection.
            limit: How many the account may have at once, over all workers.
        """
        slot = self._take_idle(sender_id, limit) or take_slot(sender_id, limit)
        if slot is not None:
            with self._lock:
                self._in_use[slot.holder] = slot
                self._start_keeper()
        return slot

    def _take_idle(self, sender_id: int, limit: int) -> Slot | None:
        with self._lock:
            idle = self._idle.pop(sender_id, [])
            beyond = [slot for slot in idle if slot.number >= limit]  # the limit was lowered meanwhile
            fit = [slot for slot in idle if slot.number < limit]
            slot = fit.pop() if fit else None
            if fit:
                self._idle[sender_id] = fit
        give_slots_back(beyond)
        return slot

    def put(self, slot: Slot) -> None:
        """End the use of a slot: it stays here as long as the connection does."""
        with self._lock:
            del self._in_use[slot.holder]
            self._idle[slot.sender_id].append(slot)
        self.trim(slot.sender_id)

    def trim(self, sender_id: int) -> None:
        """Give back the slots whose sessions have ended."""
        with self._lock:
            idle = self._idle.pop(sender_id, [])
            kept = min(len(idle), self._count_idle_sessions(sender_id))
            surplus = idle[kept:]
            if kept:
                self._idle[sender_id] = idle[:kept]
        give_slots_back(surplus)

    def trim_all(self) -> None:
        """Give back all slots whose sessions have ended."""
        with self._lock:
            sender_ids = list(self._idle)
        for sender_id in sender_ids:
            self.trim(sender_id)

    def close(self) -> None:
        """Give back what no line uses, as when the process stops: what is in use ends with its lease."""
        self.trim_all()
        self._closing.set()
        keeper = self._keeper
        if keeper:
            keeper.join(5)

    def renew(self) -> None:
        """Prolong the leases of all slots that are held."""
        with self._lock:
            held = self._held()
        renew_slots(held)

    def _held(self) -> list[Slot]:
        return [*self._in_use.values(), *(slot for idle in self._idle.values() for slot in idle)]

    def _start_keeper(self) -> None:
        """Have leases renewed; the lock is held."""
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="slot-keeper", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        try:
            while self._is_needed():
                self._closing.wait(RENEW_INTERVAL)
                try:
                    self.renew()
                except (DatabaseError, InterfaceError):  # others may take the slots: the server then says if it minds
                    logger.warning("connection slots could not be renewed", exc_info=True)
                    connections.close_all()
        finally:
            connections.close_all()

    def _is_needed(self) -> bool:
        with self._lock:
            if not self._held() or self._closing.is_set():
                self._keeper = None
            return self._keeper is not None


held_slots = HeldSlots(kept_sessions.count)

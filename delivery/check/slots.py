"""How many checks may run at once: each holds a thread and a connection until its deadline."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator


class TooManyChecksError(Exception):
    """Too many checks run at this moment, of this person or in all.

    Raised by taking a slot. Never raised for a check that has begun.
    """


class Slots:
    """A count of running checks per person and in all; one web process counts for itself."""

    def __init__(self) -> None:
        """Begin with none running."""
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()

    def take(self, person: str) -> None:
        """Count one more check of this person.

        Raises:
            TooManyChecksError: the limit of this person or of all is reached; nothing was counted.
        """
        with self._lock:
            if self._running[person] >= settings.MAILBOX_CHECKS_PER_USER:
                raise TooManyChecksError
            if self._running.total() >= settings.MAILBOX_CHECKS_AT_ONCE:
                raise TooManyChecksError
            self._running[person] += 1

    def give_back(self, person: str) -> None:
        """Count one check less."""
        with self._lock:
            self._running[person] -= 1

    @contextmanager
    def held(self, person: str) -> Iterator[None]:
        """Hold a slot for the time of the block.

        Raises:
            TooManyChecksError: as `take`.
        """
        self.take(person)
        try:
            yield
        finally:
            self.give_back(person)


SLOTS = Slots()

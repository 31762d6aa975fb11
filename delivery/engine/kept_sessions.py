"""Open sessions between two drains of one process: a far server costs a handshake once, not once per wake-up."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from delivery.engine.limits import get_limits
from delivery.smtp.session import Session
from delivery.values import ServerSettings

MOST_KEPT = 64
"""So many idle sessions a process keeps, of all senders together; then the oldest is ended."""
GOODBYE_LIMIT = 3.0
"""How long ending all sessions may take in all, seconds; then they are dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    sender_id: int
    settings: ServerSettings
    session: Session
    since: float


class KeptSessions:
    """Idle sessions, any number per sender; closed when they were idle too long, or when there are too many."""

    def __init__(self) -> None:
        """Start without any."""
        self._lock = threading.Lock()
        self._kept: list[_Kept] = []
        self._janitor: threading.Timer | None = None
        self.after_closing: Callable[[], None] = lambda: None
        """Called in the janitor's thread when it has ended sessions."""

    def take(self, sender_id: int, settings: ServerSettings) -> Session | None:
        """Take an idle session of the sender, if one still works and was opened with exactly these settings."""
        while kept := self._pop_latest(sender_id):
            if kept.settings == settings and kept.session.is_usable:
                return kept.session
            kept.session.quit()
        return None

    def _pop_latest(self, sender_id: int) -> _Kept | None:
        with self._lock:
            for kept in reversed(self._kept):
                if kept.sender_id == sender_id:
                    self._kept.remove(kept)
                    return kept
        return None

    def put(self, sender_id: int, settings: ServerSettings, session: Session) -> None:
        """Keep a session for a while."""
        if not session.is_usable:
            session.quit()
            return
        with self._lock:
            self._kept.append(_Kept(sender_id, settings, session, time.monotonic()))
            surplus, self._kept = self._kept[:-MOST_KEPT], self._kept[-MOST_KEPT:]
            self._schedule()
        _end(surplus)

    def count(self, sender_id: int) -> int:
        """Count the idle sessions of a sender."""
        with self._lock:
            return sum(kept.sender_id == sender_id for kept in self._kept)

    def close_idle(self) -> None:
        """End the sessions that were idle too long."""
        limit = time.monotonic() - get_limits().idle_time
        with self._lock:
            over = [kept for kept in self._kept if kept.since <= limit]
            self._kept = [kept for kept in self._kept if kept.since > limit]
            self._janitor = None
            if self._kept:
                self._schedule()
        _end(over)

    def close_all(self) -> None:
        """End all idle sessions, as when the process stops."""
        with self._lock:
            closing, self._kept = self._kept, []
            if self._janitor:
                self._janitor.cancel()
                self._janitor = None
        _end(closing)

    def _schedule(self) -> None:
        """Have idle sessions closed in time; the lock is held."""
        if self._janitor is None:
            self._janitor = threading.Timer(get_limits().idle_time, self._tidy)
            self._janitor.daemon = True
            self._janitor.start()

    def _tidy(self) -> None:
        self.close_idle()
        self.after_closing()


def _end(closing: Sequence[_Kept]) -> None:
    """Say goodbye to servers; those that take long about it are left without a word."""
    deadline = time.monotonic() + GOODBYE_LIMIT
    for kept in closing:
        if time.monotonic() < deadline:
            kept.session.quit()
        else:
            kept.session.close()


kept_sessions = KeptSessions()

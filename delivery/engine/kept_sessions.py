"""Open sessions between two drains of one process: a far server costs a handshake once, not once per wake-up."""

import threading
import time
from dataclasses import dataclass

from delivery.engine.limits import get_limits
from delivery.smtp.session import Session
from delivery.values import ServerSettings


@dataclass(frozen=True, slots=True)
class _Kept:
    settings: ServerSettings
    session: Session
    since: float


class KeptSessions:
    """At most one idle session per sender; closed when it was idle too long."""

    def __init__(self) -> None:
        """Start without any."""
        self._lock = threading.Lock()
        self._kept: dict[int, _Kept] = {}
        self._janitor: threading.Timer | None = None

    def take(self, sender_id: int, settings: ServerSettings) -> Session | None:
        """Take the sender's idle session, if it still works and was opened with exactly these settings."""
        with self._lock:
            kept = self._kept.pop(sender_id, None)
        if kept is None:
            return None
        if kept.settings == settings and kept.session.is_usable:
            return kept.session
        kept.session.quit()
        return None

    def put(self, sender_id: int, settings: ServerSettings, session: Session) -> None:
        """Keep a session for a while."""
        if not session.is_usable:
            session.quit()
            return
        with self._lock:
            earlier = self._kept.pop(sender_id, None)
            self._kept[sender_id] = _Kept(settings, session, time.monotonic())
            self._schedule()
        if earlier:
            earlier.session.quit()

    def close_idle(self) -> None:
        """End the sessions that were idle too long."""
        limit = time.monotonic() - get_limits().idle_time
        with self._lock:
            over = [sender_id for sender_id, kept in self._kept.items() if kept.since <= limit]
            closing = [self._kept.pop(sender_id) for sender_id in over]
            self._janitor = None
            if self._kept:
                self._schedule()
        for kept in closing:
            kept.session.quit()

    def close_all(self) -> None:
        """End all idle sessions, as when the process stops."""
        with self._lock:
            closing, self._kept = list(self._kept.values()), {}
            if self._janitor:
                self._janitor.cancel()
                self._janitor = None
        for kept in closing:
            kept.session.quit()

    def _schedule(self) -> None:
        """Have idle sessions closed in time; the lock is held."""
        if self._janitor is None:
            self._janitor = threading.Timer(get_limits().idle_time, self.close_idle)
            self._janitor.daemon = True
            self._janitor.start()


kept_sessions = KeptSessions()

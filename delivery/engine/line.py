"""The one connection that a drain has to its sender's server: kept, opened anew when needed, and ended."""

import time
from types import TracebackType
from typing import Self

from delivery.engine.kept_sessions import kept_sessions
from delivery.smtp.hub import elsewhere
from delivery.smtp.policy import load_dial_policy
from delivery.smtp.session import Session, open_session
from delivery.values import ServerSettings

OPEN_LIMIT = 120.0
"""Seconds that opening a session may take in all; each step has the account's own limit."""


class Line:
    """Gives a session that works. As a context manager it keeps the session for the next drain, or ends it."""

    def __init__(self, sender_id: int, settings: ServerSettings) -> None:
        """Prepare; nothing is opened yet."""
        self._sender_id = sender_id
        self._settings = settings
        self._session: Session | None = None
        self.is_fresh = False
        """The session was opened for the mail in hand: its failures are not those of an old connection."""

    def __enter__(self) -> Self:
        """Take the kept session, if any."""
        self._session = kept_sessions.take(self._sender_id, self._settings)
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the session, or end it after an error."""
        if self._session and error_type is None:
            kept_sessions.put(self._sender_id, self._settings, self._session)
        elif self._session:
            self._session.close()

    def session(self) -> Session:
        """Give a session that can take a mail.

        Raises:
            SessionError: None can be opened.
        """
        if self._session and self._session.is_usable:
            self.is_fresh = False
            return self._session
        self.drop()
        policy, deadline = load_dial_policy(), time.monotonic() + OPEN_LIMIT
        self._session = elsewhere(lambda: open_session(self._settings, policy=policy, deadline=deadline))
        self.is_fresh = True
        return self._session

    def drop(self) -> None:
        """End the session, so that the next mail gets another."""
        if self._session:
            self._session.quit()
            self._session = None

"""Sessions, kept in the database as Django does, and read by a statement of our own: every request asks for one."""

from typing import Any

from django.contrib.sessions.backends import db
from django.db import connection
from django.utils import timezone

from records.statements import fetch


class SessionStore(db.SessionStore):
    """A session that costs a third to load; all else is Django's."""

    def load(self) -> dict[str, Any]:
        """Load what is kept; nothing where the session ended, or never was."""
        found = []
        # What stands in a cookie may be anything, also what a database refuses.
        if self.session_key and self.session_key.isalnum():
            until = connection.ops.adapt_datetimefield_value(timezone.now())
            statement = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"
            found = fetch(statement, [self.session_key, until])
        if not found:
            self._session_key = None
            return {}
        ((kept,),) = found
        return self.decode(kept)

"""How times of PostgreSQL are read: by psycopg's own loader in C, which Django replaces by a slower one of its own."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from psycopg import adapters
from psycopg.adapt import Loader
from psycopg.pq import Format

if TYPE_CHECKING:
    from psycopg.abc import AdaptContext, Buffer

_OID = adapters.types["timestamptz"].oid
_QUICK = adapters.get_loader(_OID, Format.TEXT)


class TimeLoader(Loader):
    """Loads a time with its zone. A page of fifty records has 150 of them."""

    timezone = UTC
    """Django looks here whether the loader is of its connection's zone, and would put its own in place."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        """Make psycopg's loader, which can't be derived from."""
        super().__init__(oid, context)
        assert _QUICK
        self._quick = _QUICK(oid, context)

    def load(self, data: Buffer) -> Any:
        """Return the time, in the connection's zone."""
        return self._quick.load(data)


def use_quick_times(context: AdaptContext) -> None:
    """Have a connection, whose zone is UTC, load its times so."""
    context.adapters.register_loader("timestamptz", TimeLoader)

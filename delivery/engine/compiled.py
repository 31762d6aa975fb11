"""Queries of the ORM whose SQL is written once and then asked with other values: a claim pays for writing it else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import connection

from delivery.engine.given import time_literal

if TYPE_CHECKING:
    from django.db.models import QuerySet

SENDER_ID = -4711
"""Stands for an account's id while a query is written."""
NOW = datetime(1, 2, 3, tzinfo=UTC)
"""Stands for the database's time."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query's SQL, and where the values go that it is asked with."""

    sql: str
    parameters: tuple[Any, ...]

    @classmethod
    def of(cls, query: "QuerySet[Any, Any]", behind: str = "") -> Self:
        """Write a query down.

        Args:
            query: With `SENDER_ID` and `NOW` where the account's id and the time belong.
            behind: What is to follow, such as a limit, which is written into the SQL else.
        """
        sql, parameters = query.query.sql_with_params()
        return cls(f"{sql} {behind}", tuple(parameters))

    def fetch(self, sender_id: int, now: datetime, *more: Any) -> list[tuple[Any, ...]]:
        """Ask; `more` are the values of what follows."""
        values: Mapping[Any, Any] = {SENDER_ID: sender_id, time_literal(NOW): time_literal(now)}
        filled: Sequence[Any] = [values.get(parameter, parameter) for parameter in self.parameters]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [*filled, *more])
            return list(cursor.fetchall())


class CompiledOnce:
    """Writes a query down when it is first asked, for each kind of database."""

    def __init__(self, write: Callable[[], Compiled]) -> None:
        """Prepare; the database is not known yet."""
        self._write = write
        self._written: dict[str, Compiled] = {}

    def __call__(self) -> Compiled:
        """Give the query."""
        found = self._written.get(connection.vendor)
        if found is None:
            found = self._written[connection.vendor] = self._write()
        return found

"""The stretch of time that is looked through, and in which direction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection

from records.paging import MAX_ID, Position
from records.search.conditions import Condition, all_of

if TYPE_CHECKING:
    from datetime import datetime

    from records.filters import RecordFilters
_NEXT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """From one moment to another, beyond a position, newest first or oldest first."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    beyond: Position | None = None
    """Only what comes after it, in the direction of the scope."""
    newest_first: bool = True

    @classmethod
    def of(cls, filters: RecordFilters) -> Scope:
        """Return the days of filters, newest first."""
        return cls(filters.starts_at, filters.ends_at)

    def older_than(self, position: Position | None) -> Scope:
        """Return what is older than a position, newest first."""
        return replace(self, beyond=position, newest_first=True)

    def newer_than(self, position: Position) -> Scope:
        """Return what is newer than a position, oldest first."""
        return replace(self, beyond=position, newest_first=False)

    def near(self, moment: datetime) -> Scope:
        """Return the part of it from where it begins to a moment, with all that is of that moment."""
        if self.newest_first:
            return replace(self, starts_at=moment)
        return replace(self, ends_at=moment + _NEXT)

    def end_of(self, moment: datetime) -> Position:
        """Return the position beyond all that is of a moment."""
        # One that can still be added to.
        return Position(moment, 0 if self.newest_first else MAX_ID - 1)

    @property
    def order(self) -> str:
        """The terms of ORDER BY."""
        return "started_at DESC, id DESC" if self.newest_first else "started_at, id"

    def in_order(self, positions: list[Position]) -> list[Position]:
        """Put positions in order: statements joined by UNION ALL need not keep it."""
        return sorted(positions, key=lambda one: (one.started_at, one.record_id), reverse=self.newest_first)

    @property
    def condition(self) -> Condition:
        """What it asks of a record."""
        bounds = []
        if self.starts_at:
            bounds.append(Condition("record.started_at >= %s", (_literal(self.starts_at),)))
        if self.ends_at:
            bounds.append(Condition("record.started_at < %s", (_literal(self.ends_at),)))
        if self.beyond:
            bounds.append(self._beyond(self.beyond))
        return all_of(bounds)

    def _beyond(self, position: Position) -> Condition:
        sign, moment = "<" if self.newest_first else ">", _literal(position.started_at)
        # The time by itself as well: SQLite does not see it in the pair.
        return Condition(
            f"record.started_at {sign}= %s AND (record.started_at, record.id) {sign} (%s, %s)",
            (moment, moment, position.record_id),
        )


def _literal(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)

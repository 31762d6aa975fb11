"""The stretch of time that is looked through, and in which direction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db import connection

from records.search.conditions import Condition, all_of

if TYPE_CHECKING:
    from datetime import datetime

    from records.filters import RecordFilters
    from records.paging import Position


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

    def past(self, position: Position) -> Scope:
        """Return what is left of it after a position."""
        return replace(self, beyond=position)

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

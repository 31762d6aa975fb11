"""Paging through records by position: as fast on the last page as on the first, and nothing shifts meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from records.models import SendingRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_MICROSECONDS = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
MAX_ID = 2**63 - 1
"""The largest id that a database holds."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record stands in the list; in an address written as microseconds since 1970, a hyphen, the id."""

    started_at: datetime
    record_id: int

    def __str__(self) -> str:
        """Write the position as it stands in an address."""
        return f"{(self.started_at - _EPOCH) // timedelta(microseconds=1)}-{self.record_id}"

    def is_newer_than(self, other: Position) -> bool:
        """Tell whether it comes before another one, where the newest is first."""
        return (self.started_at, self.record_id) > (other.started_at, other.record_id)


def find_position(text: str) -> Position | None:
    """Read a position from an address; None where it is none, whatever was typed there."""
    if not re.fullmatch(r"[0-9]{1,18}-[0-9]{1,19}", text):
        return None
    microseconds, record_id = (int(part) for part in text.split("-"))
    if microseconds > _MAX_MICROSECONDS or record_id > MAX_ID:
        return None
    return Position(_EPOCH + timedelta(microseconds=microseconds), record_id)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records, newest first, and the positions that lead on from it."""

    records: list[SendingRecord]
    newer: Position | None = None
    older: Position | None = None
    searched_to: datetime | None = None
    """Set where the search stopped before the end, to stay fast: nothing that began earlier was looked at.

    `older` then leads on from there, even if the page is short or empty.
    """
    searched_up_to: datetime | None = None
    """The same of a search towards newer records: nothing that began later was looked at, and `newer` leads on."""

    @property
    def positions(self) -> list[Position]:
        """Where its records stand."""
        return [Position(record.started_at, record.pk) for record in self.records]

"""Calendar months of UTC, and the tables that hold their records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "records_sendingrecord"
_MONTHS_OF_A_YEAR = 12


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the calendar."""

    number: int
    """Months since the year 0."""

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Return the month in which a moment is."""
        there = moment.astimezone(UTC)
        return cls(there.year * _MONTHS_OF_A_YEAR + there.month - 1)

    @classmethod
    def find(cls, table: str) -> Self | None:
        """Find the month whose records a table holds; None for other tables."""
        found = re.fullmatch(rf"{TABLE}_(\d{{4}})_(\d{{2}})", table)
        return cls(int(found[1]) * _MONTHS_OF_A_YEAR + int(found[2]) - 1) if found else None

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        year, month = divmod(self.number, _MONTHS_OF_A_YEAR)
        return datetime(year, month + 1, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return self.later(1).begins_at

    @property
    def table(self) -> str:
        """The table of its records."""
        return f"{TABLE}_{self.begins_at:%Y_%m}"

    def later(self, months: int) -> Month:
        """Return the month that is so many after it."""
        return Month(self.number + months)

    def upto(self, last: Month) -> Iterator[Month]:
        """Return it and the months after it, up to and with the last."""
        return map(Month, range(self.number, last.number + 1))

"""The record list's two questions: which records are on this page, and how many are there in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from records.models import SendingRecord
from records.paging import Page, get_page

if TYPE_CHECKING:
    from records.filters import RecordFilters
    from records.paging import Position


@dataclass(frozen=True, slots=True)
class Count:
    """How many records filters keep, as far as it was counted."""

    number: int
    is_at_least: bool
    """Counting stopped: there may be more."""


def find_page(
    filters: RecordFilters, size: int, *, before: Position | None = None, after: Position | None = None
) -> Page:
    """Find one page of the records that the filters keep: older than `before`, newer than `after`, or the newest."""
    return get_page(filters.apply(SendingRecord.objects.all()), size, before=before, after=after)


def count(filters: RecordFilters, limit: int) -> Count:
    """Count the records that the filters keep, up to a limit."""
    number = filters.apply(SendingRecord.objects.all()).count_up_to(limit + 1)
    return Count(min(number, limit), is_at_least=number > limit)

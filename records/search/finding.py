"""The record list's two questions: which records are on this page, and how many are there in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from records.models import SendingRecord
from records.paging import Page, Position
from records.search.planning import Found, Search
from records.search.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from records.filters import RecordFilters


@dataclass(frozen=True, slots=True)
class Count:
    """How many records filters keep, as far as it was counted."""

    number: int
    is_at_least: bool
    """Counting stopped: there may be more."""


def find_page(
    filters: RecordFilters, size: int, *, before: Position | None = None, after: Position | None = None
) -> Page:
    """Find one page of the records that the filters keep: older than `before`, newer than `after`, or the newest.

    A page may be short, or empty, and lead on all the same: see `Page.searched_to`.
    """
    return _find_page(Search(filters), Scope.of(filters), size, before, after)


def count(filters: RecordFilters, limit: int) -> Count:
    """Count the records that the filters keep, up to a limit, and as far as a search goes that stays fast."""
    return _count(Search(filters), Scope.of(filters), limit)


def find_and_count(
    filters: RecordFilters, size: int, limit: int, *, before: Position | None = None, after: Position | None = None
) -> tuple[Page, Count]:
    """Do as `find_page` and `count` do, and find out only once how to search."""
    search, days = Search(filters), Scope.of(filters)
    page = _find_page(search, days, size, before, after)
    is_first = before is None and after is None
    if is_first and (page.older is None or page.searched_to):
        # The search for it went further than counting would: all that was met is on it.
        return page, _counted(len(page.records), limit, is_cut=page.searched_to is not None)
    return page, _count(search, days, limit)


def _find_page(search: Search, days: Scope, size: int, before: Position | None, after: Position | None) -> Page:
    if after is not None:
        newer = _find(search, days.newer_than(after), size)
        if len(newer.positions) > size or newer.stopped_at:
            return _newer_page(newer, size, after)
        # Too few for a page: the newest page shows them, and fills up with older ones.
        before = None
    found = _find(search, days.older_than(before), size)
    if before is not None and not found.positions and found.stopped_at is None:
        newest = _find(search, days, size)
        # Where that stops on its way, it would lead to this end again, and round in a circle.
        if newest.stopped_at is None:
            found, before = newest, None
    return _older_page(found, size, before)


def _count(search: Search, days: Scope, limit: int) -> Count:
    number, is_cut = search.plan(days).count(days, limit + 1)
    return _counted(number, limit, is_cut=is_cut)


def _counted(number: int, limit: int, *, is_cut: bool) -> Count:
    return Count(min(number, limit), is_at_least=is_cut or number > limit)


def _find(search: Search, scope: Scope, size: int) -> Found:
    return search.plan(scope).find(scope, size + 1)


def _older_page(found: Found, size: int, before: Position | None) -> Page:
    positions = found.positions[:size]
    has_more = len(found.positions) > size
    return Page(
        _load(positions),
        newer=_newer_than(positions, before) if before else None,
        older=positions[-1] if has_more else found.stopped_at,
        searched_to=found.stopped_at.started_at if found.stopped_at and not has_more else None,
    )


def _newer_than(positions: Sequence[Position], before: Position) -> Position:
    # An empty page stands where the search for it began; that record itself is newer than the page.
    return positions[0] if positions else Position(before.started_at, max(before.record_id - 1, 0))


def _newer_page(found: Found, size: int, after: Position) -> Page:
    positions = found.positions[size - 1 :: -1]
    stopped_at = found.stopped_at if len(found.positions) <= size else None
    return Page(
        _load(positions),
        newer=stopped_at or positions[0],
        # Without records it leads back to where it came from, that record included.
        older=positions[-1] if positions else Position(after.started_at, after.record_id + 1),
    )


def _load(positions: Sequence[Position]) -> list[SendingRecord]:
    """Load records in that order; one that was deleted just now is left out."""
    if not positions:
        return []
    ids = ", ".join(str(position.record_id) for position in positions)
    found = SendingRecord.objects.raw(f"SELECT * FROM records_sendingrecord WHERE id IN ({ids})")  # noqa: S608  # numbers
    records = {record.pk: record for record in found}
    return [records[position.record_id] for position in positions if position.record_id in records]

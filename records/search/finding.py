"""The record list's two questions: which records are on this page, and how many are there in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from records.models import SendingRecord
from records.paging import Page, Position
from records.search.planning import Search
from records.search.plans import Counted, Counting, Found
from records.search.scope import Scope
from records.statements import Question, as_models, columns_of, fetch_together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from records.filters import RecordFilters
    from records.statements import Rows


@dataclass(frozen=True, slots=True)
class Count:
    """How many records filters keep, as far as it was counted."""

    number: int
    is_at_least: bool
    """Counting stopped: there may be more."""


@dataclass(frozen=True, slots=True)
class FoundAndCounted:
    """One page of records, how many there are in all, and the answers to what was asked beside."""

    page: Page
    count: Count
    beside: list[Rows]


@dataclass(frozen=True, slots=True)
class _Place:
    """A page whose records are found, but not loaded; see `Page`."""

    positions: Sequence[Position]
    newer: Position | None
    older: Position | None
    searched_to: datetime | None = None
    searched_up_to: datetime | None = None
    counted: Counted | None = None
    """How many there are in all of what was searched, where that was found out on the way."""

    def load(self) -> Page:
        """Load its records."""
        if not self.positions:
            return self.with_rows([])
        (rows,) = fetch_together(self.loading)
        return self.with_rows(rows)

    @property
    def met(self) -> Counted:
        """How many records the search for it met at least; it may have gone further than counting does."""
        has_more = bool(self.positions) and self.older is not None and self.searched_to is None
        return Counted(len(self.positions) + has_more, is_cut=self.older is not None)

    @property
    def loading(self) -> Question:
        """What is to be asked for its records."""
        ids = ", ".join(str(position.record_id) for position in self.positions) or "0"
        statement = f"SELECT {columns_of(SendingRecord)} FROM records_sendingrecord WHERE id IN ({ids})"  # noqa: S608  # numbers
        return Question(statement, is_along=True)

    def with_rows(self, rows: Rows) -> Page:
        """Put the records that were loaded in its order; one that was deleted just now is left out."""
        records = {record.pk: record for record in as_models(SendingRecord, rows)}
        found = [records[position.record_id] for position in self.positions if position.record_id in records]
        return Page(found, self.newer, self.older, self.searched_to, self.searched_up_to)


def find_page(
    filters: RecordFilters, size: int, *, before: Position | None = None, after: Position | None = None
) -> Page:
    """Find one page of the records that the filters keep: older than `before`, newer than `after`, or the newest.

    A page may be short, or empty, and lead on all the same: see `Page.searched_to`.
    """
    return _find_place(Search(filters), Scope.of(filters), size, before, after).load()


def find_since(filters: RecordFilters, position: Position, limit: int) -> Found:
    """Find where the records newer than a position stand, the oldest of them first, up to a limit or a stop."""
    return Search(filters).find(Scope.of(filters).newer_than(position), limit)


def count(filters: RecordFilters, limit: int) -> Count:
    """Count the records that the filters keep, up to a limit, and as far as a search goes that stays fast."""
    days = Scope.of(filters)
    counting = Search(filters).counting(days, limit + 1)
    return _counted(counting.read(fetch_together(*counting.questions)), limit)


def find_and_count(
    filters: RecordFilters, size: int, limit: int, *, before: Position | None = None, after: Position | None = None,
    beside: Sequence[Question] = (),
) -> FoundAndCounted:  # fmt: skip
    """Do as `find_page` and `count` do, but find out only once how to search, and load and count at once.

    Args:
        filters: What the records are to fulfil.
        size: Of the page.
        limit: As far as is counted.
        before: As for `find_page`.
        after: As for `find_page`.
        beside: What else is to be asked, of whatever kind.
    """
    search, days = Search(filters), Scope.of(filters)
    place = _find_place(search, days, size, before, after)
    known = _known_number(place) if before is None and after is None else None
    counting = search.counting(days, limit + 1) if known is None else Counting([], lambda _answers: known)
    rows, *answers = fetch_together(place.loading, *counting.questions, *beside)
    number = len(counting.questions)
    counted = counting.read(answers[:number])
    if counted.is_cut and counted.number < place.met.number:
        counted = Counted(place.met.number, is_cut=True)
    return FoundAndCounted(place.with_rows(rows), _counted(counted, limit), answers[number:])


def _known_number(first: _Place) -> Counted | None:
    if first.older is None or first.searched_to:
        # The search for it went further than counting would: all that was met is on it.
        return first.met
    return first.counted


def _find_place(search: Search, days: Scope, size: int, before: Position | None, after: Position | None) -> _Place:
    if after is not None:
        newer = _find(search, days.newer_than(after), size)
        if len(newer.positions) > size or newer.stopped_at:
            return _newer_place(newer, size, after)
        # Too few for a page: the newest page shows them, and fills up with older ones.
        before = None
    found = _find(search, days.older_than(before), size)
    if before is not None and not found.positions and found.stopped_at is None:
        newest = _find(search, days, size)
        # Where that stops on its way, it would lead to this end again, and round in a circle.
        if newest.stopped_at is None:
            found, before = newest, None
    return _older_place(found, size, before)


def _counted(counted: Counted, limit: int) -> Count:
    return Count(min(counted.number, limit), is_at_least=counted.is_cut or counted.number > limit)


def _find(search: Search, scope: Scope, size: int) -> Found:
    return search.find(scope, size + 1)


def _older_place(found: Found, size: int, before: Position | None) -> _Place:
    positions = found.positions[:size]
    has_more = len(found.positions) > size
    return _Place(
        positions,
        newer=_newer_than(positions, before) if before else None,
        older=positions[-1] if has_more else found.stopped_at,
        searched_to=found.stopped_at.started_at if found.stopped_at and not has_more else None,
        counted=found.counted,
    )


def _newer_than(positions: Sequence[Position], before: Position) -> Position:
    # An empty page stands where the search for it began; that record itself is newer than the page.
    return positions[0] if positions else Position(before.started_at, max(before.record_id - 1, 0))


def _newer_place(found: Found, size: int, after: Position) -> _Place:
    positions = found.positions[size - 1 :: -1]
    stopped_at = found.stopped_at if len(found.positions) <= size else None
    return _Place(
        positions,
        newer=stopped_at or positions[0],
        # Without records it leads back to where it came from, that record included.
        older=positions[-1] if positions else Position(after.started_at, after.record_id + 1),
        searched_up_to=stopped_at.started_at if stopped_at else None,
    )

"""The tries of one mail at one receiver as one line: the latest of those that the filters keep.

A line stands where its latest try stands, so pages go on from position to position as they do without folding. Each
page reads a bounded number of pages of tries: where very many tries fold into few lines it may be short, and leads on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from records.filters import RecordFilters
from records.models import SendingRecord
from records.paging import Page, Position
from records.search.conditions import all_of, list_conditions
from records.search.finding import find_page
from records.search.scope import Scope
from records.statements import as_positions, fetch

MAX_READS = 4
"""So many pages of tries are read for one page of lines."""


@dataclass(frozen=True, slots=True)
class Folded:
    """One page of lines, and where the tries stand that each stands for, by the id of its latest."""

    page: Page
    tries: dict[int, list[Position]]
    """A line that is not among them stands for itself."""

    @property
    def positions(self) -> list[Position]:
        """Where all tries stand that the lines stand for."""
        return [position for own in self.page.positions for position in self.tries.get(own.record_id, [own])]


def find_folded_page(
    filters: RecordFilters, size: int, *, before: Position | None = None, after: Position | None = None
) -> Folded:
    """Find one page of lines: older than `before`, newer than `after`, or the newest.

    Going back reads one page of tries, so that page may hold fewer lines than others.
    """
    page = find_page(filters, size, before=before, after=after)
    lines, tries = _fold(filters, page.records)
    reads, newer = 1, page.newer
    while after is None and len(lines) < size and page.older and not page.searched_to and reads < MAX_READS:
        page = find_page(filters, size, before=page.older)
        more, more_tries = _fold(filters, page.records)
        lines, tries, reads = lines + more, tries | more_tries, reads + 1
    older = page.older
    if len(lines) > size:
        lines = lines[:size]
        older = Position(lines[-1].started_at, lines[-1].pk)
        page = replace(page, searched_to=None)
    elif after is None and older and len(lines) < size and not page.searched_to:
        # Too many tries for so few lines: the page says how far it went, as a search does.
        page = replace(page, searched_to=older.started_at)
    return Folded(replace(page, records=lines, newer=newer, older=older), tries)


def _fold(
    filters: RecordFilters, records: list[SendingRecord]
) -> tuple[list[SendingRecord], dict[int, list[Position]]]:
    """Leave out what a later try stands for, wherever in the list that is."""
    tries = _find_tries(filters, {each.receiver_id for each in records})
    lines = [each for each in records if each.receiver_id in tries and tries[each.receiver_id][-1].record_id == each.pk]
    return lines, {each.pk: tries[each.receiver_id] for each in lines}


def _find_tries(filters: RecordFilters, receiver_ids: Iterable[int]) -> dict[int, list[Position]]:
    """Find where the tries stand that filters keep, by their receivers, the latest last."""
    # In the words of the search that found them: by others a database might take other letters for the same.
    kept = all_of([Scope.of(filters).condition, *list_conditions(filters).values()])
    ids = ", ".join(map(str, receiver_ids)) or "0"
    statement = f"""
        SELECT record.receiver_id, record.started_at, record.id FROM records_sendingrecord AS record
        WHERE record.receiver_id IN ({ids}) AND {kept.sql} ORDER BY record.started_at, record.id
    """  # noqa: S608  # numbers, and names of our own
    rows = fetch(statement, kept.parameters)
    found: dict[int, list[Position]] = {}
    for (receiver_id, *_place), position in zip(rows, as_positions([row[1:] for row in rows]), strict=True):
        found.setdefault(receiver_id, []).append(position)
    return found

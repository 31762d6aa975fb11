"""The tries of one mail at one receiver as one line: the latest of those that the filters keep.

A line stands where its latest try stands, so pages go on from position to position as they do without folding. Each
page reads a bounded number of pages of tries: where very many tries fold into few lines it may be short, and leads on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from records.filters import RecordFilters
from records.models import SendingRecord
from records.paging import Page, Position
from records.search.conditions import all_of, list_conditions
from records.search.finding import find_page
from records.search.scope import Scope
from records.statements import fetch

MAX_READS = 4
"""So many pages of tries are read for one page of lines."""


@dataclass(frozen=True, slots=True)
class Folded:
    """One page of lines, and how many tries each stands for, by the id of its latest."""

    page: Page
    tries: dict[int, int]


@dataclass(frozen=True, slots=True)
class _Receiver:
    """What the filters keep of the tries at one receiver."""

    latest: int
    tries: int


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


def _fold(filters: RecordFilters, records: list[SendingRecord]) -> tuple[list[SendingRecord], dict[int, int]]:
    """Leave out what a later try stands for, wherever in the list that is."""
    receivers = {each.receiver_id: _Receiver(each.pk, 1) for each in records}
    receivers |= dict(_count(filters, receivers))
    lines = [each for each in records if receivers[each.receiver_id].latest == each.pk]
    return lines, {each.pk: receivers[each.receiver_id].tries for each in lines}


def _count(filters: RecordFilters, receiver_ids: Iterable[int]) -> Iterator[tuple[int, _Receiver]]:
    # In the words of the search that found them: by others a database might take other letters for the same.
    kept = all_of([Scope.of(filters).condition, *list_conditions(filters).values()])
    ids = ", ".join(map(str, receiver_ids)) or "0"
    statement = f"""
        SELECT record.receiver_id, record.id FROM records_sendingrecord AS record
        WHERE record.receiver_id IN ({ids}) AND {kept.sql} ORDER BY record.started_at, record.id
    """  # noqa: S608  # numbers, and names of our own
    counts: dict[int, int] = {}
    for receiver_id, record_id in fetch(statement, kept.parameters):
        counts[receiver_id] = counts.get(receiver_id, 0) + 1
        yield receiver_id, _Receiver(record_id, counts[receiver_id])

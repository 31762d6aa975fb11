"""The next part of a file in the background: what is in it, and what is needed to go on from there."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

from records.evidence.exporting import REMOVED, UNTIL, Selection, cover, read_portion, write_end, write_header
from records.evidence.keys import find_signing_key, id_of, signing_key
from records.evidence.lines import Chain
from records.export.csv_file import write_head, write_rows
from records.export.enums import FileKind
from records.export.reading import Export
from records.export.xlsx_file import Workbook
from records.forms import find_filters
from records.paging import MAX_ID, Position, find_position
from senders.exceptions import KeyringError

if TYPE_CHECKING:
    from collections.abc import Callable

    from records.export.columns import Cell
    from records.export.models import ExportOrder
    from records.filters import RecordFilters

PART_BYTES = 1_000_000
"""A part is handed over as soon as it has so many, before compression."""
PART_SECONDS = 0.5
"""The same after so much time: a rare filter may find nothing for long."""


class FiltersGoneError(ValueError):
    """The filters of an order can't be read; it is not raised for filters that find nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file."""

    octets: bytes
    rows: int
    progress: dict[str, Any]
    is_last: bool = False


def begin_at(moment: datetime) -> dict[str, Any]:
    """Return the progress of a file that holds nothing yet: what is recorded from then on is left out."""
    return {"before": str(Position(moment, MAX_ID))}


def write_part(order: ExportOrder) -> Part:
    """Write the next part of a file, and nothing to the database.

    Raises:
        FiltersGoneError: Its filters are not known any more.
        KeyringError: It is to be signed, and the key for that is not there.
    """
    with timezone.override(ZoneInfo(order.time_zone)), translation.override(order.language):
        filters = find_filters(order.query)
        if filters is None:
            raise FiltersGoneError(order.query)
        match FileKind(order.kind):
            case FileKind.CSV:
                return _write_csv(order, _export_of(order, filters))
            case FileKind.XLSX:
                return _write_xlsx(order, _export_of(order, filters))
            case FileKind.EVIDENCE:
                return _write_evidence(order, filters)


def _export_of(order: ExportOrder, filters: RecordFilters) -> Export:
    return Export.of(filters, with_subjects=order.with_subjects)


def _write_csv(order: ExportOrder, export: Export) -> Part:
    head = b"" if order.size else write_head(export).encode()
    gathered = _gather(order, export, lambda rows: write_rows(export, rows).encode())
    return Part(head + gathered.octets, gathered.rows, gathered.progress, gathered.is_last)


def _write_xlsx(order: ExportOrder, export: Export) -> Part:
    book = Workbook(export, order.progress.get("book"))
    gathered = _gather(order, export, book.add)
    end = book.finish() if gathered.is_last else b""
    progress = {**gathered.progress, "book": book.as_json()}
    return Part(gathered.octets + end, gathered.rows, progress, gathered.is_last)


def _gather(order: ExportOrder, export: Export, write: Callable[[list[list[Cell]]], bytes]) -> Part:
    """Read and write batches until there is enough for a part."""
    before = find_position(order.progress["before"])
    octets: list[bytes] = []
    rows = size = 0
    ends_at = time.monotonic() + PART_SECONDS
    while before and size < PART_BYTES and time.monotonic() < ends_at:
        batch = export.read_rows(before)
        before = batch.older
        if batch.rows:
            octets.append(write(batch.rows))
            rows += len(batch.rows)
            size += len(octets[-1])
    return Part(b"".join(octets), rows, {"before": str(before or "")}, is_last=before is None)


def _write_evidence(order: ExportOrder, filters: RecordFilters) -> Part:
    chain = _find_chain(order)
    selection = _select(order, filters)
    octets: list[bytes] = []
    if not order.size:
        octets += chain.add(write_header(selection, order.done_by, chain.key.public_key()))
    portion = read_portion(selection, find_position(order.progress.get("after", "")))
    for line in portion.lines:
        octets += chain.add(line)
    rows = len(portion.lines)
    progress: dict[str, Any] = {
        "after": str(portion.last or ""),
        "key": id_of(chain.key.public_key()),
        UNTIL: selection.until.isoformat(),
    }
    if portion.last is None:
        end = write_end(selection, order.rows + rows)
        octets += chain.add(end)
        progress[REMOVED] = end[REMOVED]
    progress["chain"] = _keep(chain)
    return Part(b"".join(octets), rows, progress, is_last=portion.last is None)


def _select(order: ExportOrder, filters: RecordFilters) -> Selection:
    """Select what began in the time and until it was asked for, as far as that is recorded when the file is begun.

    The file says exactly which time it covers.
    """
    if filters.starts_at is None or filters.ends_at is None:
        raise FiltersGoneError(order.query)
    asked = Selection(filters.starts_at, min(filters.ends_at, order.asked_at), filters.sender)
    return replace(asked, until=datetime.fromisoformat(order.progress[UNTIL])) if order.size else cover(asked)


def _find_chain(order: ExportOrder) -> Chain:
    if not order.size:
        return Chain(signing_key())
    key = find_signing_key(order.progress["key"])
    if key is None:  # a file with signatures of two keys proves nothing
        raise KeyringError("The key that the file was begun with is gone.")
    return Chain(key, **order.progress["chain"])


def _keep(chain: Chain) -> dict[str, Any]:
    return {name: value for name, value in asdict(chain).items() if name != "key"}

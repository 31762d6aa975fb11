"""Reading what is exported: batch by batch from one position to the next, so that no slow client holds a query open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from records.bulk import one_of
from records.export.columns import Cell, Column, Words, list_columns, write_row
from records.models import Mail
from records.paging import Page, Position
from records.search.finding import find_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from records.filters import RecordFilters
    from records.models import SendingRecord

BATCH = 1000
"""Records that are in memory at once."""


class Rows(NamedTuple):
    """A batch of rows, and where the next one begins; None: there is none."""

    rows: list[list[Cell]]
    older: Position | None


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported, and how: language and time zone are those of the moment at which it is asked for."""

    filters: RecordFilters
    title: str
    columns: list[Column]
    zone: tzinfo
    words: Words
    with_subjects: bool

    @classmethod
    def of(cls, filters: RecordFilters, *, with_subjects: bool) -> Export:
        """Prepare an export.

        Args:
            filters: Which records.
            with_subjects: Mails' subjects too: they are content, and for those only who may see it.
        """
        zone = timezone.get_current_timezone()
        return cls(
            filters, _("Sending records"), list_columns(with_subjects=with_subjects), zone, Words.now(), with_subjects
        )

    @property
    def zone_name(self) -> str:
        """What the time zone is called."""
        return str(self.zone)

    def rows(self) -> Iterator[list[list[Cell]]]:
        """Return the rows in batches, newest first. What is recorded meanwhile is newer, and so not in them."""
        for records in read_batches(self.filters, self.zone, BATCH):
            if records:
                yield self._write(records)

    def read_rows(self, before: Position) -> Rows:
        """Return the next batch of rows, to be gone on with from where it ends, at any time and by any process."""
        page = read_page(self.filters, self.zone, BATCH, before=before)
        return Rows(self._write(page.records), page.older)

    def _write(self, records: list[SendingRecord]) -> list[list[Cell]]:
        mails = self._find_mails(records)
        # A mail may have been removed since its record was read; the row has all of its cells still.
        gone = ("", "") if self.with_subjects else ("",)
        return [write_row(record, self.words, *mails.get(record.mail_id, gone)) for record in records]

    def _find_mails(self, records: list[SendingRecord]) -> dict[int, tuple[str, ...]]:
        """Find the Message-ID of each record's mail, and its subject where that is asked for."""
        mails = Mail.objects.filter(pk__in=one_of({record.mail_id for record in records}))
        names = ("message_id", "subject") if self.with_subjects else ("message_id",)
        return {pk: tuple(values) for pk, *values in mails.order_by().values_list("pk", *names)}


def read_batches(
    filters: RecordFilters, zone: tzinfo, size: int, *, before: Position | None = None
) -> Iterator[list[SendingRecord]]:
    """Return the records that filters keep, newest first, in batches of at most `size`.

    Of each stretch that is searched comes a batch, be it empty: whoever waits can stop where little is found as well.

    Args:
        filters: Which.
        zone: Whose days the filters mean.
        size: Of a batch.
        before: Where to begin; None: at the newest.
    """
    while True:
        page = read_page(filters, zone, size, before=before)
        yield page.records
        if page.older is None:
            return
        before = page.older


def read_page(filters: RecordFilters, zone: tzinfo, size: int, *, before: Position | None) -> Page:
    """Return one of those batches; `older` of it leads to the next."""
    # Around the query only: between two batches the thread is the caller's.
    with timezone.override(zone):
        page = find_page(filters, size, before=before)
    return Page([]) if before is not None and _begins_anew(page, before) else page


def _begins_anew(page: Page, before: Position) -> bool:
    """Tell whether nothing was left, so that the list shows its beginning, as it does to people."""
    records = [Position(record.started_at, record.pk) for record in page.records[:1]]
    reached = [*records, *([page.older] if page.older else [])]
    return any((each.started_at, each.record_id) >= (before.started_at, before.record_id) for each in reached)

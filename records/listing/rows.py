"""Records as the rows of the list: each value in words, under its column.

Rows are put together here and not by a template: fifty of them would take a template longer than the search took.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import ngettext

from records.enums import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.utils.safestring import SafeString

    from records.listing.columns import Column
    from records.models import SendingRecord


@dataclass(frozen=True, slots=True)
class Table:
    """What is shown of one page of records."""

    columns: list[Column]
    rows: SafeString


def make_table(records: list[SendingRecord], columns: list[Column], tries: Mapping[int, int] | None = None) -> Table:
    """Make the table of some records. `tries`: of each record's receiver, by the record's id, where they are folded."""
    if any(column.needs_mail for column in columns):
        prefetch_related_objects(records, "mail")
    writing = _Writing(columns, tries or {})
    return Table(columns, format_html_join("\n", '<tr role="row">{}</tr>', ((writing.row(each),) for each in records)))


class _Writing:
    """How rows are written: every word looked up once, not once per row."""

    def __init__(self, columns: list[Column], tries: Mapping[int, int]) -> None:
        """Take the words of the active language."""
        self._columns = [(column, _openings(column)) for column in columns]
        self._tries = tries
        self._results = {
            outcome.value: format_html('<span class="result result-{}">{}</span>', outcome.result.value, outcome.label)
            for outcome in Outcome
        }
        self._address = reverse("records:detail", args=[0])

    def row(self, record: SendingRecord) -> SafeString:
        """Write the cells of one record."""
        return format_html_join("", "{}{}</td>", self._cells(record))

    def _cells(self, record: SendingRecord) -> Iterator[tuple[SafeString, SafeString]]:
        for column, (filled, empty) in self._columns:
            if column.key == "time":
                yield filled, self._time(record)
            elif column.key == "result":
                yield filled, self._result(record)
            else:
                text = column.read(record)
                yield filled if text else empty, _text(text)

    def _time(self, record: SendingRecord) -> SafeString:
        url = self._address.replace("/0/", f"/{record.pk}/")
        moment = localtime(record.started_at)
        return format_html(
            '<a href="{}" hx-get="{}"><time datetime="{}">{}</time></a>',
            url, url, moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S}",
        )  # fmt: skip

    def _result(self, record: SendingRecord) -> SafeString:
        result = self._results[record.outcome]
        tries = self._tries.get(record.pk, 1)
        if tries == 1:
            return result
        words = ngettext("%(number)s try", "%(number)s tries", tries) % {"number": tries}
        return format_html('{} <span class="badge">{}</span>', result, words)


def _openings(column: Column) -> tuple[SafeString, SafeString]:
    """Write how a cell of this column begins: one that says something, and an empty one."""
    classes = f"column-{column.key}{' mono' if column.is_mono else ''}"
    label = "" if column.key in {"time", "result"} else format_html(' data-label="{}"', column.label)
    filled, empty = (format_html('<td role="cell" class="{}"{}>', name, label) for name in (classes, f"{classes} none"))
    return filled, empty


def _text(text: str) -> SafeString:
    if not text:
        return format_html('<span class="truncate">{}</span>', "–")
    return format_html('<span class="truncate" title="{}">{}</span>', text, text)

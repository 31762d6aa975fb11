"""Records as the rows of the list: each value in words, under its column.

Rows are put together here and not by a template: fifty of them would take a template longer than the search took.
What comes from a record is escaped where it is written, by `_escaped`, and nothing is marked as safe before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape as _escaped
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.timezone import get_current_timezone, get_current_timezone_name
from django.utils.translation import ngettext

from records.enums import Outcome
from records.models import Mail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.utils.safestring import SafeString

    from records.listing.columns import Column
    from records.models import SendingRecord


@dataclass(frozen=True, slots=True)
class Table:
    """What is shown of one page of records."""

    heads: SafeString
    rows: SafeString


def make_table(
    records: list[SendingRecord], columns: list[Column], tries: Mapping[int, Sequence[object]] | None = None
) -> Table:
    """Make the table of some records. `tries`: what a line stands for, by the record's id, where they are folded."""
    if any(column.needs_mail for column in columns):
        _attach_mails(records)
    writing = _Writing(columns, tries or {})
    heads = "\n".join(_head(each) for each in columns)
    rows = "\n".join(writing.row(each) for each in records)
    return Table(mark_safe(heads), mark_safe(rows))  # noqa: S308  # every value is escaped


def _attach_mails(records: list[SendingRecord]) -> None:
    mails = Mail.objects.in_bulk({record.mail_id for record in records})
    for record in records:
        # It may have been removed since its record was read; the row has all of its cells still.
        record.mail = mails.get(record.mail_id) or Mail(pk=record.mail_id)


class _Writing:
    """How rows are written: every word looked up once, not once per row."""

    def __init__(self, columns: list[Column], tries: Mapping[int, Sequence[object]]) -> None:
        """Take the words of the active language."""
        self._columns = [(column, _openings(column)) for column in columns]
        self._tries = tries
        self._results = {outcome.value: _mark(outcome) for outcome in Outcome}
        self._address = _escaped(reverse("records:detail", args=[0]))
        self._zone = get_current_timezone()

    def row(self, record: SendingRecord) -> str:
        """Write the cells of one record."""
        return f'<tr role="row">{"</td>".join(self._cells(record))}</td></tr>'

    def _cells(self, record: SendingRecord) -> Iterator[str]:
        for column, (filled, empty) in self._columns:
            if column.key == "time":
                yield filled + self._time(record)
            elif column.key == "result":
                yield filled + self._result(record)
            elif text := _escaped(column.read(record)):
                yield f'{filled}<bdi class="truncate" title="{text}">{text}</bdi>'
            else:
                yield f'{empty}<span class="truncate">–</span>'

    def _time(self, record: SendingRecord) -> str:
        url = self._address.replace("/0/", f"/{record.pk}/")
        moment = record.started_at.astimezone(self._zone)
        text = moment.isoformat()
        return f'<a href="{url}" hx-get="{url}"><time datetime="{text}">{text[:10]} {text[11:19]}</time></a>'

    def _result(self, record: SendingRecord) -> str:
        result = self._results[record.outcome]
        tries = len(self._tries.get(record.pk, [record]))
        if tries == 1:
            return result
        words = ngettext("%(number)s try", "%(number)s tries", tries) % {"number": tries}
        return f'{result} <span class="badge">{_escaped(words)}</span>'


def _head(column: Column) -> str:
    zone = f' title="{_escaped(get_current_timezone_name())}"' if column.key == "time" else ""
    label = _escaped(str(column.label))
    return f'<th role="columnheader" scope="col" class="column-{column.key}"{zone}>{label}</th>'


def _mark(outcome: Outcome) -> str:
    return f'<span class="result result-{outcome.result.value}">{_escaped(str(outcome.label))}</span>'


def _openings(column: Column) -> tuple[str, str]:
    """Write how a cell of this column begins: one that says something, and an empty one."""
    classes = f"column-{column.key}{' mono' if column.is_mono else ''}"
    label = "" if column.key in {"time", "result"} else f' data-label="{_escaped(str(column.label))}"'
    filled, empty = (f'<td role="cell" class="{name}"{label}>' for name in (classes, f"{classes} none"))
    return filled, empty

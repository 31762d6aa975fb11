"""Sending records as CSV: written row by row, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from records.models import SendingRecord
from records.querysets import SendingRecordQuerySet

BYTE_ORDER_MARK = "\ufeff"
CHUNK_SIZE = 2000
# What spreadsheets take for the beginning of a formula, in full width too.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_IGNORED_BEFORE_FORMULA = " \t\r\n\v\f\0'\"\xa0\u200b\ufeff"


class _Echo:
    """A file that hands back what is written to it, so that csv.writer makes lines to stream."""

    def write(self, line: str) -> str:
        return line


def defuse(text: str) -> str:
    """Return the text so that a spreadsheet shows it and never runs it as a formula."""
    if text[:1] in {"\t", "\r", "\n"} or text.lstrip(_IGNORED_BEFORE_FORMULA).startswith(_FORMULA_STARTS):
        return f"'{text}"
    return text


def stream_csv(records: SendingRecordQuerySet) -> Iterator[str]:
    """Yield the records as lines of CSV, the headers first; memory stays the same for any number of them."""
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow(_headers())
    for record in records.newest_first().iterator(chunk_size=CHUNK_SIZE):
        yield writer.writerow([defuse(cell) for cell in _cells(record)])


def _headers() -> list[str]:
    return [
        _("Sending time"),
        _("Sending result"),
        _("Sender"),
        _("Receiver email"),
        _("Template name"),
        _("Accessed resource"),
        _("IP address"),
        _("Reply code"),
        _("Enhanced status code"),
        _("Reply of the server"),
        _("Reason"),
        _("End"),
        _("Server"),
        _("Queue id"),
        _("Mail number"),
        _("Record number"),
    ]


def _cells(record: SendingRecord) -> list[str]:
    return [
        _write_time(record.started_at),
        record.get_outcome_display(),
        record.sender_address,
        record.receiver_address,
        record.template_name,
        record.accessed_resource,
        record.requester_ip or "",
        str(record.reply_code or ""),
        record.enhanced_status,
        record.reply_text,
        record.get_skip_reason_display() or record.get_fault_display(),
        _write_time(record.ended_at),
        record.server,
        record.queue_id,
        str(record.mail_id),
        str(record.pk),
    ]


def _write_time(moment: datetime | None) -> str:
    """Write ISO 8601 with the offset of the active time zone."""
    return timezone.localtime(moment).isoformat() if moment else ""

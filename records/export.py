"""Sending records as CSV: written piece by piece, safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from records.enums import Fault, Outcome, SkipReason
from records.querysets import SendingRecordQuerySet

BYTE_ORDER_MARK = "\ufeff"
ROWS_AT_ONCE = 1000
# What spreadsheets take for the beginning of a formula, in full width too.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_IGNORED_BEFORE_FORMULA = " \t\r\n\v\f\0'\"\xa0\u200b\ufeff"
_WITHIN = re.compile(
    rf"((?:;|(?!\A)\t)[{re.escape(_IGNORED_BEFORE_FORMULA)}]*)(?=[{re.escape(''.join(_FORMULA_STARTS))}])"
)
_FIELDS = (
    "started_at", "outcome", "sender_address", "receiver_address", "template_name", "accessed_resource",
    "requester_ip", "reply_code", "enhanced_status", "reply_text", "skip_reason", "fault", "ended_at", "server",
    "queue_id", "mail_id", "id",
)  # fmt: skip


def defuse(text: str) -> str:
    """Return the text so that a spreadsheet shows it and never runs it as a formula.

    Within the text too: where the system parts lists by semicolons, a spreadsheet ends the cell at one, quotes or not.
    """
    text = _WITHIN.sub(r"\1'", text)
    if text[:1] in {"\t", "\r", "\n"} or text.lstrip(_IGNORED_BEFORE_FORMULA).startswith(_FORMULA_STARTS):
        return f"'{text}"
    return text


def stream_csv(records: SendingRecordQuerySet) -> Iterator[str]:
    """Return the records as pieces of CSV, the headers first; memory stays the same for any number of them.

    Language and time zone are those of the moment of the call, since the pieces are asked for later.
    """
    return _write_pieces(records, _Writing.now(), _headers())


def _write_pieces(records: SendingRecordQuerySet, writing: "_Writing", headers: list[str]) -> Iterator[str]:
    yield BYTE_ORDER_MARK + _write_lines([headers])
    rows = records.newest_first().values_list(*_FIELDS).iterator(chunk_size=ROWS_AT_ONCE)
    while piece := [writing.cells(*row) for row in islice(rows, ROWS_AT_ONCE)]:
        yield _write_lines(piece)


def _write_lines(rows: Iterable[list[str]]) -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue()


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


@dataclass(frozen=True, slots=True)
class _Writing:
    """How values are written: every word looked up once, not once per row."""

    zone: tzinfo
    outcomes: dict[str, str]
    reasons: dict[str, str]

    @classmethod
    def now(cls) -> "_Writing":
        """Take the active language and time zone."""
        return cls(
            timezone.get_current_timezone(),
            {outcome.value: str(outcome.label) for outcome in Outcome},
            {reason.value: str(reason.label) for reason in (*SkipReason, *Fault)},
        )

    def cells(self, started_at: datetime, outcome: str, *rest: Any) -> list[str]:
        """Write one row in the order of `_FIELDS`, skip reason and fault in one cell."""
        *texts, skip_reason, fault, ended_at, server, queue_id, mail_id, record_id = rest
        reason = self.reasons.get(skip_reason or fault, "")
        values = [self.outcomes[outcome], *texts, reason, self.time(ended_at), server, queue_id, mail_id, record_id]
        return [self.time(started_at), *(defuse("" if value is None else str(value)) for value in values)]

    def time(self, moment: datetime | None) -> str:
        """Write ISO 8601 with the offset of the time zone."""
        return moment.astimezone(self.zone).isoformat() if moment else ""

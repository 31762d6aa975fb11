"""The columns of an export, the same for every kind of file: times are times and numbers are numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext as _

from records.enums import Fault, Outcome, SkipReason

if TYPE_CHECKING:
    from records.models import SendingRecord

Cell = datetime | int | str | None
"""What a cell may hold; None leaves it empty."""


class Column(NamedTuple):
    """One column, in the language of the reader."""

    title: str
    width: int
    """Characters that fit."""
    is_time: bool = False


def list_columns(*, with_subjects: bool) -> list[Column]:
    """List the columns in the order of `write_row`."""
    columns = [
        Column(_("Sending time"), 24, is_time=True),
        Column(_("Sending result"), 16),
        Column(_("Sender"), 28),
        Column(_("Receiver email"), 32),
        Column(_("Template name"), 24),
        Column(_("Accessed resource"), 32),
        Column(_("IP address"), 16),
        Column(_("Reply code"), 11),
        Column(_("Enhanced status code"), 13),
        Column(_("Reply of the server"), 48),
        Column(_("Reason"), 32),
        Column(_("End"), 24, is_time=True),
        Column(_("Server"), 26),
        Column(_("Queue id"), 18),
        Column(_("Mail number"), 13),
        Column(_("Record number"), 13),
        Column(_("Message-ID"), 44),
    ]
    return [*columns, Column(_("Subject"), 40)] if with_subjects else columns


@dataclass(frozen=True, slots=True)
class Words:
    """The names of results and reasons, each looked up once and not once per row."""

    outcomes: dict[str, str]
    reasons: dict[str, str]

    @classmethod
    def now(cls) -> Words:
        """Take those of the active language."""
        return cls(
            {outcome.value: str(outcome.label) for outcome in Outcome},
            {reason.value: str(reason.label) for reason in (*SkipReason, *Fault)},
        )


def write_row(record: SendingRecord, words: Words, *of_mail: str) -> list[Cell]:
    """Write one record as cells; the Message-ID of its mail, and perhaps its subject, come last."""
    return [
        record.started_at,
        words.outcomes[record.outcome],
        record.sender_address,
        record.receiver_address,
        record.template_name,
        record.accessed_resource,
        record.requester_ip,
        record.reply_code,
        record.enhanced_status,
        record.reply_text,
        words.reasons.get(record.skip_reason or record.fault, ""),
        record.ended_at,
        record.server,
        record.queue_id,
        record.mail_id,
        record.pk,
        *of_mail,
    ]

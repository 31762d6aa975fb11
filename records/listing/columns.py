"""The columns of the record list: the manual's, and those that can be shown beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from records.filters import NEEDED_FOR_SUBJECTS
from records.forms import name_cause
from records.story import find_duration
from records.templatetags.records import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.contrib.auth.models import AnonymousUser, User
    from django.utils.functional import Promise

    from records.models import SendingRecord


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Time, result and receiver are those without which a row says nothing: they can't be hidden."""

    key: str
    """Kept in preferences, and part of a class of the style sheet; never changes its meaning."""
    label: str | Promise
    read: Callable[[SendingRecord], str]
    is_fixed: bool = False
    is_usual: bool = True
    """Shown until somebody chooses."""
    is_mono: bool = False
    needs_mail: bool = False
    """It stands with the mail, which is read for it."""
    needs: str = ""
    """The permission to see what stands in it, where that of the list is not enough."""

    def may_be_seen_by(self, person: User | AnonymousUser) -> bool:
        """Tell whether a person may see what stands in it."""
        return not self.needs or person.has_perm(self.needs)


def _duration(record: SendingRecord) -> str:
    taken = find_duration(record)
    return duration(taken) if taken is not None else ""


def _reply(record: SendingRecord) -> str:
    return " ".join(str(part) for part in (record.reply_code, record.enhanced_status, record.reply_text) if part)


COLUMNS = (
    # How these two are written is told by `rows`.
    Column("time", _("Sending time"), lambda record: record.started_at.isoformat(), is_fixed=True),
    Column("result", _("Result"), lambda record: record.outcome, is_fixed=True),
    Column("sender", _("Sender"), lambda record: record.sender_address),
    Column("receiver", _("Receiver email"), lambda record: record.receiver_address, is_fixed=True),
    Column(
        "subject", _("Subject"), lambda record: record.mail.subject,
        is_usual=False, needs_mail=True, needs=NEEDED_FOR_SUBJECTS,
    ),
    Column("template", _("Template name"), lambda record: record.template_name),
    Column("resource", _("Accessed resource"), lambda record: record.accessed_resource, is_mono=True),
    Column("ip", _("IP address"), lambda record: record.requester_ip or "", is_mono=True),
    Column("requester", _("Requested by"), lambda record: record.mail.requested_by, is_usual=False, needs_mail=True),
    Column("cause", _("Cause"), lambda record: name_cause(record.cause), is_usual=False),
    Column("phase", _("Step"), lambda record: record.get_phase_display(), is_usual=False),
    Column("reply", _("Reply of the server"), _reply, is_usual=False, is_mono=True),
    Column("server", _("Server"), lambda record: record.server, is_usual=False, is_mono=True),
    Column("duration", _("Duration"), _duration, is_usual=False),
    Column(
        "message_id", _("Message-ID"), lambda record: record.mail.message_id,
        is_usual=False, is_mono=True, needs_mail=True,
    ),
    Column("queue_id", _("Queue id"), lambda record: record.queue_id, is_usual=False, is_mono=True),
    Column("mail", _("Mail number"), lambda record: str(record.mail_id), is_usual=False),
)  # fmt: skip


def usual_columns() -> list[Column]:
    """List the columns that are shown until somebody chooses."""
    return [column for column in COLUMNS if column.is_usual]


def choose_columns(keys: Iterable[str]) -> list[Column]:
    """List the columns with these keys and those that can't be hidden, in their own order; keys may be unknown."""
    wanted = set(keys)
    return [column for column in COLUMNS if column.is_fixed or column.key in wanted]

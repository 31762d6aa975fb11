"""What an order would do, told before it is given: how many mails, to whom, from whom, and which can't go again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils import timezone

from records.bulk import one_of
from records.enums import MailKind
from records.export.reading import read_batches
from records.models import UNFINISHED_STATES, Content, Mail
from records.paging import Position

if TYPE_CHECKING:
    from records.filters import RecordFilters
    from records.models import SendingRecord

MAX_COUNTED = 10_000
"""Mails that are counted; the page must not read the whole history to show a number."""
PATIENCE = 2.0
"""Seconds that a person waits for the number."""
SHOWN = 5
"""Receivers and senders that are named."""
_BATCH = 2000
_LAST_ID = 2**63 - 1


@dataclass(slots=True)
class Meant:
    """The mails of the records that filters keep, as far as they were counted."""

    mail_ids: set[int] = field(default_factory=set)
    is_at_least: bool = False
    """Reading took too long: there may be more."""
    receivers: dict[str, None] = field(default_factory=dict)
    """By their addresses, in the order of the list."""
    senders: dict[str, None] = field(default_factory=dict)
    gone: int = 0
    """Mails whose content is not kept, not the whole of it, or masked. Both only where all were counted."""
    unfinished: int = 0
    """Mails that still wait."""
    test_mail_ids: set[int] = field(default_factory=set)
    """Test mails, which never go again."""

    @property
    def mails(self) -> int:
        """How many, as far as the page tells."""
        return min(len(self.mail_ids), MAX_COUNTED)

    @property
    def is_over(self) -> bool:
        """Tell whether there are more than the page counts."""
        return len(self.mail_ids) > MAX_COUNTED

    @property
    def can_go(self) -> bool:
        """Tell whether any of them goes again, as far as that is known."""
        return self.is_at_least or self.mails > self.gone + self.unfinished

    @property
    def test_mails(self) -> int:
        """How many test mails are left out."""
        return len(self.test_mail_ids)

    @property
    def shown_receivers(self) -> list[str]:
        """The first of the receivers."""
        return list(self.receivers)[:SHOWN]

    @property
    def more_receivers(self) -> int:
        """How many receivers are not shown."""
        return max(0, len(self.receivers) - SHOWN)

    @property
    def shown_senders(self) -> list[str]:
        """The first of the senders."""
        return list(self.senders)[:SHOWN]

    @property
    def more_senders(self) -> int:
        """How many senders are not shown."""
        return max(0, len(self.senders) - SHOWN)

    def add(self, record: SendingRecord) -> None:
        """Count a record's mail, unless it is counted."""
        if record.kind == MailKind.MAIL:
            self.mail_ids.add(record.mail_id)
            self.receivers.setdefault(record.receiver_address)
            if record.sender_address:
                self.senders.setdefault(record.sender_address)
        else:
            self.test_mail_ids.add(record.mail_id)


def find_meant(filters: RecordFilters, up_to: Position) -> Meant:
    """Read what is meant, for as long as a person waits."""
    meant = Meant()
    ends_at = time.monotonic() + PATIENCE
    zone = timezone.get_current_timezone()
    for records in read_batches(filters, zone, _BATCH, before=Position(up_to.started_at, _LAST_ID)):
        for record in records:
            meant.add(record)
            if meant.is_over:
                return meant
        if time.monotonic() > ends_at:
            meant.is_at_least = True
            return meant
    _find_unable(meant)
    return meant


def _find_unable(meant: Meant) -> None:
    mails = Mail.objects.filter(pk__in=one_of(meant.mail_ids)).order_by()
    meant.unfinished = mails.filter(state__in=UNFINISHED_STATES).count()
    whole = Content.objects.filter(
        mail_id__in=one_of(meant.mail_ids), mail__has_secrets=False, body__attachments_removed_at__isnull=True
    )
    meant.gone = meant.mails - whole.count()

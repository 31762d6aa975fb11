"""What an order would do, told before it is given: how many mails, to whom, from whom, and which can't go again."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models.functions import Coalesce
from django.utils import timezone

from delivery.resending.families import find_families
from records.bulk import one_of
from records.enums import MailKind
from records.export.reading import read_batches
from records.models import UNFINISHED_STATES, Content, Mail, Receiver
from records.paging import Position
from records.resending.enums import LeftOut
from senders.models import Sender

if TYPE_CHECKING:
    from collections.abc import Collection

    from delivery.resending.families import Families
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

    is_for_failed: bool = False
    """The filters keep no try that went well: who has the mail by now is left out."""
    mail_ids: set[int] = field(default_factory=set)
    receiver_ids: set[int] = field(default_factory=set)
    is_at_least: bool = False
    """Reading took too long: there may be more."""
    receivers: dict[str, None] = field(default_factory=dict)
    """By their addresses, in the order of the list."""
    senders: dict[str, None] = field(default_factory=dict)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    """How many don't go again, each under one reason; only where all were counted."""
    without_account: int = 0
    """How many of the others only go if an account is chosen for them; only where all were counted."""
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
    def most_that_go(self) -> int:
        """How many go again, unless some don't keep to the rules of today; only where all were counted."""
        return self.mails - self.left_out.total()

    @property
    def can_go(self) -> bool:
        """Tell whether any of them goes again, as far as that is known."""
        return self.is_at_least or self.most_that_go > 0

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
            self.receiver_ids.add(record.receiver_id)
            self.receivers.setdefault(record.receiver_address)
            if record.sender_address:
                self.senders.setdefault(record.sender_address)
        else:
            self.test_mail_ids.add(record.mail_id)


def find_meant(filters: RecordFilters, up_to: Position) -> Meant:
    """Read what is meant, for as long as a person waits."""
    meant = Meant(is_for_failed=not filters.may_keep_success)
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
    _count_left_out(meant)
    return meant


def _count_left_out(meant: Meant) -> None:
    lookup = _Lookup.of(meant)
    # In the order in which they would go: of a family that failed as a whole the first goes, and the others don't.
    for mail_id in sorted(meant.mail_ids):
        reason = lookup.find_reason(mail_id)
        if reason is not None:
            meant.left_out[reason] += 1
        elif mail_id not in lookup.with_account:
            meant.without_account += 1


@dataclass(frozen=True, slots=True)
class _Lookup:
    """What tells which of the mails don't go again: a few queries for any number of them."""

    unfinished: set[int]
    masked: set[int]
    whole: set[int]
    with_account: set[int]
    """Those that their own account may send."""
    families: Families | None
    """None: who has the mail gets it again too."""
    receivers: dict[int, list[Receiver]]
    """Those that are meant, by their mails; only where there are families."""

    @classmethod
    def of(cls, meant: Meant) -> _Lookup:
        """Look everything up."""
        ids = one_of(meant.mail_ids)
        mails = Mail.objects.filter(pk__in=ids).order_by()
        whole = Content.objects.filter(mail_id__in=ids, body__attachments_removed_at__isnull=True)
        accounts = mails.annotate(account=Coalesce("stands_in_for_id", "sender_id"))
        with_account = accounts.filter(account__in=Sender.objects.enabled().values("pk"))
        return cls(
            unfinished=set(mails.filter(state__in=UNFINISHED_STATES).values_list("pk", flat=True)),
            masked=set(mails.filter(has_secrets=True).values_list("pk", flat=True)),
            whole=set(whole.values_list("mail_id", flat=True)),
            with_account=set(with_account.values_list("pk", flat=True)),
            families=find_families(meant.mail_ids) if meant.is_for_failed else None,
            receivers=_read_receivers(meant.receiver_ids) if meant.is_for_failed else {},
        )

    def find_reason(self, mail_id: int) -> LeftOut | None:
        """Find the reason that the order would name first; None: the mail goes, and counts as sent from then on."""
        if mail_id in self.unfinished:
            return LeftOut.UNFINISHED
        receivers = self.receivers.get(mail_id)
        if self.families and receivers:
            lacking = self.families.find_lacking(mail_id, receivers)
            if isinstance(lacking, LeftOut):
                return lacking
            receivers = lacking
        if mail_id in self.masked:
            return LeftOut.SECRETS_GONE
        if mail_id not in self.whole:
            return LeftOut.CONTENT_GONE
        if self.families and receivers:
            self.families.serve(mail_id, receivers)
        return None


def _read_receivers(ids: Collection[int]) -> dict[int, list[Receiver]]:
    receivers = defaultdict(list)
    for one in Receiver.objects.filter(pk__in=one_of(ids)).order_by().only("mail_id", "address", "state"):
        receivers[one.mail_id].append(one)
    return receivers

"""What can be wrong with waiting mail: too old, held for a person, refused because mail is not configured."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, OuterRef, QuerySet, Subquery

from delivery.alarms.accounts import find_circuit
from delivery.alarms.troubles import Trouble
from records.alarms.enums import AlarmKind
from records.enums import MailState, Outcome, Priority, SkipReason
from records.error_book import explain_outcome
from records.models import Mail, SendingRecord
from senders.allowances import AllowanceState, Window
from senders.models import Sender
from senders.services import find_default_sender

REFUSALS_COUNT_FOR = timedelta(days=1)
"""How long after its refusal a mail that named no sender is a reason for an alarm."""
MAX_LOOKED_AT = 1000
"""Latest records of mail that was not sent, among which refusals are looked for."""


def find_oldest_due() -> dict[int, datetime]:
    """Find when the mail of each account that waits longest was or is due; each is one step along an index.

    A query of its own: PostgreSQL would multiply its cost by all that is joined to the accounts, and compile it.
    """
    oldest = {f"oldest_{priority.value}": Subquery(_first_due(priority)) for priority in Priority}
    rows = Sender.objects.order_by().annotate(**oldest).values_list("pk", *oldest)
    found = {pk: [moment for moment in moments if moment] for pk, *moments in rows}
    return {pk: min(moments) for pk, moments in found.items() if moments}


def _first_due(priority: Priority) -> "QuerySet[Mail, datetime]":
    waiting = Mail.objects.waiting().filter(sender=OuterRef("pk"), priority=priority)
    return waiting.order_by("due_at", "pk").values_list("due_at", flat=True)[:1]


def is_hindered(sender: Sender, allowance: AllowanceState, paused: Collection[int]) -> bool:
    """Tell whether something keeps the account's mail waiting for good reason.

    A pause is wanted, a limit has its own alarm or only slows down, a fault of the account has its own alarm.
    """
    return sender.pk in paused or find_circuit(sender) is not None or _is_slowed(allowance)


def _is_slowed(allowance: AllowanceState) -> bool:
    """Tell whether a limit makes the mail wait: nothing may go now, or what may has just begun to go."""
    in_motion = any(use.used for use in allowance.uses if use.window is not Window.DAY)
    return in_motion or allowance.exhausted_until is not None


def find_old_queue(sender: Sender, oldest: datetime | None, now: datetime) -> Trouble | None:
    """Tell that the mail of an account that nothing hinders waits too long.

    Args:
        sender: Loaded with its `hindrance`.
        oldest: When its mail that waits longest was or is due.
        now: The database's time.
    """
    hindrance = getattr(sender, "hindrance", None)
    too_long_ago = now - timedelta(minutes=settings.MAILBOX_ALARM_QUEUE_MINUTES)
    if oldest is None or oldest > too_long_ago:
        return None
    if hindrance and hindrance.seen_at > too_long_ago:  # it has not had the time to become shorter
        return None
    disabled = explain_outcome(Outcome.SKIPPED, SkipReason.SENDER_DISABLED).key
    return Trouble(AlarmKind.QUEUE_OLD, sender, "" if sender.is_enabled else disabled, began_at=oldest)


def find_held(senders: Mapping[int, Sender]) -> Iterator[Trouble]:
    """Tell whose mail is held for a person to decide; that of deleted accounts counts together."""
    held = Mail.objects.filter(state=MailState.UNCERTAIN).order_by()
    cause = explain_outcome(Outcome.UNKNOWN).key
    for sender_id, count, since in held.values_list("sender_id").annotate(Count("pk"), Min("finished_at")):
        yield Trouble(AlarmKind.HELD, senders.get(sender_id), cause, began_at=since, amount=count)


def find_not_configured(now: datetime) -> Trouble | None:
    """Tell that mail was refused for want of a system default sender, and that there is still none."""
    if find_default_sender() is not None:
        return None
    # Few of the latest: cancelled mail has the same outcome, and there can be a million of it.
    skipped = SendingRecord.objects.filter(outcome=Outcome.SKIPPED, started_at__gte=now - REFUSALS_COUNT_FOR)
    latest = skipped.order_by("-started_at", "-id").values("pk")[:MAX_LOOKED_AT]
    refused = SendingRecord.objects.filter(pk__in=latest, skip_reason=SkipReason.NOT_CONFIGURED).order_by()
    found = refused.aggregate(count=Count("mail", distinct=True), since=Min("started_at"))
    if not found["count"]:
        return None
    cause = explain_outcome(Outcome.SKIPPED, SkipReason.NOT_CONFIGURED).key
    return Trouble(AlarmKind.NOT_CONFIGURED, None, cause, began_at=found["since"], amount=found["count"])

"""One look at everything that can be wrong, after each sweep, by whichever worker comes first."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from delivery.alarms.finding import look_at_everything
from delivery.alarms.register import register
from delivery.alarms.tally import count_new_records
from delivery.alarms.webhook.lane import start_pass
from records.alarms.models import Hindrance
from records.clock import database_now
from records.models import Heartbeat
from senders.models import Sender

HEARTBEAT = "alarms"
MISSED_CHECKS = 8
"""After so many checks that nobody made, no worker was there."""


def check() -> None:
    """Look at everything, unless another worker did a moment ago; raise and clear alarms, and tell of them."""
    now = database_now()
    last = Heartbeat.objects.filter(name=HEARTBEAT).values_list("seen_at", flat=True).first()
    if not _is_my_turn(now):
        return
    nobody_worked = last is None or now - last > timedelta(seconds=settings.SWEEP_SECONDS * MISSED_CHECKS)
    findings = look_at_everything(now, nobody_worked=nobody_worked)
    register(findings.troubles, now)
    remember_hindered(findings.hindered, now)
    count_new_records(now)
    start_pass()


def _is_my_turn(now: datetime) -> bool:
    """Let one of all workers look per sweep; each of them sweeps, and one look is enough."""
    a_moment_ago = now - timedelta(seconds=settings.SWEEP_SECONDS / 2)
    # Of the future: the clock was set back, and it may take a day to get there.
    due = Q(seen_at__lte=a_moment_ago) | Q(seen_at__gt=now)
    if Heartbeat.objects.filter(due, name=HEARTBEAT).update(seen_at=now):
        return True
    _heartbeat, is_first = Heartbeat.objects.get_or_create(name=HEARTBEAT, defaults={"seen_at": now})
    return is_first


def remember_hindered(sender_ids: Collection[int], now: datetime) -> None:
    """Note whose mail is kept waiting for good reason, so that it gets its time when the reason is gone."""
    present = Sender.objects.filter(pk__in=sender_ids).values_list("pk", flat=True)
    rows = [Hindrance(sender_id=pk, seen_at=now) for pk in present]
    Hindrance.objects.bulk_create(rows, update_conflicts=True, unique_fields=["sender"], update_fields=["seen_at"])

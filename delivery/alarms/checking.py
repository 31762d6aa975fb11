"""One look at everything that can be wrong, after each sweep, by whichever worker comes first."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from delivery.alarms.finding import find_troubles
from delivery.alarms.register import register
from delivery.alarms.tally import count_new_records
from delivery.alarms.webhook.lane import start_pass
from records.clock import database_now
from records.models import Heartbeat

HEARTBEAT = "alarms"


def check() -> None:
    """Look at everything, unless another worker did a moment ago; raise and clear alarms, and tell of them."""
    now = database_now()
    if not _is_my_turn(now):
        return
    register(find_troubles(now), now)
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

"""Mail that has no record yet, or waits for its next try: told on the page where somebody looks for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from records.clock import database_now
from records.models import UNFINISHED_STATES, Heartbeat, Mail

MAX_COUNTED = 1000
"""More are shown as "more than 1,000"."""
SILENCE = timedelta(seconds=60)
"""Workers are seen with every sweep, four times a minute; after this long none is at work."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, and whether anybody will take it."""

    count: int
    oldest_at: datetime
    """When the one that waits longest was accepted."""
    worker_seen_at: datetime | None
    """None: no worker was ever at work."""
    is_stuck: bool
    """No worker is at work, and mail waits longer than one would need to be seen."""

    @property
    def is_capped(self) -> bool:
        """Tell whether more wait than were counted."""
        return self.count > MAX_COUNTED


def find_waiting() -> Waiting | None:
    """Find what waits to be sent, in two queries however much was sent before; None if nothing does.

    What a worker has in hand counts too: it has no record until its try ends, or takes long.
    """
    unsent = Mail.objects.filter(state__in=UNFINISHED_STATES, finished_at__isnull=True)
    some = unsent.order_by()[: MAX_COUNTED + 1]
    found = some.aggregate(count=Count("pk"), oldest_at=Min("accepted_at"))
    if not found["count"]:
        return None
    seen_at = Heartbeat.objects.filter(name="worker").values_list("seen_at", flat=True).first()
    late = database_now() - SILENCE
    is_stuck = found["oldest_at"] < late and (seen_at is None or seen_at < late)
    return Waiting(found["count"], found["oldest_at"], seen_at, is_stuck)

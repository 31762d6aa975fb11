"""The alarms that are over, page by page, by position: as fast on the last page as on the first."""

from dataclasses import dataclass

from django.db.models import Q

from records.alarms.models import Alarm
from records.paging import Position

PAGE_SIZE = 30


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of cleared alarms, the latest first."""

    alarms: list[Alarm]
    older: Position | None = None
    """Where the next page begins."""


def get_history_page(before: Position | None) -> HistoryPage:
    """Return the cleared alarms that were raised before a position, or the latest."""
    cleared = Alarm.objects.filter(cleared_at__isnull=False).order_by("-raised_at", "-pk")
    if before is not None:
        later = Q(raised_at__lt=before.started_at) | Q(raised_at=before.started_at, pk__lt=before.record_id)
        # Stated apart for the index: databases don't see it in the disjunction.
        cleared = cleared.filter(later, raised_at__lte=before.started_at)
    rows = list(cleared[: PAGE_SIZE + 1])
    page = rows[:PAGE_SIZE]
    is_last = len(rows) == len(page)
    return HistoryPage(page, None if is_last else Position(page[-1].raised_at, page[-1].pk))

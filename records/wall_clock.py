"""The moments that times of the clock on the wall mean, also on the days when clocks change."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, tzinfo

from django.utils import timezone


def find_moment(day: date, on_clock: time, *, is_end: bool = False) -> datetime:
    """Find the moment at which clocks of the active time zone show a time, in UTC.

    Where clocks are put forward over it, that is the moment at which they are. Where they show it twice, it is the
    first time, or the second one if what is meant ends then.
    """
    zone = timezone.get_current_timezone()
    shown = datetime.combine(day, on_clock, tzinfo=zone)
    # In UTC: Python does not tell the two apart within one time zone.
    first, second = (shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first > second:  # the order by which a time is known that no clock shows
        return _find_change(second, first, zone)
    return second if is_end else first


def read_clock(moment: datetime) -> tuple[date, time]:
    """Return the day and the time that clocks of the active time zone show at a moment."""
    shown = timezone.localtime(moment)
    return shown.date(), shown.time()


def _find_change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Find the second at which clocks change between two moments; no list of changes can be asked for it."""
    seconds = range(int(before.timestamp()), int(after.timestamp()))
    new = after.astimezone(zone).utcoffset()
    place = bisect_left(seconds, True, key=lambda second: datetime.fromtimestamp(second, zone).utcoffset() == new)
    return datetime.fromtimestamp(seconds.start + place, UTC)

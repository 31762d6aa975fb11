"""How far the overview looks back, and in what steps; days and weeks are those of the reader's time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.filters import DayRange, RecordFilters

_HOUR = timedelta(hours=1)
_HOURS = 24
_WEEKS = 52
_LABELS = {"hour": "%H:%M", "day": "%m-%d", "week": "%m-%d"}


class Span(models.TextChoices):
    """How far to look back, up to now."""

    DAY = "24h", _("24 hours")
    """Hour by hour, the present one included; 25 where the first of 24 is an hour that comes twice."""
    WEEK = "7d", _("7 days")
    """Today and the six days before."""
    MONTH = "30d", _("30 days")
    """Today and the 29 days before."""
    QUARTER = "90d", _("90 days")
    """Today and the 89 days before."""
    YEAR = "12m", _("12 months")
    """This week and the 52 before."""


class Step(StrEnum):
    """What one bar of the chart is of."""

    HOUR = "hour"
    """A full hour."""
    DAY = "day"
    """A calendar day, which may have 23 or 25 hours."""
    WEEK = "week"
    """Seven calendar days, from Monday on."""


_DAYS = {Span.WEEK: 7, Span.MONTH: 30, Span.QUARTER: 90}
_RANGES = {Span.WEEK: DayRange.WEEK, Span.MONTH: DayRange.MONTH}


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is looked at, cut into steps."""

    span: Span
    step: Step
    bounds: tuple[datetime, ...]
    """Where each step begins, and where the last one ends."""

    @property
    def since(self) -> datetime:
        """Where it begins."""
        return self.bounds[0]

    @property
    def steps(self) -> list[tuple[datetime, datetime]]:
        """Each step's beginning and end."""
        return list(pairwise(self.bounds))

    @property
    def label_format(self) -> str:
        """How the beginning of a step is written."""
        return _LABELS[self.step]

    @property
    def counted_from(self) -> datetime:
        """From where on the sums count: they know hours of UTC, and some time zones begin their days within one."""
        hour = self.since.replace(minute=0)
        return hour if hour == self.since else hour + _HOUR

    def filters(self, **narrower: object) -> RecordFilters:
        """Return what keeps in the list exactly what the sums count, narrowed further."""
        begins = timezone.localtime(self.counted_from)
        if begins.time() != time():
            return RecordFilters(since=begins.date(), since_time=begins.time(), **narrower)  # type: ignore[arg-type]
        relative = _RANGES.get(self.span)
        since, until = relative.days() if relative else (begins.date(), timezone.localdate())
        return RecordFilters(since=since, until=until, range=relative, **narrower)  # type: ignore[arg-type]


def find_window(span: Span, now: datetime) -> Window:
    """Cut a span that ends now into steps, by the active time zone."""
    if span is Span.DAY:
        end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + _HOUR
        # When clocks are set back an hour comes twice, and in the list's address it always means the first of both.
        hours = _HOURS + timezone.localtime(end - _HOURS * _HOUR).fold
        return Window(span, Step.HOUR, tuple(end - number * _HOUR for number in range(hours, -1, -1)))
    tomorrow = timezone.localtime(now).date() + timedelta(days=1)
    if span is Span.YEAR:
        monday = tomorrow - timedelta(days=(tomorrow.weekday() - 1) % 7 + 1)
        weeks = (monday + timedelta(weeks=number) for number in range(-_WEEKS, 2))
        return Window(span, Step.WEEK, tuple(map(_midnight, weeks)))
    days = (tomorrow - timedelta(days=number) for number in range(_DAYS[span], -1, -1))
    return Window(span, Step.DAY, tuple(map(_midnight, days)))


def _midnight(day: date) -> datetime:
    # In UTC, so that differences are of hours that pass and not of the clock on the wall.
    return datetime.combine(day, time(), timezone.get_current_timezone()).astimezone(UTC)

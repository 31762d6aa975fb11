"""What the sums must say, counted from the records one by one, and what they say."""

from collections import Counter
from datetime import UTC, datetime
from math import floor

from django.db import connection
from django.db.models import Q, QuerySet

from records.enums import Outcome
from records.models import SendingRecord
from records.rollups.models import DayRollup, Figures, HourTotal, MonthRollup, Rollup, RollupDelta, RollupKey

_ANSWERED = {Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED}
_BOUNDS = (
    ("within_100ms", 100),
    ("within_300ms", 300),
    ("within_1s", 1000),
    ("within_3s", 3000),
    ("within_10s", 10000),
)
_COLUMNS = ("tries", "milliseconds", *(name for name, _upto in _BOUNDS), "slower")

ANY = "\x1b"
"""Stands in the key of a margin in the place of values that it is not of."""

Counted = Counter[tuple[object, ...]]
"""Figures by hour, the values of the key and the figure's name; zeros are left out."""


def counted_from_records() -> Counted:
    """Count every record that has ended."""
    counted: Counted = Counter()
    for record in SendingRecord.objects.exclude(outcome=Outcome.SENDING):
        place = (
            hour_of(record.started_at),
            record.sender_address,
            record.template_name,
            record.outcome,
            record.cause,
            record.server,
        )
        counted[*place, "tries"] += 1
        if record.server and record.outcome in _ANSWERED:
            assert record.ended_at is not None
            length = _length(record.started_at, record.ended_at)
            counted[*place, "milliseconds"] += length
            counted[*place, _column_of(length)] += 1
    return +counted


def read_from_sums() -> Counted:
    """Add up what was folded and what is still to be."""
    counted: Counted = Counter()
    for rollup in Rollup.objects.select_related("key"):
        _add(counted, (rollup.hour, *_values(rollup.key)), rollup)
    for delta in RollupDelta.objects.all():
        _add(counted, (delta.hour, *_values(delta)), delta)
    return Counter({place: count for place, count in counted.items() if count})


def assert_sums_agree() -> None:
    """Compare sums and records, and the sums of different lengths among each other."""
    assert read_from_sums() == counted_from_records()
    assert_lengths_agree()


def assert_lengths_agree() -> None:
    """Compare the sums of different lengths among each other."""
    days, by_hours, totals, of_hours = Counted(), Counted(), Counted(), Counted()
    months, by_days = Counted(), Counted()
    for day in DayRollup.objects.select_related("key"):
        _add(days, (day.day, *_values(day.key)), day)
        _add(by_days, (day.day.replace(day=1), day.key_id), day)
    for month in MonthRollup.objects.all():
        _add(months, (month.month, month.key_id), month)
    for rollup in Rollup.objects.select_related("key"):
        for margin in _margins(*_values(rollup.key)):
            _add(by_hours, (rollup.hour.astimezone(UTC).date(), *margin), rollup)
        of_hours[rollup.hour, Outcome(rollup.key.outcome).result.value] += rollup.tries
    for total in HourTotal.objects.all():
        for name in ("success", "failed", "uncertain"):
            totals[total.hour, name] += getattr(total, name)
    assert days == by_hours
    assert months == by_days
    assert totals == of_hours


def hour_of(moment: datetime) -> datetime:
    """Give the hour of UTC that a time lies in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _values(row: RollupKey | RollupDelta) -> tuple[str, ...]:
    return row.sender_address, row.template_name, row.outcome, row.cause, row.server


def _margins(sender: str, template: str, outcome: str, cause: str, server: str) -> list[tuple[str, ...]]:
    return [
        (sender, ANY, outcome, ANY, ANY),
        (ANY, template, outcome, ANY, ANY),
        (ANY, ANY, outcome, cause, ANY),
        (ANY, ANY, outcome, ANY, server),
    ]


def keys_of_hours() -> QuerySet[RollupKey]:
    """Give the keys of sums by the hour, which the margins are of."""
    return RollupKey.objects.exclude(Q(sender_address=ANY) | Q(template_name=ANY))


def _add(counted: Counted, place: tuple[object, ...], figures: Figures) -> None:
    for name in _COLUMNS:
        counted[*place, name] += getattr(figures, name)


def _column_of(length: int) -> str:
    return next((name for name, upto in _BOUNDS if length <= upto), "slower")


def _length(began: datetime, ended: datetime) -> int:
    """Tell how many milliseconds passed, as the database rounds: SQLite rounds either time, PostgreSQL once."""
    if connection.vendor == "sqlite":
        return max(floor(ended.timestamp() * 1_000 + 0.5) - floor(began.timestamp() * 1_000 + 0.5), 0)
    return max(round((ended - began).total_seconds() * 1_000), 0)

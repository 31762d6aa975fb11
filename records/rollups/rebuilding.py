"""Making the sums anew from the records, for repair; while mail is sent, an hour at a time.

Records and sums are compared in one statement, and what is missing is noted as a delta like any other: nothing has to
be stopped or locked. The sums by day and month and the totals are then made anew from those by hour.

Sums outlive records: those of an hour of which any record was removed know more than the records do, and stay.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min

from records.clock import database_now
from records.keeping.completeness import find_latest_removed
from records.models import SendingRecord
from records.rollups.adding import ENDED, FIGURES, KEY, RESULTS, select_sums, sums_by_result
from records.rollups.folding import KEPT_FOR, Figures, add_figures, add_to, fold, wait_for_lock
from records.rollups.keys import Values, find_key_ids
from records.rollups.models import Rollup, RollupDelta

_HOUR = timedelta(hours=1)


def find_beginning(wanted: datetime | None = None) -> datetime | None:
    """Find the first hour that can be counted anew: all of its records are there, and its sums are kept.

    Args:
        wanted: Where to begin if that is not too early; None for as early as can be.

    Returns:
        The beginning; None without records where nothing is wanted.
    """
    earliest = wanted or _find_first_record()
    if earliest is None:
        return None
    removed = find_latest_removed()
    bounds = [earliest, _midnight(_first_kept_day()), *([_hour_of(removed) + _HOUR] if removed else [])]
    return max(bounds)


def _find_first_record() -> datetime | None:
    """Find the hour of the oldest record; the next one where older sums tell that some of it may be missing.

    That is where records went in another way than by the rules of keeping, which leave a mark.
    """
    oldest = SendingRecord.objects.aggregate(at=Min("started_at"))["at"]
    if oldest is None:
        return None
    first = _hour_of(oldest)
    has_older_sums = Rollup.objects.filter(hour__lt=first).exists()
    return first + _HOUR if has_older_sums else first


def rebuild(beginning: datetime) -> Iterator[datetime]:
    """Correct the sums from an hour on, and yield each hour that was looked at.

    An hour of which records are removed meanwhile is left as it is.
    """
    end = _find_end(beginning)
    hour = _hour_of(beginning)
    while hour <= end:
        _correct(hour)
        removed = find_latest_removed()
        if removed is None or removed < hour:
            yield hour
        hour += _HOUR
    fold()
    first_kept = _first_kept_day()
    days = [day for day in _days_between(beginning.astimezone(UTC).date(), end.date()) if day >= first_kept]
    for day in days:
        _derive(day)
    for month in sorted({day.replace(day=1) for day in days}):
        if month >= first_kept:
            _derive_month(month)


def _first_kept_day() -> date:
    """Find the first day of which all sums by the hour are kept."""
    return (database_now() - KEPT_FOR).date() + timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _find_end(beginning: datetime) -> datetime:
    """Find the last hour that has a record or a sum; sums without records are wrong as well."""
    last = [
        SendingRecord.objects.aggregate(at=Max("started_at"))["at"],
        Rollup.objects.aggregate(at=Max("hour"))["at"],
        RollupDelta.objects.aggregate(at=Max("hour"))["at"],
    ]
    return _hour_of(max([moment for moment in last if moment] or [beginning]))


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _correct(hour: datetime) -> None:
    """Note what the sums of an hour lack, or have too much, unless any of its records was removed.

    One statement, so that all it reads is of one moment: records go in the transaction that moves the mark on.
    """
    key = ", ".join(KEY)
    counted = ", ".join(FIGURES)
    taken = ", ".join(f"-{name}" for name in FIGURES)
    summed = ", ".join(f"sum({name}) AS {name}" for name in FIGURES)
    is_wrong = " OR ".join(f"sum({name}) <> 0" for name in FIGURES)
    truth = select_sums("records_sendingrecord", f"{ENDED} AND started_at >= %s AND started_at < %s")
    since, until = (connection.ops.adapt_datetimefield_value(moment) for moment in (hour, hour + _HOUR))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO records_rollupdelta (hour, {key}, {counted})
            SELECT %s, {key}, {summed}
            FROM (
                SELECT {key}, {counted} FROM ({truth}) truth
                UNION ALL
                SELECT {key}, {taken} FROM records_rollup sums JOIN records_rollupkey ON records_rollupkey.id = key_id
                WHERE hour = %s
                UNION ALL
                SELECT {key}, {taken} FROM records_rollupdelta WHERE hour = %s
            ) both_sides
            WHERE NOT EXISTS (SELECT 1 FROM records_removalmark WHERE latest_at >= %s)
            GROUP BY {key} HAVING {is_wrong}
            """,  # noqa: S608  # names of our own, no value from outside
            [since, since, until, since, since, since],
        )


def _derive(day: date) -> None:
    """Make the sums of a day and the totals of its hours from the sums by hour."""
    begins = _midnight(day)
    bounds = [connection.ops.adapt_datetimefield_value(moment) for moment in (begins, begins + timedelta(days=1))]
    key = ", ".join(KEY)
    summed = ", ".join(f"sum({name})" for name in FIGURES)
    with transaction.atomic(), connection.cursor() as cursor:
        wait_for_lock()
        cursor.execute(
            f"SELECT {key}, {summed} FROM records_rollup JOIN records_rollupkey ON records_rollupkey.id = key_id"  # noqa: S608
            f" WHERE hour >= %s AND hour < %s GROUP BY {key}",
            bounds,
        )
        sums = {row[: len(KEY)]: tuple(map(int, row[len(KEY) :])) for row in cursor.fetchall()}
        cursor.execute("DELETE FROM records_dayrollup WHERE day = %s", [connection.ops.adapt_datefield_value(day)])
        _add_margins(day, sums)
        cursor.execute("DELETE FROM records_hourtotal WHERE hour >= %s AND hour < %s", bounds)
        cursor.execute(
            f"INSERT INTO records_hourtotal (hour, {', '.join(RESULTS)}) SELECT hour, {sums_by_result()}"  # noqa: S608
            " FROM records_rollup JOIN records_rollupkey ON records_rollupkey.id = key_id"
            " WHERE hour >= %s AND hour < %s GROUP BY hour",
            bounds,
        )


def _add_margins(day: date, sums: Mapping[Values, Figures]) -> None:
    month = day.replace(day=1)
    found = find_key_ids((month, values) for values in sums)
    days: dict[tuple[Any, int], Figures] = {}
    for values, figures in sums.items():
        for margin in found[month, values].margins:
            days[day, margin] = add_figures(days.get((day, margin)), figures)
    add_to("records_dayrollup", ("day", "key_id"), FIGURES, days)


def _derive_month(month: date) -> None:
    """Make the sums of a month from those of its days."""
    following = (month + timedelta(days=32)).replace(day=1)
    begins, ends = (connection.ops.adapt_datefield_value(day) for day in (month, following))
    figures = ", ".join(FIGURES)
    summed = ", ".join(f"sum({name})" for name in FIGURES)
    with transaction.atomic(), connection.cursor() as cursor:
        wait_for_lock()
        cursor.execute("DELETE FROM records_monthrollup WHERE month = %s", [begins])
        cursor.execute(
            f"INSERT INTO records_monthrollup (month, key_id, {figures})"  # noqa: S608  # names of our own
            f" SELECT %s, key_id, {summed} FROM records_dayrollup WHERE day >= %s AND day < %s GROUP BY key_id",
            [begins, begins, ends],
        )

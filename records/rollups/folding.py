"""Folding what the engine added into the sums: in the background, one process at a time, a batch per transaction.

A batch is taken away and added in one transaction, so whoever dies in the middle has done nothing, and whoever reads
the sums and what is still to be folded in one statement never misses anything or counts it twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from records.clock import as_moment, database_now
from records.enums import Outcome
from records.rollups.adding import FIGURES, KEY, RESULTS
from records.rollups.keys import Values, find_key_ids

BATCH = 2_000
"""Deltas per transaction: the sums are locked for some ten milliseconds."""
MAX_BATCHES = 50
"""What one call folds at most; the next one goes on."""
KEPT_FOR = timedelta(days=400)
"""How long sums are kept: the overview looks back 12 months."""
_PRUNED_AT_ONCE = 1_000
_OUTCOME = KEY.index("outcome")
_LOCK = 4_207_301
"""PostgreSQL's advisory lock of whoever writes the sums; nothing else of the product uses one with this number."""

Figures = tuple[int, ...]
"""In the order of `FIGURES`."""
_Sums = dict[tuple[datetime, Values], Figures]


def fold() -> int:
    """Add what the engine noted to the sums, and forget sums that nobody looks at any more.

    Returns:
        How many deltas were folded; 0 also where another process is at it.
    """
    folded = 0
    for _batch in range(MAX_BATCHES):
        count = _fold_batch()
        folded += count
        if count < BATCH:
            break
    _prune()
    return folded


def wait_for_lock() -> None:
    """Become the only one who writes the sums until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _take_lock() -> bool:
    """Become the only one who writes the sums until the transaction ends; false if another is."""
    if connection.vendor != "postgresql":
        return True  # the transaction began by taking SQLite's one lock for writing
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _fold_batch() -> int:
    with transaction.atomic(durable=True):
        if not _take_lock():
            return 0
        deltas = _take_deltas()
        _add(_sum_up(deltas))
    return len(deltas)


def _take_deltas() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DELETE FROM records_rollupdelta
            WHERE id IN (SELECT id FROM records_rollupdelta ORDER BY id LIMIT %s)
            RETURNING hour, {", ".join((*KEY, *FIGURES))}
            """,  # noqa: S608  # names of our own, no value from outside
            [BATCH],
        )
        return list(cursor.fetchall())


def _sum_up(deltas: Iterable[tuple[Any, ...]]) -> _Sums:
    sums: _Sums = {}
    for hour, *row in deltas:
        place = as_moment(hour), tuple(row[: len(KEY)])
        sums[place] = add_figures(sums.get(place), row[len(KEY) :])
    return {place: figures for place, figures in sums.items() if any(figures)}


def add_figures(one: Figures | None, other: Sequence[int]) -> Figures:
    """Add figures up; None stands for none."""
    return tuple(map(sum, zip(one, other, strict=True))) if one else tuple(other)


def _add(sums: _Sums) -> None:
    if not sums:
        return
    found = find_key_ids((_month_of(hour), values) for hour, values in sums)
    hours: dict[tuple[datetime, int], Figures] = {}
    days: dict[tuple[Any, int], Figures] = {}
    months: dict[tuple[Any, int], Figures] = {}
    totals: dict[tuple[datetime], Figures] = {}
    for (hour, values), figures in sums.items():
        key_ids = found[_month_of(hour), values]
        # Several values may have one key.
        own = hour, key_ids.own
        hours[own] = add_figures(hours.get(own), figures)
        for margin in key_ids.margins:
            day = hour.date(), margin
            days[day] = add_figures(days.get(day), figures)
            month = _month_of(hour), margin
            months[month] = add_figures(months.get(month), figures)
        result = Outcome(values[_OUTCOME]).result
        by_result = [figures[0] if each is result else 0 for each in RESULTS]
        totals[hour,] = add_figures(totals.get((hour,)), by_result)
    add_to("records_rollup", ("hour", "key_id"), FIGURES, hours)
    add_to("records_dayrollup", ("day", "key_id"), FIGURES, days)
    add_to("records_monthrollup", ("month", "key_id"), FIGURES, months)
    add_to("records_hourtotal", ("hour",), [str(result) for result in RESULTS], totals)


def _month_of(hour: datetime) -> date:
    return hour.date().replace(day=1)


def add_to(
    table: str, place: Sequence[str], figures: Sequence[str], rows: Mapping[tuple[Any, ...], Sequence[int]]
) -> None:
    """Add figures to the rows of a table; those that are missing are made.

    Args:
        table: Its name.
        place: The columns that name a row.
        figures: The columns that are added to.
        rows: Their values by those that name the row.
    """
    marks = ", ".join(["%s"] * (len(place) + len(figures)))
    changes = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in figures)
    statement = f"""
        INSERT INTO {table} ({", ".join((*place, *figures))}) VALUES ({marks})
        ON CONFLICT ({", ".join(place)}) DO UPDATE SET {changes}
        """  # noqa: S608  # names of our own, no value from outside
    adapted = [[*map(_adapt, named_by), *values] for named_by, values in rows.items()]
    with connection.cursor() as cursor:
        cursor.executemany(statement, adapted)


def _adapt(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value if isinstance(value, (int, str)) else connection.ops.adapt_datefield_value(value)


def _prune() -> None:
    end = database_now() - KEPT_FOR
    for table, column, before in (
        ("records_rollup", "hour", end),
        ("records_hourtotal", "hour", end),
        ("records_dayrollup", "day", end.date()),
        # A month that some days of are gone from is never read: the overview does not look back that far.
        ("records_monthrollup", "month", end.date().replace(day=1)),
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {column} < %s LIMIT %s)",  # noqa: S608
                [_adapt(before), _PRUNED_AT_ONCE],
            )

"""Adding records to the sums: one statement sums rows by hour and key, and inserts the result as deltas.

Whoever writes records does so in the same transaction, so that no record is counted twice or not at all. The engine
builds the statement into its own; everybody else calls `count_records`.
"""

from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import Any

from django.db import connection

from records.bulk import one_of
from records.enums import Outcome, ResultClass
from records.models import SendingRecord

KEY = ("sender_address", "template_name", "outcome", "cause", "server")
"""What tries are summed by, beside the hour in which they began."""
BOUNDS = {"within_100ms": 100, "within_300ms": 300, "within_1s": 1_000, "within_3s": 3_000, "within_10s": 10_000}
"""The columns that count tries by their length: milliseconds, at most. What is longer counts as `slower`."""
FIGURES = ("tries", "milliseconds", *BOUNDS, "slower")
RESULTS = (ResultClass.SUCCESS, ResultClass.FAILED, ResultClass.UNCERTAIN)
"""What the totals count, each in a column of its name."""
READ_COLUMNS = (*KEY, "started_at", "ended_at")
"""What must be known of a record to add it."""
ENDED = f"outcome <> '{Outcome.SENDING}'"
"""Only tries that have ended count."""


def _listed(outcomes: Iterable[Outcome]) -> str:
    return ", ".join(f"'{outcome}'" for outcome in outcomes)


_ANSWERED = _listed((Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED))


def add_sums(source: str, condition: str = "true") -> str:
    """Write the statement that adds ended tries to the sums.

    Args:
        source: What to read them from: a table with `READ_COLUMNS`, as it stands behind FROM.
        condition: Which of them; all have ended.
    """
    return _insert(select_sums(source, condition))


def take_off_sums(source: str, condition: str) -> str:
    """Write the statement that takes tries off the sums again, before they are overwritten or counted elsewhere."""
    return _insert(select_sums(source, condition, sign="-"))


def select_sums(source: str, condition: str = "true", sign: str = "") -> str:
    """Write the query for the sums of ended tries, by hour and key, in the order of the columns of a delta."""
    key = ", ".join(KEY)
    lengths = [*_lengths(), f"count(*) FILTER (WHERE length > {list(BOUNDS.values())[-1]})"]
    figures = ["count(*)", "coalesce(sum(length), 0)", *lengths]
    summed = ", ".join(f"{sign}{figure} AS {name}" for name, figure in zip(FIGURES, figures, strict=True))
    ended = f"SELECT {hour_of('started_at')} AS hour, {key}, {_length()} AS length FROM {source} WHERE {condition}"  # noqa: S608  # names of our own, no value from outside
    return f"""
        SELECT hour, {key}, {summed}
        FROM ({ended}) ended
        GROUP BY hour, {key}
        """  # noqa: S608  # names of our own, no value from outside


def hour_of(column: str) -> str:
    """Write the expression for the hour of UTC that a time lies in."""
    if connection.vendor == "sqlite":
        return f"substr({column}, 1, 13) || ':00:00'"
    return f"date_trunc('hour', {column}, 'UTC')"


def sums_by_result() -> str:
    """Write the expressions that sum tries by their coarse results, in the order of `RESULTS`."""
    return ", ".join(
        f"coalesce(sum(tries) FILTER (WHERE outcome IN ({_listed(result.outcomes)})), 0) AS {result}"
        for result in RESULTS
    )


def count_records(ids: Collection[int]) -> None:
    """Add records to the sums that were written without the engine; in the transaction that wrote them.

    Those that are still under way are left out, and count when the engine ends them.
    """
    written, parameters = one_of(ids).as_sql(None, connection)  # type: ignore[arg-type]  # asks for no compiler
    _execute(add_sums(_TABLE, f"{ENDED} AND id IN {written}"), parameters)


def _insert(query: str) -> str:
    return f"INSERT INTO records_rollupdelta (hour, {', '.join((*KEY, *FIGURES))}) {query}"


def _length() -> str:
    """Write the expression for a try's length in milliseconds; null where no server answered."""
    if connection.vendor == "sqlite":
        milliseconds = "CAST(round((julianday(ended_at) - julianday(started_at)) * 86400000) AS integer)"
        not_negative = f"max({milliseconds}, 0)"
    else:
        milliseconds = "round(date_part('epoch', ended_at - started_at) * 1000)::bigint"
        not_negative = f"greatest({milliseconds}, 0)"
    return f"CASE WHEN server <> '' AND outcome IN ({_ANSWERED}) THEN {not_negative} END"


def _lengths() -> list[str]:
    bounds = [-1, *BOUNDS.values()]
    return [f"count(*) FILTER (WHERE length > {above} AND length <= {upto})" for above, upto in pairwise(bounds)]


_TABLE = SendingRecord._meta.db_table  # noqa: SLF001  # a public interface, its name notwithstanding


def _execute(statement: str, parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)

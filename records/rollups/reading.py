"""Reading the sums: what was folded and what is still to be, in one statement, so that both are of one moment.

Sums come from whole months where they can, from days before the first whole month, and from hours before the first
whole day. Nothing here reads records.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from django.db import connection

from records.clock import as_moment
from records.enums import Outcome
from records.rollups.adding import FIGURES, KEY, RESULTS, sums_by_result
from records.rollups.models import ANY
from records.statements import fetch

_VALUES = ("sender_address", "template_name", "cause")
"""What tries are counted by, beside their servers."""


class Sum(NamedTuple):
    """How many tries ended in one way that have one value in common, and how long those took."""

    name: str
    """The value; empty where they have none."""
    outcome: Outcome
    tries: int


class ServerSum(NamedTuple):
    """How long the tries took that one server answered."""

    server: str
    milliseconds: int
    """Together."""
    lengths: tuple[int, ...]
    """How many there were, counted by their length as the columns of the sums are."""

    @property
    def answered(self) -> int:
        """How many tries it answered."""
        return sum(self.lengths)


@dataclass(frozen=True, slots=True)
class Sums:
    """The tries since a moment, each counted once by its sender, its template, its cause, and its server."""

    by_sender: list[Sum]
    by_template: list[Sum]
    by_cause: list[Sum]
    by_server: list[ServerSum]
    """Those that a server answered."""


@dataclass(frozen=True, slots=True)
class Total:
    """How the tries ended that began in a span of time."""

    span: int
    success: int
    failed: int
    uncertain: int


def read_sums(since: datetime) -> Sums:
    """Sum the tries that began since a full hour up to now.

    The database counts them by each value at once: a platform has many keys, and what is told of them is short.
    """
    whole_days_from = _first_whole_day(since)
    whole_months_from = _first_whole_month(whole_days_from)
    midnight = datetime.combine(whole_days_from, time(), UTC)
    own = ", ".join(f"sum({name}) AS {name}" for name in FIGURES)
    counted = ", ".join(FIGURES)
    key = ", ".join(KEY)
    none = ", ".join(["0"] * len(FIGURES[1:]))
    arms = [
        f"SELECT {place}, {name}, outcome, sum(tries), {none} FROM sums WHERE {name} <> '{ANY}'"  # noqa: S608
        f" GROUP BY {name}, outcome HAVING sum(tries) <> 0"
        for place, name in enumerate(_VALUES)
    ]
    arms.append(f"SELECT {len(_VALUES)}, server, '', {own} FROM sums WHERE server <> '{ANY}' GROUP BY server")  # noqa: S608
    rows = fetch(
        f"""
        WITH sums AS MATERIALIZED (
            SELECT {key}, {counted} FROM (
                SELECT key_id, {own} FROM (
                    SELECT key_id, {counted} FROM records_monthrollup WHERE month >= %s
                    UNION ALL
                    SELECT key_id, {counted} FROM records_dayrollup WHERE day >= %s AND day < %s
                    UNION ALL
                    SELECT key_id, {counted} FROM records_rollup WHERE hour >= %s AND hour < %s
                ) folded GROUP BY key_id
            ) of_keys JOIN records_rollupkey ON records_rollupkey.id = of_keys.key_id
            UNION ALL
            SELECT {key}, {counted} FROM records_rollupdelta WHERE hour >= %s
        )
        {" UNION ALL ".join(arms)}
        """,  # noqa: S608  # names of our own, no value from outside
        [
            *map(connection.ops.adapt_datefield_value, (whole_months_from, whole_days_from, whole_months_from)),
            *map(_literal, (since, midnight, since)),
        ],
    )
    by_value: list[list[Sum]] = [[], [], []]
    by_server = []
    for row in rows:
        if row[0] < len(_VALUES):
            by_value[row[0]].append(Sum(row[1], Outcome(row[2]), int(row[3])))
        elif (found := _server_sum(row)).answered:
            by_server.append(found)
    by_sender, by_template, by_cause = by_value
    return Sums(by_sender, by_template, by_cause, by_server)


def read_totals(bounds: Sequence[datetime]) -> list[Total]:
    """Sum the tries by spans of time and coarse results; spans without any are left out.

    Args:
        bounds: Where spans begin, ascending; the last one is the end of the last span.
    """
    read = _read_totals_by_bucket if connection.vendor == "postgresql" else _read_totals_by_span
    return [Total(*map(int, row)) for row in read(bounds)]


_RESULTS = ", ".join(RESULTS)
_SUMMED = ", ".join(f"sum({result})" for result in RESULTS)


def _read_totals_by_bucket(bounds: Sequence[datetime]) -> list[tuple[Any, ...]]:
    # PostgreSQL finds the span of each hour in half the time that it takes to join them.
    within = map(_literal, (bounds[0], bounds[-1]) * 2)
    return fetch(
        f"""
        SELECT width_bucket(hour, %s::timestamptz[]) - 1 AS span, {_SUMMED} FROM (
            SELECT hour, {_RESULTS} FROM records_hourtotal WHERE hour >= %s AND hour < %s
            UNION ALL
            SELECT hour, {sums_by_result()} FROM records_rollupdelta WHERE hour >= %s AND hour < %s GROUP BY hour
        ) everything GROUP BY span
        """,  # noqa: S608  # names of our own, no value from outside
        [list(bounds), *within],
    )


def _read_totals_by_span(bounds: Sequence[datetime]) -> list[tuple[Any, ...]]:
    marks = ", ".join(["(%s, %s, %s)"] * (len(bounds) - 1))
    parameters = [value for span, limits in enumerate(pairwise(bounds)) for value in (span, *map(_literal, limits))]
    # The order of the joins is said: SQLite then looks each span up in the index of the hours.
    return fetch(
        f"""
        WITH spans (span, begins, ends) AS (VALUES {marks}),
            unfolded AS MATERIALIZED (
                SELECT hour, {sums_by_result()} FROM records_rollupdelta WHERE hour >= %s GROUP BY hour
            )
        SELECT span, {_SUMMED} FROM (
            SELECT span, {_RESULTS} FROM spans CROSS JOIN records_hourtotal WHERE hour >= begins AND hour < ends
            UNION ALL
            SELECT span, {_RESULTS} FROM spans CROSS JOIN unfolded WHERE hour >= begins AND hour < ends
        ) everything GROUP BY span
        """,  # noqa: S608  # names of our own, no value from outside
        [*parameters, _literal(bounds[0])],
    )


def find_first_hour() -> datetime | None:
    """Find the hour of the first try that was ever summed; None if there is none."""
    rows = fetch(
        "SELECT min(hour) FROM (SELECT min(hour) AS hour FROM records_hourtotal"
        " UNION ALL SELECT min(hour) FROM records_rollupdelta) everything",
        [],
    )
    return as_moment(rows[0][0]) if rows[0][0] else None


def _first_whole_day(since: datetime) -> date:
    moment = since.astimezone(UTC)
    return moment.date() if moment.time() == time() else moment.date() + timedelta(days=1)


def _first_whole_month(day: date) -> date:
    return day if day.day == 1 else (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _literal(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _server_sum(row: Sequence[Any]) -> ServerSum:
    _place, server, _outcome, _tries, milliseconds, *lengths = row
    return ServerSum(server, int(milliseconds), tuple(map(int, lengths)))

"""What the records of many addresses look like: how many there are, and where about so many of them end.

Where they are many it is told from some of them: all records of the first addresses, read off the index alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from records.clock import as_moment
from records.search.conditions import TRUE, Condition
from records.statements import Question, as_positions, fetch_together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from records.paging import Position
    from records.search.scope import Scope
    from records.statements import Rows

NEAR = 1_000
"""Records that may be read off all at once; where there are more of them, those where the list begins."""
SAMPLED = 500
"""Records that are read to tell whether there are more, and where about so many of them end."""


class ToSample(NamedTuple):
    """Which records of addresses are read to tell what they look like."""

    within: Scope
    limit: int
    size: int = 0
    """Positions that are wanted of them; 0: it is asked where the nearest records end instead."""


class Sample(NamedTuple):
    """What the records of addresses look like."""

    within: Scope
    number: int
    """Records that were read."""
    is_whole: bool
    """Those are all."""
    near: datetime | None
    """Where about `NEAR` of all end, seen from where the list begins; None where there are no more, or nobody asked."""
    positions: list[Position]
    """The first of those that were read."""


def take_sample(addresses: Sequence[str], to_sample: ToSample) -> Sample:
    """Tell what the records of addresses look like."""
    found, kept = given(addresses), keeping(to_sample)
    statement = f"WITH found AS MATERIALIZED ({found.sql}), {kept.sql} {telling(to_sample)}"
    (rows,) = fetch_together(Question(statement, [*found.parameters, *kept.parameters]))
    return read_sample(to_sample, rows)


def given(addresses: Sequence[str]) -> Condition:
    """Return a statement that gives addresses and their places: 1 for the first."""
    # As one text: psycopg takes 2 ms to write an array of a thousand.
    statement = (
        "SELECT value AS address, key + 1 AS place FROM json_each(%s)"
        if connection.vendor == "sqlite"
        else "SELECT address, place FROM jsonb_array_elements_text(%s) WITH ORDINALITY AS each(address, place)"
    )
    return Condition(statement, (json.dumps(addresses),))


def keeping(to_sample: ToSample, condition: Condition = TRUE) -> Condition:
    """Return what reads records of `found`, addresses with their places, where a condition holds: `kept` for WITH."""
    within, limit = to_sample.within.condition, to_sample.limit
    of_one = f"records_sendingrecord AS record WHERE record.receiver_address = found.address AND {within.sql}"
    if connection.vendor == "sqlite":
        joined = f"{of_one} AND"
    else:
        # With a limit for each address: PostgreSQL can then do nothing but look each of them up.
        first = f"ORDER BY {to_sample.within.order} LIMIT {limit}"
        joined = f"LATERAL (SELECT started_at, id FROM {of_one} {first}) AS record WHERE"  # noqa: S608  # our names
    statement = f"""
        kept AS MATERIALIZED (
            SELECT found.place, record.started_at, record.id
            FROM found CROSS JOIN {joined} {condition.sql} LIMIT {limit}
        )
    """  # noqa: S608
    return Condition(statement, (*within.parameters, *condition.parameters))


def telling(to_sample: ToSample, before: str = "") -> str:
    """Return a statement that tells of `kept` what `read_sample` reads. `before`: NULLs that are to stand in front."""
    order = to_sample.within.order
    # The sampled addresses have NEAR records of all for so many of theirs.
    share = f"{NEAR} * (SELECT MAX(place) FROM kept) / (SELECT MAX(place) FROM found)"  # noqa: S608  # names of our own
    near = f"SELECT started_at FROM kept ORDER BY {order} LIMIT 1 OFFSET ({share})"  # noqa: S608
    is_asked = f"number = {to_sample.limit} AND {to_sample.size} = 0"
    return f"""
        SELECT {before} number, CASE WHEN {is_asked} THEN ({near}) END, NULL, NULL
        FROM (SELECT COUNT(*) AS number FROM kept) AS counted
        UNION ALL
        SELECT {before} NULL, NULL, started_at, id
        FROM (SELECT started_at, id FROM kept ORDER BY {order} LIMIT {to_sample.size}) AS first
    """  # noqa: S608


def read_sample(to_sample: ToSample, rows: Rows) -> Sample:
    """Read what `telling` asked."""
    ((number, near, _, _),) = [row for row in rows if row[0] is not None]
    positions = as_positions([row[2:] for row in rows if row[0] is None])
    return Sample(
        to_sample.within,
        number,
        is_whole=number < to_sample.limit,
        near=None if near is None else as_moment(near),
        positions=to_sample.within.in_order(positions),
    )

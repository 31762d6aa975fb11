"""Reading records off all at once, where they are few or where walking along an index for each would be too much.

They are put in order only when all are there: asked to keep to indexes, PostgreSQL would do anything rather than sort.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from records.search.conditions import TRUE, Condition, all_of, equals
from records.search.walks import Walk
from records.statements import Question, as_positions, fetch, fetch_along

if TYPE_CHECKING:
    from collections.abc import Sequence

    from records.paging import Position
    from records.search.scope import Scope


def walk_along(addresses: Sequence[str]) -> Walk:
    """Return the walk along the records of a few addresses."""
    arms = tuple(equals("receiver_address", address) for address in addresses)
    return Walk("receiver", arms, "record_by_receiver")


@dataclass(frozen=True, slots=True)
class Gathering:
    """Records that are found by an index, in no order: `source` is what follows SELECT and columns."""

    source: Condition

    @classmethod
    def of_mail(cls, mail_id: int) -> Gathering:
        """Return the records of one mail."""
        return cls(Condition("FROM records_sendingrecord AS record WHERE record.mail_id = %s", (mail_id,)))

    @classmethod
    def of_addresses(cls, addresses: Sequence[str]) -> Gathering:
        """Return the records of many addresses."""
        given = _given(addresses)
        joined = f"FROM {given.sql} CROSS JOIN records_sendingrecord AS record"
        return cls(Condition(f"{joined} WHERE record.receiver_address = given.address", given.parameters))

    def find(self, scope: Scope, rest: Condition, size: int) -> list[Position]:
        """Find the first records that fulfil the rest as well."""
        kept = all_of([self.source, scope.condition, rest])
        statement = f"""
            WITH kept AS MATERIALIZED (SELECT record.started_at, record.id {kept.sql})
            SELECT started_at, id FROM kept ORDER BY {scope.order} LIMIT {size}
        """  # noqa: S608  # names of our own
        return as_positions(fetch_along(statement, kept.parameters))

    def counting(self, scope: Scope, rest: Condition, limit: int) -> Question:
        """Ask how many records fulfil the rest as well, up to `limit`."""
        kept = all_of([self.source, scope.condition, rest])
        statement = f"SELECT COUNT(*) FROM (SELECT 1 {kept.sql} LIMIT {limit}) AS kept"  # noqa: S608  # our own names
        return Question(statement, kept.parameters, is_along=True)


def find_of_addresses(addresses: Sequence[str], scope: Scope, size: int) -> list[Position]:
    """Find the first records of many addresses, reading as few of each as it takes."""
    # Whatever is among the first `size` records belongs to one of the first `size` addresses, by their first each.
    if connection.vendor == "postgresql":
        return _find_side_by_side(addresses, scope, size)
    first = _first_addresses(addresses, scope, size)
    if not first:
        return []
    walk = walk_along(first).finding(scope, TRUE, budget=size, size=size)
    return as_positions(fetch_along(walk.sql, walk.parameters))


def _find_side_by_side(addresses: Sequence[str], scope: Scope, size: int) -> list[Position]:
    # The same as walking along them: to plan for fifty arms would take longer than to read them.
    given, within = _given(addresses), scope.condition
    read = "SELECT record.started_at, record.id FROM records_sendingrecord AS record WHERE record.receiver_address ="
    some, order = f"AND {within.sql} ORDER BY {scope.order} LIMIT", scope.order
    statement = f"""
        WITH firsts AS MATERIALIZED (
            SELECT given.address, first.started_at, first.id
            FROM {given.sql} CROSS JOIN LATERAL ({read} given.address {some} 1) AS first
            ORDER BY {order} LIMIT {size}
        )
        SELECT found.started_at, found.id
        FROM firsts CROSS JOIN LATERAL ({read} firsts.address {some} {size}) AS found
        ORDER BY {order} LIMIT {size}
    """  # noqa: S608  # names of our own
    return as_positions(fetch_along(statement, [*given.parameters, *within.parameters, *within.parameters]))


def _first_addresses(addresses: Sequence[str], scope: Scope, size: int) -> list[str]:
    given, within = _given(addresses), scope.condition
    order = ", ".join(f"record.{term}" for term in scope.order.split(", "))
    statement = f"""
        SELECT firsts.address FROM (
            SELECT given.address AS address, (
                SELECT record.id FROM records_sendingrecord AS record
                WHERE record.receiver_address = given.address AND {within.sql} ORDER BY {order} LIMIT 1
            ) AS first_id FROM {given.sql}
        ) AS firsts
        CROSS JOIN records_sendingrecord AS record WHERE record.id = firsts.first_id
        ORDER BY {order} LIMIT {size}
    """  # noqa: S608  # names of our own
    return [address for (address,) in fetch(statement, [*within.parameters, *given.parameters])]


def _given(addresses: Sequence[str]) -> Condition:
    # As one text: psycopg takes 2 ms to write an array of a thousand.
    read = "json_each" if connection.vendor == "sqlite" else "jsonb_array_elements_text"
    return Condition(f"(SELECT value AS address FROM {read}(%s)) AS given", (json.dumps(addresses),))  # noqa: S608

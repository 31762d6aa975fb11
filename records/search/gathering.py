"""Reading records off all at once, where they are few or where walking along an index for each would be too much.

They are put in order only when all are there: asked to keep to indexes, PostgreSQL would do anything rather than sort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from records.search.conditions import TRUE, Condition, all_of, equals
from records.search.sampling import given
from records.search.walks import Walk
from records.statements import Question, as_positions, fetch, fetch_along, fetch_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from records.paging import Position
    from records.search.scope import Scope
    from records.statements import Rows


def walk_along(addresses: Sequence[str]) -> Walk:
    """Return the walk along the records of a few addresses."""
    arms = tuple(equals("receiver_address", address) for address in addresses)
    return Walk("receiver", arms, "record_by_receiver")


class Gathered(NamedTuple):
    """Records that were read off."""

    positions: list[Position]
    """The first of them, in order."""
    number: int
    """How many there are."""
    is_whole: bool
    """Every record was looked at; otherwise any are among them, and any are missing."""


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
        those = given(addresses)
        joined = f"FROM ({those.sql}) AS given CROSS JOIN records_sendingrecord AS record"
        return cls(Condition(f"{joined} WHERE record.receiver_address = given.address", those.parameters))

    def find(self, scope: Scope, rest: Condition, size: int, limit: int | None = None) -> Gathered:
        """Find the first records that fulfil the rest as well, and count them; read `limit` records at most."""
        (rows,) = fetch_together(self.finding(scope, rest, size, limit))
        return self.read(scope, rows, limit)

    def finding(self, scope: Scope, rest: Condition, size: int, limit: int | None) -> Question:
        """Ask for what `find` finds."""
        source = all_of([self.source, scope.condition])
        upto = "" if limit is None else f"LIMIT {limit}"
        statement = f"""
            WITH read AS MATERIALIZED (SELECT record.started_at, record.id, {rest.sql} AS is_kept {source.sql} {upto})
            SELECT started_at, id, 0, 0
            FROM (SELECT started_at, id FROM read WHERE is_kept ORDER BY {scope.order} LIMIT {size}) AS first
            UNION ALL SELECT NULL, NULL, COUNT(CASE WHEN is_kept THEN 1 END), COUNT(*) FROM read
        """  # noqa: S608  # names of our own
        return Question(statement, [*rest.parameters, *source.parameters], is_along=True)

    def read(self, scope: Scope, rows: Rows, limit: int | None) -> Gathered:
        """Read what `finding` asked."""
        ((_, _, number, read),) = [row for row in rows if row[1] is None]
        positions = as_positions([row[:2] for row in rows if row[1] is not None])
        return Gathered(scope.in_order(positions), number, is_whole=limit is None or read < limit)

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
    those, within = given(addresses), scope.condition
    read = "SELECT record.started_at, record.id FROM records_sendingrecord AS record WHERE record.receiver_address ="
    some, order = f"AND {within.sql} ORDER BY {scope.order} LIMIT", scope.order
    statement = f"""
        WITH firsts AS MATERIALIZED (
            SELECT given.address, first.started_at, first.id
            FROM ({those.sql}) AS given CROSS JOIN LATERAL ({read} given.address {some} 1) AS first
            ORDER BY {order} LIMIT {size}
        )
        SELECT found.started_at, found.id
        FROM firsts CROSS JOIN LATERAL ({read} firsts.address {some} {size}) AS found
        ORDER BY {order} LIMIT {size}
    """  # noqa: S608  # names of our own
    return as_positions(fetch_along(statement, [*those.parameters, *within.parameters, *within.parameters]))


def _first_addresses(addresses: Sequence[str], scope: Scope, size: int) -> list[str]:
    those, within = given(addresses), scope.condition
    order = ", ".join(f"record.{term}" for term in scope.order.split(", "))
    statement = f"""
        SELECT firsts.address FROM (
            SELECT given.address AS address, (
                SELECT record.id FROM records_sendingrecord AS record
                WHERE record.receiver_address = given.address AND {within.sql} ORDER BY {order} LIMIT 1
            ) AS first_id FROM ({those.sql}) AS given
        ) AS firsts
        CROSS JOIN records_sendingrecord AS record WHERE record.id = firsts.first_id
        ORDER BY {order} LIMIT {size}
    """  # noqa: S608  # names of our own
    return [address for (address,) in fetch(statement, [*within.parameters, *those.parameters])]

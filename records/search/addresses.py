"""Which addresses contain a part: from the known ones, and from the records that are too young to be known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from records.search.conditions import Condition, contains, of_receiver
from records.search.trigrams import MAX_IN_SAMPLE, can_be_looked_up, frequency_of
from records.statements import Question, as_positions, fetch_together

if TYPE_CHECKING:
    from records.paging import Position
    from records.search.scope import Scope

MAX_ADDRESSES = 1_000
"""More than that are frequent enough to be met on a walk."""
MAX_YOUNG = 20_000
"""Records above the mark that are looked through one by one."""
_MARK = """
    SELECT COALESCE((SELECT MAX(reached) FROM records_searchmark), 0) AS reached,
        COALESCE((SELECT MAX(id) FROM records_sendingrecord), 0) AS youngest
"""


class Receivers(NamedTuple):
    """The addresses that contain a part."""

    addresses: list[str]
    """As they are written, in order."""
    beside: Beside | None = None
    """What was read of their records; None where nothing was."""


class Beside(NamedTuple):
    """What was read of the records of addresses along with finding them."""

    within: Scope
    number: int
    """How many there are, up to the limit that was given."""
    positions: list[Position]
    """The first of them; of as many as the limit says, any."""


class ToRead(NamedTuple):
    """What is to be read of the records of addresses along with finding them, where the database can."""

    within: Scope
    limit: int
    """Records that are counted."""
    size: int
    """Positions that are returned."""
    more_than: int
    """Addresses: of fewer nothing need be read."""


def find_addresses(part: str, to_read: ToRead | None = None) -> Receivers | None:
    """Find all addresses of receivers that contain a part.

    Returns:
        None where there are too many of them, where no index helps to find them, or where too much is unknown yet.
    """
    if not can_be_looked_up(part):
        return None
    found = _find_with_sqlite(part) if connection.vendor == "sqlite" else _find_at_once(part, to_read)
    return found if found and len(found.addresses) <= MAX_ADDRESSES else None


def _find_with_sqlite(part: str) -> Receivers | None:
    # Its trigrams include what is between words, and so are seldom frequent in a rare part.
    (((reached, youngest),),) = fetch_together(Question(_MARK))
    if youngest - reached > MAX_YOUNG:
        return None
    condition, young = contains("known.address", part), of_receiver(part)
    quoted = part.replace("\0", "").replace('"', '""')
    known = f"""
        SELECT known.address FROM records_knownaddress_parts parts
        CROSS JOIN records_knownaddress known ON known.id = parts.rowid
        WHERE parts.address MATCH %s AND {condition.sql} LIMIT {MAX_ADDRESSES + 1}
    """  # noqa: S608  # names of our own, here and below
    # By id: SQLite would rather read the whole index of receivers, where their order comes for nothing.
    unknown = f"""
        SELECT DISTINCT record.receiver_address FROM records_sendingrecord AS record NOT INDEXED
        WHERE record.id > %s AND {young.sql}
    """  # noqa: S608
    answers = fetch_together(
        Question(known, (f'"{quoted}"', *condition.parameters)), Question(unknown, (reached, *young.parameters))
    )
    return Receivers(sorted({address for rows in answers for (address,) in rows}))


def _find_at_once(part: str, to_read: ToRead | None) -> Receivers | None:
    # One answer to wait for: what does not help is not looked into, and records are read of what is found.
    frequency, known, young = frequency_of(part), contains("known.address", part), of_receiver(part)
    read, order = (_records_of_found(to_read), to_read.within.order) if to_read else (_NO_RECORDS, "id")
    statement = f"""
        WITH mark AS MATERIALIZED ({_MARK}),
        fit AS MATERIALIZED (
            SELECT youngest - reached <= {MAX_YOUNG} AND ({frequency.sql}) <= {MAX_IN_SAMPLE} AS is_fit FROM mark
        ),
        known AS MATERIALIZED (
            SELECT address FROM records_knownaddress known
            WHERE (SELECT is_fit FROM fit) AND {known.sql} LIMIT {MAX_ADDRESSES + 1}
        ),
        young AS MATERIALIZED (
            SELECT DISTINCT record.receiver_address AS address
            FROM (
                SELECT receiver_address FROM records_sendingrecord
                WHERE id > (SELECT reached FROM mark) ORDER BY id LIMIT {MAX_YOUNG}
            ) AS record
            WHERE (SELECT is_fit FROM fit) AND {young.sql}
        ),
        found AS MATERIALIZED (SELECT address FROM known UNION SELECT address FROM young),
        kept AS MATERIALIZED ({read.sql})
        SELECT address, NULL, NULL, NULL::timestamptz, NULL::bigint FROM found
        UNION ALL SELECT NULL, is_fit, (SELECT COUNT(*) FROM kept), NULL, NULL FROM fit
        UNION ALL (
            SELECT NULL, NULL, NULL, started_at, id FROM kept ORDER BY {order} LIMIT {to_read.size if to_read else 0}
        )
    """  # noqa: S608  # names of our own
    parameters = [each for asked in (frequency, known, young, read) for each in asked.parameters or ()]
    (rows,) = fetch_together(Question(statement, parameters))
    addresses = [address for address, *_ in rows if address is not None]
    ((is_fit, number),) = [row[1:3] for row in rows if row[1] is not None]
    if not is_fit:
        return None
    if to_read is None or len(addresses) <= to_read.more_than:
        return Receivers(sorted(addresses))
    positions = to_read.within.in_order(as_positions([row[3:] for row in rows if row[4] is not None]))
    return Receivers(sorted(addresses), Beside(to_read.within, number, positions))


_NO_RECORDS = Condition("SELECT NULL::timestamptz AS started_at, NULL::bigint AS id WHERE FALSE")


def _records_of_found(to_read: ToRead) -> Condition:
    within = to_read.within.condition
    # With a limit for each address: PostgreSQL can then do nothing but look each of them up.
    each = f"""
        SELECT record.started_at, record.id FROM records_sendingrecord AS record
        WHERE record.receiver_address = found.address AND {within.sql} LIMIT {to_read.limit}
    """  # noqa: S608  # names of our own, here and below
    statement = f"""
        SELECT one.started_at, one.id FROM found CROSS JOIN LATERAL ({each}) AS one
        WHERE (SELECT COUNT(*) FROM found) BETWEEN {to_read.more_than + 1} AND {MAX_ADDRESSES} LIMIT {to_read.limit}
    """  # noqa: S608
    return Condition(statement, within.parameters)

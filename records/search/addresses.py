"""Which addresses contain a part: from the known ones, and from the records that are too young to be known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from records.search.conditions import Condition, contains, of_receiver
from records.search.sampling import Sample, ToSample, keeping, read_sample, telling
from records.search.trigrams import MAX_IN_SAMPLE, can_be_looked_up, frequency_of
from records.statements import Question, fetch_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from records.statements import Rows

MAX_ARMS = 16
"""Addresses whose records are walked along side by side."""
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
    sample: Sample | None = None
    """What their records look like, where that came along."""


class LookedUp(NamedTuple):
    """What was found out."""

    receivers: Receivers | None
    """None where there are too many of them, where no index helps to find them, or where too much is unknown yet."""
    beside: list[Rows] | None = None
    """The answers to what was asked beside; None where nothing was asked."""


def find_addresses(part: str, to_sample: ToSample | None = None, beside: Sequence[Question] = ()) -> LookedUp:
    """Find all addresses of receivers that contain a part.

    Args:
        part: Of an address, in whatever case.
        to_sample: Of which of their records it is to be told what they look like, where the database can do both at
            once and there are more than `MAX_ARMS` addresses.
        beside: What else is to be asked, of whatever kind.
    """
    if not can_be_looked_up(part):
        return LookedUp(None)
    if connection.vendor == "sqlite":
        receivers, answers = _find_with_sqlite(part), fetch_together(*beside)
    else:
        asked = _asking_at_once(part, to_sample)
        rows, *answers = fetch_together(asked, *beside)
        receivers = _read_at_once(rows, to_sample)
    is_frequent = receivers is None or len(receivers.addresses) > MAX_ADDRESSES
    return LookedUp(None if is_frequent else receivers, answers)


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


def _asking_at_once(part: str, to_sample: ToSample | None) -> Question:
    # One answer to wait for: what does not help is not looked into, and records are read of what is found.
    frequency, known, young = frequency_of(part), contains("known.address", part), of_receiver(part)
    are_many = f"(SELECT MAX(place) FROM found) BETWEEN {MAX_ARMS + 1} AND {MAX_ADDRESSES}"  # noqa: S608  # numbers
    kept = keeping(to_sample, Condition(are_many)) if to_sample else Condition("none AS (SELECT 1)")
    told = f"UNION ALL {telling(to_sample, 'NULL, NULL,')}" if to_sample else ""
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
            SELECT record.receiver_address AS address
            FROM (
                SELECT receiver_address FROM records_sendingrecord
                WHERE id > (SELECT reached FROM mark) ORDER BY id LIMIT {MAX_YOUNG}
            ) AS record
            WHERE (SELECT is_fit FROM fit) AND {young.sql}
        ),
        found AS MATERIALIZED (
            SELECT address, ROW_NUMBER() OVER () AS place
            FROM (SELECT address FROM known UNION SELECT address FROM young) AS every
        ),
        {kept.sql}
        SELECT address, NULL::boolean, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::bigint FROM found
        UNION ALL SELECT NULL, is_fit, NULL, NULL, NULL, NULL FROM fit
        {told}
    """  # noqa: S608  # names of our own
    parameters = [each for asked in (frequency, known, young, kept) for each in asked.parameters or ()]
    return Question(statement, parameters)


def _read_at_once(rows: Rows, to_sample: ToSample | None) -> Receivers | None:
    if [row[1] for row in rows if row[1] is not None] == [False]:
        return None
    addresses = sorted(address for address, *_ in rows if address is not None)
    if to_sample is None or not MAX_ARMS < len(addresses) <= MAX_ADDRESSES:
        return Receivers(addresses)
    return Receivers(addresses, read_sample(to_sample, [row[2:] for row in rows if row[0] is None and row[1] is None]))

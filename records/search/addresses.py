"""Which addresses contain a part: from the known ones, and from the records that are too young to be known."""

from __future__ import annotations

import re

from django.db import connection

from records.search.conditions import Condition, contains, of_receiver
from records.search.statements import fetch

MAX_ADDRESSES = 1_000
"""More than that are frequent enough to be met on a walk."""
MAX_YOUNG = 20_000
"""Records above the mark that are looked through one by one."""
SAMPLED = 200
"""Addresses that tell how frequent the trigrams of a part are."""
MAX_IN_SAMPLE = 4
"""With more of them the index gives so many addresses to look at that looking for a part would take long."""
_REACHED = """
    SELECT COALESCE((SELECT MAX(reached) FROM records_searchmark), 0),
        COALESCE((SELECT MAX(id) FROM records_sendingrecord), 0)
"""


def find_addresses(part: str) -> list[str] | None:
    """Find all addresses of receivers that contain a part, as they are written.

    Returns:
        None where there are too many of them, where no index helps to find them, or where too much is unknown yet.
    """
    if not _can_be_looked_up(part):
        return None
    ((reached, youngest),) = fetch(_REACHED, ())
    if youngest - reached > MAX_YOUNG:
        return None
    known = _known(part) if _is_selective(part) else None
    if known is None or len(known) > MAX_ADDRESSES:
        return None
    found = sorted({*known, *_young(part, reached)})
    return found if len(found) <= MAX_ADDRESSES else None


def _can_be_looked_up(part: str) -> bool:
    """Tell whether the index has something to find: three letters or digits in a row."""
    # SQLite's index does not know all the letters that are one letter in another case.
    is_alike = part.isascii() or connection.vendor == "postgresql"
    return is_alike and re.search(r"[^\W_]{3}", part) is not None


def _is_selective(part: str) -> bool:
    """Tell whether the index leaves few addresses to look at: a part may be rare, and its trigrams in every address."""
    if connection.vendor == "sqlite":
        return True  # its trigrams include what is between words, and so are seldom frequent in a rare part
    trigrams = list(_trigrams(part.lower()))
    if not trigrams:
        # Under some rules for letters (C) only those of ASCII are any.
        ((are_letters,),) = fetch("SELECT show_trgm('\u4ef6') <> '{}'", ())
        return bool(are_letters)
    newest = f"SELECT address FROM records_knownaddress ORDER BY id DESC LIMIT {SAMPLED}"  # noqa: S608  # a number
    statement = f"SELECT COUNT(*) FROM ({newest}) AS known WHERE show_trgm(address) @> %s::text[]"  # noqa: S608
    ((number,),) = fetch(statement, (trigrams,))
    return bool(number <= MAX_IN_SAMPLE)


def _trigrams(part: str) -> set[str]:
    """Split a part as pg_trgm does, with spaces where a word ends within it; of ASCII only, others look different."""
    found = set()
    for word in re.finditer("[a-z0-9]+", part):
        begins = "  " if word.start() and part[word.start() - 1].isascii() else ""
        ends = " " if word.end() < len(part) and part[word.end()].isascii() else ""
        padded = f"{begins}{word[0]}{ends}"
        found |= {padded[place : place + 3] for place in range(len(padded) - 2)}
    return found


def _known(part: str) -> set[str]:
    condition = contains("known.address", part)
    if connection.vendor == "sqlite":
        quoted = part.replace("\0", "").replace('"', '""')
        match = f'"{quoted}"'
        statement = f"""
            SELECT known.address FROM records_knownaddress_parts parts
            CROSS JOIN records_knownaddress known ON known.id = parts.rowid
            WHERE parts.address MATCH %s AND {condition.sql} LIMIT {MAX_ADDRESSES + 1}
        """  # noqa: S608  # names of our own
        return _addresses(Condition(statement, (match, *condition.parameters)))
    statement = f"SELECT address FROM records_knownaddress known WHERE {condition.sql} LIMIT {MAX_ADDRESSES + 1}"  # noqa: S608
    return _addresses(Condition(statement, condition.parameters))


def _young(part: str, reached: int) -> set[str]:
    condition = of_receiver(part)
    # By id: SQLite would rather read the whole index of receivers, where their order comes for nothing.
    hint = "NOT INDEXED" if connection.vendor == "sqlite" else ""
    statement = f"""
        SELECT DISTINCT record.receiver_address FROM records_sendingrecord AS record {hint}
        WHERE record.id > %s AND {condition.sql}
    """  # noqa: S608  # names of our own
    return _addresses(Condition(statement, (reached, *condition.parameters)))


def _addresses(query: Condition) -> set[str]:
    return {address for (address,) in fetch(query.sql, query.parameters)}

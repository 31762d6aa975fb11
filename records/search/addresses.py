"""Which addresses contain a part: from the known ones, and from the records that are too young to be known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import connection

from records.search.conditions import contains, of_receiver
from records.statements import Question, fetch_together

if TYPE_CHECKING:
    from records.statements import Rows

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
    (((reached, youngest),), frequency) = fetch_together(Question(_REACHED), _frequency(part))
    if youngest - reached > MAX_YOUNG or not _is_selective(frequency):
        return None
    known, young = ({address for (address,) in rows} for rows in fetch_together(_known(part), _young(part, reached)))
    found = sorted(known | young)
    return found if len(known) <= MAX_ADDRESSES and len(found) <= MAX_ADDRESSES else None


def _can_be_looked_up(part: str) -> bool:
    """Tell whether the index has something to find: three letters or digits in a row."""
    # SQLite's index does not know all the letters that are one letter in another case.
    is_alike = part.isascii() or connection.vendor == "postgresql"
    return is_alike and re.search(r"[^\W_]{3}", part) is not None


def _frequency(part: str) -> Question:
    """Ask in how many of some addresses all trigrams of a part are: it may be rare, and they in every address."""
    if connection.vendor == "sqlite":
        # Its trigrams include what is between words, and so are seldom frequent in a rare part.
        return Question("SELECT 0")
    trigrams = list(_trigrams(part.lower()))
    if not trigrams:
        # Under some rules for letters (C) only those of ASCII are any.
        return Question(f"SELECT CASE WHEN show_trgm('\u4ef6') <> '{{}}' THEN 0 ELSE {SAMPLED} END")
    newest = f"SELECT address FROM records_knownaddress ORDER BY id DESC LIMIT {SAMPLED}"  # noqa: S608  # a number
    # Most addresses are out already by what they would have to contain; to split one takes ten times as long.
    contained = [f"%{trigram}%" for trigram in trigrams if " " not in trigram]
    statement = f"""
        SELECT COUNT(*) FROM ({newest}) AS known
        WHERE CASE WHEN lower(address) LIKE ALL (%s::text[]) THEN show_trgm(address) @> %s::text[] ELSE FALSE END
    """  # noqa: S608  # names of our own
    return Question(statement, (contained, trigrams))


def _is_selective(frequency: Rows) -> bool:
    """Tell whether the index leaves few addresses to look at."""
    ((number,),) = frequency
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


def _known(part: str) -> Question:
    condition = contains("known.address", part)
    if connection.vendor == "sqlite":
        quoted = part.replace("\0", "").replace('"', '""')
        match = f'"{quoted}"'
        statement = f"""
            SELECT known.address FROM records_knownaddress_parts parts
            CROSS JOIN records_knownaddress known ON known.id = parts.rowid
            WHERE parts.address MATCH %s AND {condition.sql} LIMIT {MAX_ADDRESSES + 1}
        """  # noqa: S608  # names of our own
        return Question(statement, (match, *condition.parameters))
    statement = f"SELECT address FROM records_knownaddress known WHERE {condition.sql} LIMIT {MAX_ADDRESSES + 1}"  # noqa: S608
    return Question(statement, condition.parameters)


def _young(part: str, reached: int) -> Question:
    condition = of_receiver(part)
    # By id: SQLite would rather read the whole index of receivers, where their order comes for nothing.
    hint = "NOT INDEXED" if connection.vendor == "sqlite" else ""
    statement = f"""
        SELECT DISTINCT record.receiver_address FROM records_sendingrecord AS record {hint}
        WHERE record.id > %s AND {condition.sql}
    """  # noqa: S608  # names of our own
    return Question(statement, (reached, *condition.parameters))

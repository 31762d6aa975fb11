"""How much the index of trigrams helps to find a part of an address: a part may be rare, and its trigrams in all."""

from __future__ import annotations

import re

from django.db import connection

from records.statements import Question

SAMPLED = 200
"""Addresses that tell how frequent the trigrams of a part are."""
MAX_IN_SAMPLE = 4
"""With more of them the index gives so many addresses to look at that looking for a part would take long."""


def can_be_looked_up(part: str) -> bool:
    """Tell whether the index has something to find: three letters or digits in a row."""
    # SQLite's index does not know all the letters that are one letter in another case.
    is_alike = part.isascii() or connection.vendor == "postgresql"
    return is_alike and re.search(r"[^\W_]{3}", part) is not None


def frequency_of(part: str) -> Question:
    """Ask PostgreSQL in how many of some addresses all trigrams of a part are."""
    trigrams = list(_trigrams(part.lower()))
    if not trigrams:
        # Under some rules for letters (C) only those of ASCII are any.
        return Question(f"SELECT CASE WHEN show_trgm('\u4ef6') <> '{{}}' THEN 0 ELSE {SAMPLED} END")
    newest = f"SELECT address FROM records_knownaddress ORDER BY id DESC LIMIT {SAMPLED}"  # noqa: S608  # a number
    # Most addresses are out already by what they would have to contain; to split one takes ten times as long.
    contained = [f"%{trigram}%" for trigram in trigrams if " " not in trigram]
    statement = f"""
        SELECT COUNT(*) FROM ({newest}) AS newest
        WHERE CASE WHEN lower(address) LIKE ALL (%s::text[]) THEN show_trgm(address) @> %s::text[] ELSE FALSE END
    """  # noqa: S608  # names of our own
    return Question(statement, (contained, trigrams))


def _trigrams(part: str) -> set[str]:
    """Split a part as pg_trgm does, with spaces where a word ends within it; of ASCII only, others look different."""
    found = set()
    for word in re.finditer("[a-z0-9]+", part):
        begins = "  " if word.start() and part[word.start() - 1].isascii() else ""
        ends = " " if word.end() < len(part) and part[word.end()].isascii() else ""
        padded = f"{begins}{word[0]}{ends}"
        found |= {padded[place : place + 3] for place in range(len(padded) - 2)}
    return found

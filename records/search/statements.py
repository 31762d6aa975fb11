"""Statements that are written by hand: Django's own can't say how far to read, nor along which index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from records.clock import as_moment
from records.paging import Position

if TYPE_CHECKING:
    from collections.abc import Sequence


def _switch(state: str) -> str:
    ways = ("enable_seqscan", "enable_bitmapscan", "enable_sort")
    return "SELECT " + ", ".join(f"set_config('{way}', '{state}', true)" for way in ways)


BEFORE, AFTER = f"{_switch('off')}; ", f"; {_switch('on')}"
"""What stands around a statement of `fetch_along` on PostgreSQL."""


def fetch(statement: str, parameters: Sequence[Any] | None = ()) -> list[tuple[Any, ...]]:
    """Execute a statement that returns rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def fetch_along(statement: str, parameters: Sequence[Any] | None = ()) -> list[tuple[Any, ...]]:
    """Do so, but keep PostgreSQL from reading and sorting where an index has it in order: a walk ends early.

    What is read by bitmaps alone, as by an index of trigrams, or is to be sorted, must be asked for by `fetch`.
    """
    if connection.vendor != "postgresql":
        return fetch(statement, parameters)
    # Sent as one, so that it costs one answer to wait for: outside of a transaction all three are one of their own, at
    # whose end the settings are as they were; within one the last makes them so.
    with connection.cursor() as cursor:
        cursor.execute(f"{BEFORE}{statement}{AFTER}", parameters)
        cursor.nextset()
        return list(cursor.fetchall())


def fetch_positions(statement: str, parameters: Sequence[Any]) -> list[Position]:
    """Execute a statement that returns times and ids along an index."""
    return [Position(as_moment(moment), record_id) for moment, record_id in fetch_along(statement, parameters)]

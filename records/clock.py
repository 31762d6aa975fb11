"""The database's clock. Leases, due times and records are told by it alone: workers' clocks differ."""

from datetime import UTC, datetime

from django.db import connection

NOW = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    # Not now(): that is when the transaction began.
    "postgresql": "statement_timestamp()",
}
"""How each database tells the time, in statements written by hand and without parameters."""


def database_now() -> datetime:
    """Read the database's clock, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {NOW[connection.vendor]}")
        return as_moment(cursor.fetchone()[0])


def as_moment(value: datetime | str) -> datetime:
    """Return a moment that a statement written by hand has read, in UTC: SQLite hands it over as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)

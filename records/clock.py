"""The database's clock. Leases, due times and records are told by it alone: workers' clocks differ."""

from datetime import UTC, datetime

from django.db import connection


def database_now() -> datetime:
    """Read the database's clock, in UTC."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
            return datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)
        # Not now(): that is when the transaction began.
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment.astimezone(UTC)

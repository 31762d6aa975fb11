"""The databases of the contestants: made once, copied afresh for every run, asked without being measured."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple, Protocol

from bench.delivery.servers import ROLE, Postgres

FOREIGN_KEY_CHECK = "SELECT % FROM ONLY % FOR KEY SHARE OF x"
"""What PostgreSQL asks itself for every new reference; nobody sent it."""


class Counters(NamedTuple):
    """What the database counted."""

    statements: int
    commits: int


class Store(Protocol):
    """A database of one contestant."""

    kind: str
    url: str

    def keep_as_fresh(self) -> None:
        """Remember the present state as the one that every run starts from."""

    def refresh(self) -> None:
        """Go back to it."""

    def settle(self) -> None:
        """Bring statistics up to date and write everything out, so that a run starts calm."""

    def ask(self, question: str) -> int:
        """Return the one number that a query answers."""

    def counters(self) -> Counters | None:
        """Return what the database counted; None where it does not count."""


class PostgresStore:
    """A database in the shared cluster."""

    kind = "PostgreSQL"

    def __init__(self, cluster: Postgres, name: str) -> None:
        """Create it, empty."""
        self._cluster, self._name = cluster, name
        self.url = cluster.url_of(name)
        cluster.create_database(name)

    def keep_as_fresh(self) -> None:
        """Rename it: it is a template from now on."""
        with self._cluster.connect() as connection:
            connection.execute(f'ALTER DATABASE "{self._name}" RENAME TO "{self._name}_fresh"')

    def refresh(self) -> None:
        """Make it anew from the template."""
        with self._cluster.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{self._name}" TEMPLATE "{self._name}_fresh" OWNER {ROLE}')

    def settle(self) -> None:
        """Analyse and write a checkpoint."""
        with self._cluster.connect(self._name) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def ask(self, question: str) -> int:
        """Ask over a connection of its own."""
        with self._cluster.connect(self._name) as connection:
            row = connection.execute(question).fetchone()
        assert row is not None
        return int(row[0])

    def dearest(self, count: int = 20) -> list[tuple[int, float, str]]:
        """Return the statements that took most of PostgreSQL's time: calls, milliseconds in all, text."""
        with self._cluster.connect() as connection:
            rows = connection.execute(
                """
                SELECT sum(calls), sum(total_exec_time), regexp_replace(query, '\\s+', ' ', 'g')
                FROM pg_stat_statements
                WHERE userid = %(role)s::regrole AND dbid = (SELECT oid FROM pg_database WHERE datname = %(name)s)
                GROUP BY 3 ORDER BY 2 DESC LIMIT %(count)s
                """,
                {"name": self._name, "role": ROLE, "count": count},
            ).fetchall()
        return [(int(calls), float(milliseconds), str(query)) for calls, milliseconds, query in rows]

    def updates(self) -> list[tuple[str, int, int]]:
        """Return per table how many rows were updated, and how many of them without touching an index."""
        with self._cluster.connect(self._name) as connection:
            return connection.execute(
                "SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE n_tup_upd > 9 ORDER BY 2 DESC"
            ).fetchall()

    def forget_counters(self) -> None:
        """Count from zero."""
        with self._cluster.connect() as connection:
            connection.execute("SELECT pg_stat_statements_reset()")

    def counters(self) -> Counters:
        """Read what was counted of the contestant's role in this database."""
        with self._cluster.connect() as connection:
            row = connection.execute(
                """
                SELECT coalesce(sum(calls), 0),
                       (SELECT xact_commit FROM pg_stat_database WHERE datname = %(name)s)
                FROM pg_stat_statements
                WHERE userid = %(role)s::regrole AND dbid = (SELECT oid FROM pg_database WHERE datname = %(name)s)
                AND query NOT LIKE %(check)s
                """,
                {"name": self._name, "role": ROLE, "check": FOREIGN_KEY_CHECK},
            ).fetchone()
        assert row is not None
        return Counters(int(row[0]), int(row[1] or 0))


class SqliteStore:
    """A database file."""

    kind = "SQLite"

    def __init__(self, path: Path) -> None:
        """Name it; whoever opens it first creates it."""
        self._path = path
        self.url = f"sqlite:///{path}"

    def keep_as_fresh(self) -> None:
        """Copy it aside, with nothing left in its journal."""
        self.settle()
        shutil.copy(self._path, f"{self._path}.fresh")

    def refresh(self) -> None:
        """Copy it back."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        shutil.copy(f"{self._path}.fresh", self._path)

    def settle(self) -> None:
        """Write the journal into the file."""
        connection = sqlite3.connect(self._path, timeout=20)
        connection.execute("ANALYZE")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def ask(self, question: str) -> int:
        """Ask over a connection of its own."""
        connection = sqlite3.connect(self._path, timeout=20)
        number = connection.execute(question).fetchone()[0]
        connection.close()
        return int(number)

    def counters(self) -> None:
        """Nothing is counted."""
        return

"""The indexes in which a part of an address is looked up, made by the migration: both split it into trigrams."""

from typing import Any

from django.db import DatabaseError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from records.operations import DatabaseOperation

_NO_EXTENSION = (
    "Mailbox needs the extension pg_trgm of PostgreSQL to look for parts of addresses, and may not create it. Install "
    "PostgreSQL's contrib modules if they are missing, and have the database's owner or an administrator run: "
    "CREATE EXTENSION pg_trgm; then migrate again."
)

_POSTGRES = (
    # Without a list of pending entries: every search would read all of it.
    (
        "CREATE INDEX known_address_by_part ON records_knownaddress USING gin (lower(address) gin_trgm_ops) "
        "WITH (fastupdate = off)"
    ),
)
_SQLITE = (
    (
        "CREATE VIRTUAL TABLE records_knownaddress_parts USING fts5("
        "address, content='records_knownaddress', content_rowid='id', tokenize='trigram')"
    ),
    (
        "CREATE TRIGGER records_knownaddress_added AFTER INSERT ON records_knownaddress BEGIN "
        "INSERT INTO records_knownaddress_parts(rowid, address) VALUES (new.id, new.address); END"
    ),
    (
        "CREATE TRIGGER records_knownaddress_gone AFTER DELETE ON records_knownaddress BEGIN "
        "INSERT INTO records_knownaddress_parts(records_knownaddress_parts, rowid, address) "
        "VALUES ('delete', old.id, old.address); END"
    ),
)


class IndexParts(DatabaseOperation):
    """Index the parts of the known addresses: by pg_trgm on PostgreSQL, by FTS5 on SQLite."""

    def database_forwards(
        self, _app_label: str, schema_editor: BaseDatabaseSchemaEditor, _from_state: Any, _to_state: Any
    ) -> None:
        """Create the index.

        Raises:
            DatabaseError: PostgreSQL does not let it create the extension; the message says what to do.
        """
        if schema_editor.connection.vendor == "postgresql":
            try:
                schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            except DatabaseError as error:
                raise DatabaseError(_NO_EXTENSION) from error
            statements: tuple[str, ...] = _POSTGRES
        else:
            statements = _SQLITE
        for statement in statements:
            schema_editor.execute(statement)

    def database_backwards(
        self, _app_label: str, schema_editor: BaseDatabaseSchemaEditor, _from_state: Any, _to_state: Any
    ) -> None:
        """Drop what does not go with the table: triggers and PostgreSQL's index do."""
        if schema_editor.connection.vendor == "sqlite":
            for name in ("added", "gone"):
                schema_editor.execute(f"DROP TRIGGER records_knownaddress_{name}")
            schema_editor.execute("DROP TABLE records_knownaddress_parts")

    def describe(self) -> str:
        """Say what it does."""
        return "Index the parts of the known addresses"

"""Room on the pages of tables whose rows change often: PostgreSQL then writes a new row beside the old one (HOT)."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from records.operations import DatabaseOperation


class LeaveRoom(DatabaseOperation):
    """Fill pages of a table only in part, so that passing the point of no return costs no entry in any index."""

    def __init__(self, table: str, percent: int) -> None:
        """Prepare.

        Args:
            table: Its name in the database.
            percent: How full a page may get by new rows.
        """
        self.table = table
        self.percent = percent

    def database_forwards(
        self, _app_label: str, schema_editor: BaseDatabaseSchemaEditor, _from_state: Any, _to_state: Any
    ) -> None:
        """Tell PostgreSQL; other databases know no such thing."""
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"ALTER TABLE {self.table} SET (fillfactor = {int(self.percent)})")

    def describe(self) -> str:
        """Say what it does."""
        return f"Leave room on the pages of {self.table}"

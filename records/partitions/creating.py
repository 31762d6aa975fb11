"""The migration's part: a table whose rows PostgreSQL keeps in one table per month. Elsewhere it is a table as any."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.migrations.operations import CreateModel

from records.partitions.months import TABLE, Month
from records.partitions.tables import AHEAD, DEFAULT_TABLE, create_statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.models import Model

_KEY = "mail_accepted_at"


class CreateByMonth(CreateModel):
    """Create the table of sending records: on PostgreSQL by months, with one more table for all that has no month's."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Create the table, and those of the months to come."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        with _by_range(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        schema_editor.execute(f"CREATE TABLE {DEFAULT_TABLE} PARTITION OF {TABLE} DEFAULT")
        now = Month.of(datetime.now(UTC))
        for month in now.upto(now.later(AHEAD)):
            schema_editor.execute(create_statement(month))


@contextmanager
def _by_range(schema_editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    """Have a table created by ranges of the key, which every unique index then has to hold: the primary key, too."""
    usual = schema_editor.table_sql

    def table_sql(model: type[Model]) -> tuple[str, list[Any]]:
        statement, parameters = usual(model)
        # Django takes `id` for the key all the same: it comes from one sequence, and so is unique by itself.
        statement, number = re.subn(r" PRIMARY KEY(?= GENERATED|,)", "", statement, count=1)
        if number != 1 or not statement.endswith(")"):
            raise NotImplementedError(statement)
        return f'{statement[:-1]}, PRIMARY KEY ("id", "{_KEY}")) PARTITION BY RANGE ("{_KEY}")', parameters

    schema_editor.table_sql = table_sql  # type: ignore[method-assign]
    try:
        yield
    finally:
        del schema_editor.table_sql

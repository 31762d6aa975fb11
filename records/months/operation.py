"""The migration's part: on PostgreSQL the tables of bodies and contents are made anew, as tables of tables by month."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from records.months.calendar import month_after, this_month
from records.months.tables import BODIES, CONTENTS, create_tables_of, create_tables_of_others
from records.operations import DatabaseOperation

_REFER_TO_MAIL = (
    f"ALTER TABLE {CONTENTS} ADD CONSTRAINT {CONTENTS}_has_its_mail FOREIGN KEY (mail_id)"
    " REFERENCES records_mail (id) DEFERRABLE INITIALLY DEFERRED"
)


class KeepByMonth(DatabaseOperation):
    """Keep bodies and contents by month. Comes after what makes their tables; columns and checks stay the same."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, _from_state: Any, to_state: Any
    ) -> None:
        """Make the tables anew, while they are empty."""
        if schema_editor.connection.vendor != "postgresql":
            return
        content, body = (to_state.apps.get_model(app_label, name) for name in ("Content", "Body"))
        for model, key in ((body, "id"), (content, "mail_id")):
            table = model._meta.db_table  # noqa: SLF001  # a public interface, its name notwithstanding
            schema_editor.execute(
                f"CREATE TABLE {table}_by_month (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS,"
                f" CONSTRAINT {table}_by_month_key PRIMARY KEY ({key}, month)) PARTITION BY LIST (month)"
            )
        for model in (content, body):
            table = model._meta.db_table  # noqa: SLF001  # as well
            schema_editor.delete_model(model)  # with what was still to be done about it, such as its foreign keys
            schema_editor.execute(f"ALTER TABLE {table}_by_month RENAME TO {table}")
            for index in model._meta.indexes:  # noqa: SLF001  # as well
                schema_editor.add_index(model, index)
        now = this_month()
        for statement in (
            f"CREATE INDEX {CONTENTS}_by_body ON {CONTENTS} (body_id)",
            *create_tables_of_others(),
            _REFER_TO_MAIL,
            *create_tables_of(now),
            *create_tables_of(month_after(now)),
        ):
            schema_editor.execute(statement)

    def describe(self) -> str:
        """Say what it does."""
        return f"Keep {BODIES} and {CONTENTS} by month"

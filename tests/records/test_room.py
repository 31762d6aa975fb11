"""Tables whose rows change often leave room for it on their pages."""

import importlib

import pytest
from django.db import connection

from records.room import LeaveRoom

TABLES = {"records_mail": 60, "records_receiver": 60}


def test_the_migration_leaves_room_for_updates() -> None:
    migration = importlib.import_module("records.migrations.0001_mails_and_records").Migration
    rooms = [operation for operation in migration.operations if isinstance(operation, LeaveRoom)]
    assert {room.table: room.percent for room in rooms} == TABLES


@pytest.mark.django_db
def test_postgresql_knows_of_it_and_other_databases_need_not() -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reloptions FROM pg_class WHERE relname = ANY(%s)", [list(TABLES)])
        assert dict(cursor.fetchall()) == {table: [f"fillfactor={percent}"] for table, percent in TABLES.items()}

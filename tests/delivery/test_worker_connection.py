"""The database connections of a worker."""

import pytest
from django.db import connection, connections
from django.db.backends.signals import connection_created

from delivery.worker import prefer_indexes

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_reads_by_index_whatever_postgresql_planned_when_the_tables_were_empty() -> None:
    if connection.vendor != "postgresql":
        return
    connection_created.connect(prefer_indexes)
    own = connections.create_connection("default")
    try:
        with own.cursor() as cursor:
            cursor.execute("SHOW enable_seqscan")
            assert cursor.fetchone() == ("off",)
            cursor.execute("SHOW jit")
            assert cursor.fetchone() == ("off",)
    finally:
        own.close()
        connection_created.disconnect(prefer_indexes)

"""The tasks after the database broke off: a worker's thread must not be lost with its connection."""

import psycopg
import pytest
from django.db import connection

from delivery import tasks
from records.models import Heartbeat

pytestmark = pytest.mark.django_db(transaction=True)

BEATS = {"worker", "alarms", "forget addresses", "tidy exports"}
"""What a sweep leaves behind when it came to its end."""


def break_off() -> None:
    """End this thread's connection from the other side, as a restarted PostgreSQL does; SQLite has no other side."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    database = connection.get_connection_params()
    wanted = {name: database[name] for name in ("dbname", "user", "host", "port")}
    with psycopg.connect(**wanted, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_task_takes_a_new_connection_where_its_own_was_broken_off() -> None:
    Heartbeat.objects.all().delete()
    break_off()
    tasks.sweep()
    assert set(Heartbeat.objects.values_list("name", flat=True)) == BEATS


def test_a_task_that_lost_its_connection_in_the_midst_costs_the_next_one_nothing() -> None:
    Heartbeat.objects.all().delete()
    break_off()
    tasks.continue_deed(4711)
    tasks.sweep()
    assert set(Heartbeat.objects.values_list("name", flat=True)) == BEATS

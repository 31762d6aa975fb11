"""How times are read from the database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection
from django.utils import timezone as django_timezone

from records.models import SendingRecord
from tests.records.rows import make_record

pytestmark = pytest.mark.django_db
MOMENTS = [
    datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_time_comes_back_as_it_was_written_and_in_utc(moment: datetime) -> None:
    record = make_record(started_at=moment)
    with django_timezone.override("Asia/Shanghai"):
        found = SendingRecord.objects.get(pk=record.pk)
    assert found.started_at == moment
    assert found.started_at.utcoffset() == timedelta()
    assert found.started_at.isoformat() == moment.astimezone(UTC).isoformat()


def test_postgresql_s_times_are_read_by_the_loader_in_c() -> None:
    if connection.vendor != "postgresql":
        return
    from mailbox_admin.postgres_times import TimeLoader  # noqa: PLC0415  # where there is PostgreSQL

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        own = cursor.cursor.adapters
        assert own.get_loader(own.types["timestamptz"].oid, 0) is TimeLoader

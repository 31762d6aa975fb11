"""Months of records, which PostgreSQL keeps in tables of their own and drops as a whole."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction

from records.clock import database_now
from records.enums import MailState, Outcome
from records.keeping.enums import Stage
from records.keeping.models import ONLY, KeepingRound
from records.keeping.pretending import pretend_round
from records.keeping.rounds import run_whole
from records.keeping.rules import get_rules
from records.models import SendingRecord
from records.partitions.months import Month
from records.partitions.tables import DEFAULT_TABLE, MOST_MOVED, ask, drop, list_months, make_ahead, make_months
from tests.records.keeping.rows import old_mail, set_rules, what_is_left
from tests.records.rows import make_record

pytestmark = pytest.mark.django_db(transaction=True)

ON_POSTGRESQL = connection.vendor == "postgresql"


@pytest.fixture(autouse=True)
def _old_months() -> Iterator[None]:
    """Let every month of two years have a table, and the usual ones afterwards."""
    usual = list_months()
    now = Month.of(database_now())
    make_months(now.later(-24), now)
    yield
    for month in list_months():
        if month not in usual:
            drop(month)
    make_ahead()


def months_of(*days: int) -> set[Month]:
    return {Month.of(database_now() - timedelta(days=number)) for number in days}


def dropped(*days: int) -> bool:
    """Tell whether the months of so many days ago have no table any more; elsewhere there are none anyway."""
    return not months_of(*days) & set(list_months())


def test_a_record_is_in_the_table_of_the_month_in_which_its_mail_was_accepted() -> None:
    mail = old_mail(50)
    make_record(mail, receiver_address="late@example.net", started_at=database_now())
    if ON_POSTGRESQL:
        (table,) = months_of(50)
        assert ask(f"SELECT COUNT(*) FROM {table.table}") == (2,)


def test_no_second_record_of_a_try_at_a_receiver_can_be_written() -> None:
    record = make_record(old_mail(50, records=0))
    record.pk = None
    with pytest.raises(IntegrityError):
        record.save()


def test_an_old_month_goes_with_its_mails() -> None:
    set_rules(records_days=400)
    for days in (500, 501, 470):
        old_mail(days, records=3)
    young = old_mail(100)
    told, did = pretend_round(get_rules()), run_whole(pause=0)
    assert (told.removed_mails, told.removed_records) == (did.removed_mails, did.removed_records) == (3, 9)
    assert what_is_left() == ([young.pk], [young.pk], [young.pk])
    assert dropped(500, 501, 470)
    assert months_of(100) <= set(list_months()) or not ON_POSTGRESQL


@pytest.mark.parametrize("what", ["waits", "is held", "was tried later", "is tried now"])
def test_a_month_stays_while_something_of_it_does(what: str) -> None:
    set_rules(records_days=400)
    values = {"waits": {"state": MailState.QUEUED, "finished_at": None}, "is held": {"state": MailState.UNCERTAIN}}
    kept, gone = old_mail(500, **values.get(what, {})), old_mail(500)
    if what == "was tried later":
        make_record(kept, receiver_address="late@example.net", started_at=database_now() - timedelta(days=30))
    if what == "is tried now":
        make_record(
            kept,
            receiver_address="now@example.net",
            outcome=Outcome.SENDING,
            ended_at=None,
            started_at=kept.accepted_at,
        )
    run_whole(pause=0)
    assert what_is_left()[0] == [kept.pk]
    assert SendingRecord.objects.filter(mail=kept).exists()
    assert not SendingRecord.objects.filter(mail_id=gone.pk).exists()
    assert dropped(500) is not ON_POSTGRESQL


def test_the_oldest_month_goes_where_there_are_too_many_records_and_its_mails_too() -> None:
    set_rules(max_records=4)
    old_mail(200, records=3)
    kept = [old_mail(100, records=2), old_mail(50, records=2)]
    did = run_whole(pause=0)
    assert (did.removed_mails, did.removed_records) == (1, 3)
    assert what_is_left()[0] == [mail.pk for mail in kept]
    assert dropped(200)


def test_mails_whose_month_was_dropped_before_a_worker_was_killed_go_in_the_next_round() -> None:
    set_rules(max_records=1)
    killed, kept = old_mail(200, records=3), old_mail(50)
    month = Month.of(killed.accepted_at)
    SendingRecord.objects.filter(mail=killed).delete()
    if ON_POSTGRESQL:
        drop(month)
    KeepingRound.objects.create(pk=ONLY, stage=Stage.REMOVE_RECORDS, records_gone_before=month.ends_at)
    run_whole(pause=0)
    assert what_is_left()[0] == [kept.pk]


def test_who_reads_records_for_long_keeps_a_month_from_being_dropped_but_not_its_mails_from_going() -> None:
    if not ON_POSTGRESQL:
        return
    set_rules(records_days=400)
    old_mail(500)
    reads, ends = threading.Event(), threading.Event()

    def read() -> None:
        with transaction.atomic():
            list(SendingRecord.objects.all())
            reads.set()
            ends.wait(60)
        connections.close_all()

    reader = threading.Thread(target=read)
    reader.start()
    assert reads.wait(60)
    did = run_whole(pause=0)
    ends.set()
    reader.join()
    assert (did.removed_mails, did.removed_records) == (1, 1)
    assert not dropped(500)
    run_whole(pause=0)
    assert dropped(500)


def test_records_without_a_month_of_their_own_move_when_it_gets_a_table() -> None:
    if not ON_POSTGRESQL:
        return
    ages_ago = Month.of(datetime(2020, 2, 10, tzinfo=UTC))
    mail = old_mail(1, accepted_at=ages_ago.begins_at, records=2)
    records = list(SendingRecord.objects.order_by("pk").values())
    assert ask(f"SELECT COUNT(*) FROM {DEFAULT_TABLE}") == (2,)
    make_months(ages_ago, ages_ago)
    assert ask(f"SELECT COUNT(*) FROM {DEFAULT_TABLE}") == (0,)
    assert ask(f"SELECT COUNT(*) FROM {ages_ago.table}") == (2,)
    assert list(SendingRecord.objects.order_by("pk").values()) == records
    make_record(mail, receiver_address="next@example.net")
    assert SendingRecord.objects.count() == 3


def test_months_begin_and_end_with_those_of_utc() -> None:
    december = Month.of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert (december.table, december.ends_at) == ("records_sendingrecord_2026_12", datetime(2027, 1, 1, tzinfo=UTC))
    assert Month.find("records_sendingrecord_2027_01") == december.later(1)
    assert Month.find(DEFAULT_TABLE) is None
    assert MOST_MOVED >= 1000

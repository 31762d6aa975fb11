"""Rows that are inserted in bulk are the rows that were given, whatever way the database takes them."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from records.bulk import allot_ids, default_values, expect_rows, insert_rows
from records.models import Body, Mail, Receiver
from records.months.calendar import this_month
from tests.records.rows import NOON, make_mail
from tests.together import do_at_once

pytestmark = pytest.mark.django_db(transaction=True)

FEW_AND_MANY = pytest.mark.parametrize("count", [1, 10, 11, 250])
ODD_TEXTS = ["", "\\N", "\\.", "a\tb\\n\\", "'; --", '"', "数据 🎉", "%s", "a" * 1000]


def insert_mails(count: int, **values: Any) -> list[int]:
    """Insert so many mails with these values; `subject` may be a list that is gone through again and again."""
    subjects = values.pop("subject", ["Load"])
    usual = default_values(Mail) | {"accepted_at": NOON, "due_at": NOON, "expires_at": NOON + timedelta(days=1)}
    with transaction.atomic():
        ids = allot_ids(Mail, count)
        rows = [
            list((usual | values | {"id": pk, "subject": subjects[place % len(subjects)]}).values())
            for place, pk in enumerate(ids)
        ]
        insert_rows(Mail, list(usual), iter(rows))
    return ids


@FEW_AND_MANY
def test_texts_arrive_as_they_were_given(count: int) -> None:
    ids = insert_mails(count, subject=ODD_TEXTS)
    stored = list(Mail.objects.order_by("pk").values_list("pk", "subject"))
    assert stored == [(pk, ODD_TEXTS[place % len(ODD_TEXTS)]) for place, pk in enumerate(ids)]


@FEW_AND_MANY
def test_each_kind_of_value_arrives_as_it_was_given(count: int) -> None:
    other_zone = datetime(2026, 3, 10, 20, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    insert_mails(count, due_at=other_zone, requester_ip="2001:db8::7", needs_smtputf8=True, size=2**31 - 1)
    mail = Mail.objects.order_by("pk").last()
    assert mail is not None
    assert (mail.due_at, mail.requester_ip, mail.needs_smtputf8, mail.size) == (
        other_zone, "2001:db8::7", True, 2**31 - 1,
    )  # fmt: skip
    assert (mail.state, mail.priority, mail.sender, mail.lease_until) == ("queued", 1, None, None)


@FEW_AND_MANY
def test_bytes_arrive_as_they_were_given(count: int) -> None:
    octets = bytes(range(256)) * 3
    with transaction.atomic():
        insert_rows(Body, ("id", "octets", "month"), ((pk, octets, this_month()) for pk in range(1, count + 1)))
    assert {bytes(body.octets) for body in Body.objects.all()} == {octets}
    assert Body.objects.count() == count


@FEW_AND_MANY
def test_what_is_left_out_is_filled_in(count: int) -> None:
    mail = make_mail()
    rows = [(mail.pk, f"user{number}@example.org", "to", "pending") for number in range(count)]
    with transaction.atomic():
        insert_rows(Receiver, ("mail_id", "address", "kind", "state"), rows)
    assert [one.address for one in mail.receivers.all()] == [address for _mail, address, _kind, _state in rows]


def test_nothing_to_insert_is_fine() -> None:
    with transaction.atomic():
        insert_rows(Mail, list(default_values(Mail)), [])
    assert Mail.objects.count() == 0


@FEW_AND_MANY
def test_a_constraint_of_the_table_holds(count: int) -> None:
    with pytest.raises(IntegrityError):
        insert_mails(count, state="lost")
    assert Mail.objects.count() == 0


@FEW_AND_MANY
def test_a_row_that_must_be_unique_is(count: int) -> None:
    insert_mails(1, idempotency_key="load-7")
    with pytest.raises(IntegrityError):
        insert_mails(count, idempotency_key="load-7")
    assert Mail.objects.count() == 1


@FEW_AND_MANY
def test_a_row_that_refers_to_nothing_is_refused(count: int) -> None:
    with pytest.raises(IntegrityError):
        insert_mails(count, sender_id=4711)
    assert Mail.objects.count() == 0


def test_an_error_while_rows_are_made_leaves_none_and_is_the_callers() -> None:
    def rows() -> Any:
        yield from ((pk, b"x", this_month()) for pk in range(1, 200))
        raise LookupError

    with pytest.raises(LookupError), transaction.atomic():
        insert_rows(Body, ("id", "octets", "month"), rows())
    assert Body.objects.count() == 0


def test_ids_are_rising_and_go_on_where_others_ended() -> None:
    first = make_mail().pk
    ids = insert_mails(20)
    assert ids == sorted({*ids})
    assert ids[0] > first
    assert make_mail().pk > ids[-1]


def test_ids_are_nobody_elses() -> None:
    taken: list[int] = []

    def take() -> None:
        for _ in range(5):
            taken.extend(insert_mails(20))

    do_at_once(*[take] * 4)
    assert len(taken) == 400
    assert sorted(taken) == list(Mail.objects.order_by("pk").values_list("pk", flat=True))


@settings(deadline=None, max_examples=50)
@given(texts=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=50), min_size=11))
def test_any_text_arrives(texts: list[str]) -> None:
    ids = insert_mails(len(texts), subject=texts)
    assert list(Mail.objects.filter(pk__in=ids).order_by("pk").values_list("subject", flat=True)) == texts


def rows_read_without_an_index() -> int:
    """Count the rows of mails that PostgreSQL read by going through the whole table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'records_mail'")
        return int(cursor.fetchone()[0])


def test_many_rows_are_checked_by_index_though_the_first_were_checked_when_there_were_none() -> None:
    if connection.vendor != "postgresql":  # the other keeps no plans
        return
    insert_receivers(1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE records_mail, records_receiver")
    insert_receivers(1)  # whose plan, for a table of one row, would be kept
    before = rows_read_without_an_index()
    insert_receivers(300)
    assert rows_read_without_an_index() == before


def insert_receivers(count: int) -> None:
    ids = insert_mails(count)
    with transaction.atomic():
        expect_rows(count)
        rows = ((mail_id, "anna@example.net", "to", "pending") for mail_id in ids)
        insert_rows(Receiver, ("mail_id", "address", "kind", "state"), rows)

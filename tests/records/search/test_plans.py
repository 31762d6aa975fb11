"""No search reads the whole table, whatever is asked for."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from records.enums import Outcome, ResultClass
from records.filters import RecordFilters
from records.listing.choices import CHOICES
from records.models import Receiver, SendingRecord
from records.paging import Position
from records.search.filling import fill
from records.search.finding import count, find_page
from records.statements import Question, fetch_together, take_apart
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail

pytestmark = pytest.mark.django_db

RECORDS = 2000
ASKED = {
    "nothing": RecordFilters(),
    "a sender": RecordFilters(sender="s1@example.com"),
    "a template": RecordFilters(template="t1"),
    "success": RecordFilters(result=ResultClass.SUCCESS),
    "failures": RecordFilters(result=ResultClass.FAILED),
    "an outcome": RecordFilters(outcome=Outcome.LOST),
    "a cause": RecordFilters(cause="mailbox_full"),
    "one address": RecordFilters(receiver="r77@example.net"),
    "many addresses": RecordFilters(receiver="r7"),
    "many addresses and a sender": RecordFilters(receiver="r7", sender="s1@example.com"),
    "a frequent part": RecordFilters(receiver="example"),
    "a short part": RecordFilters(receiver="r7"),
    "a part of nothing": RecordFilters(receiver="nobody"),
    "days": RecordFilters(since=NOON.date(), until=NOON.date()),
    "a sender and failures": RecordFilters(sender="s1@example.com", result=ResultClass.FAILED),
    "a subject": RecordFilters(subject="rows"),
    "a mail": RecordFilters(mail_id=1),
}


@pytest.fixture(autouse=True)
def _many() -> None:
    mails = [make_mail() for _ in range(100)]
    receivers = Receiver.objects.bulk_create(
        Receiver(mail=mails[number % 100], address=f"r{number}@example.net") for number in range(RECORDS)
    )
    SendingRecord.objects.bulk_create(
        SendingRecord(
            mail=receiver.mail,
            receiver=receiver,
            epoch=1,
            receiver_address=receiver.address,
            sender_address=f"s{number % 3}@example.com",
            template_name=f"t{number % 5}",
            outcome=Outcome.REFUSED if number % 9 == 0 else Outcome.ACCEPTED,
            started_at=NOON + timedelta(minutes=number),
            ended_at=NOON + timedelta(minutes=number),
        )
        for number, receiver in enumerate(receivers)
    )
    fill(seconds=30)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.mark.parametrize("filters", ASKED.values(), ids=ASKED)
def test_every_statement_goes_by_an_index(filters: RecordFilters) -> None:
    middle = Position(NOON + timedelta(minutes=RECORDS // 2), 10**9)
    with CaptureQueriesContext(connection) as captured:
        find_page(filters, 50)
        find_page(filters, 50, before=middle)
        find_page(filters, 50, after=middle)
        count(filters, 100)
    asked = [question for question in _questions(captured) if "records_sendingrecord" in question.sql]
    assert [question.sql for question in asked if _reads_all(question)] == []


@pytest.mark.parametrize("part", ["r77@", "nobody"])
def test_addresses_are_looked_up_while_every_way_of_reading_is_allowed(part: str) -> None:
    """Their index of trigrams is read by bitmaps alone; without them PostgreSQL reads all that are known."""
    client = client_of(make_person("records.view_sendingrecord"))
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/system/setting/mailbox/records/", {"receiver": part}).status_code == 200
    asked = [question for question in _questions(captured) if "records_knownaddress" in question.sql]
    assert asked
    assert [question.sql for question in asked if question.is_along] == []


def test_what_there_is_to_choose_from_is_read_along_indexes() -> None:
    plan = _explain(CHOICES)
    assert not _reads_all(CHOICES)
    assert any("margin_of_causes" in line for line in plan)


def _questions(captured: CaptureQueriesContext) -> list[Question]:
    return [question for query in captured for question in take_apart(query["sql"])]


def _explain(question: Question) -> list[str]:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    (rows,) = fetch_together(question._replace(sql=f"{explain} {question.sql}"))
    return [str(row[-1]) for row in rows]


def _reads_all(question: Question) -> bool:
    plan = _explain(question)
    if connection.vendor == "sqlite":
        # A walk along an index that is bounded by its limit is a "scan" too, "using" that index. What is walked along
        # goes by the name of the table, and is read as a whole.
        scans = [line for line in plan if line.startswith("SCAN record") and "USING" not in line]
        walks = [line for line in plan if line in {"CO-ROUTINE record", "MATERIALIZE record"}]
        return len(scans) > len(walks)
    return any("Seq Scan on records_sendingrecord" in line for line in plan)

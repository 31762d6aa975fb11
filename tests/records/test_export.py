"""The CSV of the filtered list: complete, streamed, and harmless in a spreadsheet."""

import csv
import io
import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from records.enums import Outcome
from records.export import reading
from records.export.csv_file import defuse, stream_csv
from records.export.reading import Export
from records.filters import RecordFilters
from records.models import SendingRecord
from records.search import plans
from records.search.finding import find_page
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail, make_record

URL = "/system/setting/mailbox/records/export.csv"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord", "records.export_records"))


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def export(**filters: Any) -> Export:
    return Export.of(RecordFilters(**filters), with_subjects=False)


def make_records(count: int, started_at: datetime = NOON) -> None:
    mail = make_mail()
    for number in range(count):
        moment = started_at + timedelta(seconds=number)
        make_record(mail, receiver_address=f"r{number}@example.net", started_at=moment)


def test_the_file_holds_what_the_list_shows(client: Client) -> None:
    make_record(
        receiver_address="anna@example.net",
        requester_ip="10.0.0.1",
        template_name="每日汇总",
        accessed_resource="/report/1",
        reply_code=250,
        enhanced_status="2.0.0",
        reply_text="Ok: queued as 1A",
        queue_id="1A",
        server="smtp.example.com:465",
    )
    record = SendingRecord.objects.get()
    assert read(client.get(URL).getvalue()) == [
        {
            "Sending time": "2026-03-10T12:00:00+00:00",
            "Sending result": "Success",
            "Sender": "noreply@example.com",
            "Receiver email": "anna@example.net",
            "Template name": "每日汇总",
            "Accessed resource": "/report/1",
            "IP address": "10.0.0.1",
            "Reply code": "250",
            "Enhanced status code": "2.0.0",
            "Reply of the server": "Ok: queued as 1A",
            "Reason": "",
            "End": "2026-03-10T12:00:00.240000+00:00",
            "Server": "smtp.example.com:465",
            "Queue id": "1A",
            "Mail number": str(record.mail_id),
            "Record number": str(record.pk),
            "Message-ID": "",
        }
    ]


def test_the_filters_of_the_list_hold_for_the_file(client: Client) -> None:
    mail = make_mail()
    make_record(mail, receiver_address="anna@example.net", outcome=Outcome.REFUSED)
    make_record(mail, receiver_address="bob@example.net")
    assert [row["Receiver email"] for row in read(client.get(URL, {"result": "failed"}).getvalue())] == [
        "anna@example.net"
    ]


def test_wrong_filters_are_not_exported(client: Client) -> None:
    response = client.get(URL, {"since": "soon"})
    assert response.status_code == 400
    assert "This is not a day" in response.content.decode()


def test_the_file_is_a_download_that_spreadsheets_read_as_utf_8(client: Client) -> None:
    response = client.get(URL)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="mail-sending-record-')
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.streaming
    assert response.getvalue().startswith(b"\xef\xbb\xbf")


def test_times_carry_the_zone(client: Client, settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    make_record()
    assert read(client.get(URL).getvalue())[0]["Sending time"] == "2026-03-10T20:00:00+08:00"


def test_a_reason_is_written_where_no_server_replied(client: Client) -> None:
    make_record(outcome=Outcome.SKIPPED, skip_reason="sender_deleted")
    row = read(client.get(URL).getvalue())[0]
    assert (row["Sending result"], row["Reason"]) == (
        "Not sent",
        "The sender account was deleted while the mail was waiting.",
    )


@pytest.mark.django_db
def test_rows_are_read_from_the_database_as_the_file_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    make_records(5)
    pieces = stream_csv(export())
    _header, first, second = itertools.islice(pieces, 3)
    assert [line.split(",")[3] for piece in (first, second) for line in piece.splitlines()] == [
        f"r{number}@example.net" for number in (4, 3, 2, 1)
    ]
    # What was recorded meanwhile is newer, and what was deleted is gone; nobody comes twice.
    make_records(1, started_at=NOON + timedelta(hours=1))
    SendingRecord.objects.filter(receiver_address="r0@example.net").delete()
    assert list(pieces) == []


@pytest.mark.django_db(transaction=True)
def test_between_two_batches_a_slow_client_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    make_records(6)
    batches = export().rows()
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            assert len(next(batches)) == 2
        assert len(queries) > 0
        assert not connection.in_atomic_block


@pytest.mark.django_db
def test_reading_ends_where_a_search_that_stopped_on_its_way_finds_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BUDGET", "BUDGET_ELSEWHERE", "BUDGET_WITH_MAILS"):
        monkeypatch.setattr(plans, name, 2)
    monkeypatch.setattr(reading, "BATCH", 10)
    make_records(7)
    make_record(make_mail(subject="Rare"), started_at=NOON - timedelta(days=1))
    make_records(7, started_at=NOON - timedelta(days=2))
    assert find_page(RecordFilters(subject="rare"), 10).searched_to is not None
    for subject, found in (("rare", 1), ("nowhere", 0)):
        assert len(list(itertools.chain.from_iterable(export(subject=subject).rows()))) == found


@pytest.mark.django_db
def test_days_are_those_of_the_zone_in_which_it_was_asked_for() -> None:
    make_records(1, started_at=datetime(2026, 3, 9, 23, 30, tzinfo=UTC))
    with timezone.override("Asia/Shanghai"):
        asked = export(since=date(2026, 3, 10))
    assert [len(batch) for batch in asked.rows()] == [1]


@pytest.mark.django_db
def test_subjects_are_for_those_who_may_see_what_mails_say() -> None:
    make_record(make_mail(subject="Q1 figures", message_id="<a1@example.com>"))
    reader = client_of(make_person("records.view_sendingrecord", "records.export_records", "records.view_content"))
    assert [(row["Subject"], row["Message-ID"]) for row in read(reader.get(URL).getvalue())] == [
        ("Q1 figures", "<a1@example.com>")
    ]
    other = client_of(make_person("records.view_sendingrecord", "records.export_records"))
    assert [row["Message-ID"] for row in read(other.get(URL).getvalue())] == ["<a1@example.com>"]
    assert b"Q1 figures" not in other.get(URL).getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "'=1",
        '"=1',
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "\u200b=1",
        "\ufeff=1",
        "\tplain",
    ],
)
def test_what_a_spreadsheet_would_run_is_written_as_text(text: str) -> None:
    assert defuse(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("load;=cmd|' /C calc'!A0;", "load;'=cmd|' /C calc'!A0;"),
        ('a; "+1', "a; \"'+1"),
        ("a\t@SUM(1)", "a\t'@SUM(1)"),
        ("=1;=2", "'=1;'=2"),
        (";=1", ";'=1"),
        ("a;b=c", "a;b=c"),
    ],
)
def test_a_semicolon_within_a_value_begins_no_formula_where_it_parts_cells(text: str, safe: str) -> None:
    assert defuse(text) == safe


@pytest.mark.parametrize("text", ["", "anna@example.net", "a=b", "1-2", "2026-03-10T12:00:00+00:00", "运维"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert defuse(text) == text


@given(st.text(max_size=40))
def test_no_cell_begins_with_a_formula(text: str) -> None:
    assert defuse(text)[:1] not in set("=+-@\t\r\n＝＋－＠")


def test_hostile_values_are_defused_in_the_file(client: Client) -> None:
    make_record(template_name='=HYPERLINK("http://example.org")', accessed_resource="@cmd")
    row = read(client.get(URL).getvalue())[0]
    assert row["Template name"] == '\'=HYPERLINK("http://example.org")'
    assert row["Accessed resource"] == "'@cmd"


@pytest.mark.django_db
def test_headers_are_in_the_language_of_the_reader() -> None:
    with translation.override("zh-hans"):
        expected = translation.gettext("Sending time")
        pieces = stream_csv(export())
    line = next(pieces)
    assert line.startswith(f"\ufeff{expected},")


def test_the_file_is_for_those_with_the_permission(db: None) -> None:
    assert client_of(make_person("records.view_sendingrecord")).get(URL).status_code == 403

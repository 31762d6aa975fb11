"""The CSV of the filtered list: complete, streamed, and harmless in a spreadsheet."""

import csv
import io
import itertools
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from records.enums import Outcome
from records.export import defuse, stream_csv
from records.models import SendingRecord
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail, make_record

URL = "/system/setting/mailbox/records/export.csv"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.export_records"))


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


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
def test_rows_are_read_from_the_database_as_the_file_is_written() -> None:
    mail = make_mail()
    for index in range(3):
        make_record(mail, receiver_address=f"r{index}@example.net", started_at=NOON + timedelta(seconds=index))
    lines = stream_csv(SendingRecord.objects.all())
    first = list(itertools.islice(lines, 2))
    assert len(first) == 2
    assert "r2@example.net" in first[1]


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
        pieces = stream_csv(SendingRecord.objects.all())
    line = next(pieces)
    assert line.startswith(f"\ufeff{expected},")


def test_the_file_is_for_those_with_the_permission(db: None) -> None:
    assert client_of(make_person("records.view_sendingrecord")).get(URL).status_code == 403

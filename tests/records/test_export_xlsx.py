"""The workbook of the filtered list, read back by a library that knows the format from elsewhere."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from django.test import Client
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from records.export import reading, xlsx_file, xlsx_parts
from records.export.reading import Export
from records.export.xlsx_file import clean, serial, stream_xlsx
from records.filters import RecordFilters
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail, make_record

URL = "/system/setting/mailbox/records/export.xlsx"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord", "records.export_records"))


def open_book(content: bytes) -> Any:
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    return openpyxl.load_workbook(io.BytesIO(content))


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    titles, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(titles, row, strict=True)) for row in rows]


def make_records(count: int) -> None:
    mail = make_mail()
    for number in range(count):
        make_record(mail, receiver_address=f"r{number}@example.net", started_at=NOON + timedelta(seconds=number))


def stream(**filters: Any) -> bytes:
    return b"".join(stream_xlsx(Export.of(RecordFilters(**filters), with_subjects=False)))


def test_times_are_times_and_numbers_are_numbers(client: Client) -> None:
    record = make_record(reply_code=250, reply_text="Ok: queued as 1A", requester_ip="10.0.0.1")
    assert rows_of(open_book(client.get(URL).getvalue()).active) == [
        {
            "Sending time (UTC)": datetime(2026, 3, 10, 12, 0),  # noqa: DTZ001  # a workbook has no zones
            "Sending result": "Success",
            "Sender": "noreply@example.com",
            "Receiver email": "anna@example.net",
            "Template name": None,
            "Accessed resource": None,
            "IP address": "10.0.0.1",
            "Reply code": 250,
            "Enhanced status code": None,
            "Reply of the server": "Ok: queued as 1A",
            "Reason": None,
            "End (UTC)": datetime(2026, 3, 10, 12, 0, 0, 240_000),  # noqa: DTZ001
            "Server": None,
            "Queue id": None,
            "Mail number": record.mail_id,
            "Record number": record.pk,
            "Message-ID": None,
        }
    ]


def test_times_are_those_of_the_readers_zone() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert serial(datetime(2026, 3, 10, 12, 0, tzinfo=zone), zone) == f"{46091.5:.10f}"
    assert serial(NOON, zone) == f"{46091 + 13 / 24:.10f}"


@given(st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31)))  # noqa: DTZ001  # the clock on the wall
def test_what_is_less_than_is_shown_is_cut(moment: datetime) -> None:
    shown = timedelta(milliseconds=round(float(serial(moment.replace(tzinfo=UTC), UTC)) * 86_400_000))
    assert datetime(1899, 12, 30) + shown == moment.replace(microsecond=moment.microsecond // 1000 * 1000)  # noqa: DTZ001


@pytest.mark.django_db
def test_the_header_names_the_zone() -> None:
    with timezone.override("Asia/Shanghai"):
        book = open_book(stream())
    assert book.active["A1"].value == "Sending time (Asia/Shanghai)"


@pytest.mark.django_db
def test_the_header_stays_in_view_and_columns_can_be_filtered() -> None:
    make_records(2)
    sheet = open_book(stream()).active
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:Q3")
    assert sheet.column_dimensions["D"].width == 32
    assert (sheet["A1"].font.bold, sheet["A2"].number_format) == (True, r"yyyy\-mm\-dd\ hh:mm:ss.000")


@pytest.mark.django_db
def test_without_records_there_is_a_sheet_with_headers() -> None:
    assert open_book(stream()).active.max_row == 1


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://example.org")'])
def test_nothing_is_a_formula(client: Client, hostile: str) -> None:
    make_record(template_name=hostile)
    cell = open_book(client.get(URL).getvalue()).active["E2"]
    assert (cell.value, cell.data_type) == (hostile, "s")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    xml = f"<t>{clean(text)}</t>"
    read = openpyxl.xml.functions.fromstring(xml.encode()).text or ""
    assert unescape(read) == text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def test_half_a_character_is_replaced() -> None:
    assert clean("a\ud800b") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.django_db
def test_more_rows_than_a_sheet_has_go_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    monkeypatch.setattr(xlsx_file, "MAX_LINES", 5)
    make_records(7)
    book = open_book(stream())
    assert book.sheetnames == ["Sending records", "Sending records 2"]
    assert [[row["Receiver email"][:2] for row in rows_of(sheet)] for sheet in book] == [
        ["r6", "r5", "r4", "r3"],
        ["r2", "r1", "r0"],
    ]


@pytest.mark.django_db
def test_a_sheet_ends_before_its_entry_grows_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 1)
    monkeypatch.setattr(xlsx_file, "MAX_SHEET_BYTES", 1)
    make_records(3)
    assert [sheet.max_row for sheet in open_book(stream())] == [2, 2, 2]


@pytest.mark.django_db
def test_the_first_bytes_go_out_before_the_last_rows_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 1)
    make_records(3)
    pieces = stream_xlsx(Export.of(RecordFilters(), with_subjects=False))
    assert next(pieces).startswith(b"PK")
    pieces.close()  # the client leaves


def test_the_file_is_a_download(client: Client) -> None:
    response = client.get(URL)
    assert response.headers["Content-Type"] == xlsx_parts.CONTENT_TYPE
    assert response.headers["Content-Disposition"].endswith('.xlsx"')
    assert response.streaming
    assert response.getvalue().startswith(b"PK")


def test_wrong_filters_are_not_exported(client: Client) -> None:
    assert client.get(URL, {"since": "soon"}).status_code == 400


def test_the_file_is_for_those_with_the_permission(db: None) -> None:
    assert client_of(make_person("records.view_sendingrecord")).get(URL).status_code == 403


@pytest.mark.django_db
def test_titles_are_in_the_language_of_the_reader() -> None:
    with translation.override("zh-hans"):
        expected = translation.gettext("Sending time")
        pieces = stream_xlsx(Export.of(RecordFilters(), with_subjects=False))
    assert open_book(b"".join(pieces)).active["A1"].value == f"{expected} (UTC)"


def test_columns_are_named_as_spreadsheets_do() -> None:
    assert [xlsx_parts.letter(index) for index in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]

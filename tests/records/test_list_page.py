"""The record list as a page: columns, counts, empty states, parts for htmx, permissions, query counts."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from records.listing import views
from records.paging import Position
from records.search import plans
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail, make_record

URL = "/system/setting/mailbox/records/"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord", "records.view_content"))


def test_every_column_of_a_record_is_shown(client: Client) -> None:
    make_record(
        sender_address="noreply@example.com",
        requester_ip="10.20.30.40",
        receiver_address="anna@example.net",
        template_name="Weekly report",
        accessed_resource="/report/weekly-kpi",
    )
    text = client.get(URL).content.decode()
    for label in (
        "Sender",
        "IP address",
        "Receiver email",
        "Template name",
        "Accessed resource",
        "Sending time",
        "Result",
    ):
        assert f">{label}</th>" in text
    for value in (
        "noreply@example.com",
        "10.20.30.40",
        "anna@example.net",
        "Weekly report",
        "/report/weekly-kpi",
        "2026-03-10 12:00:00",
        '<span class="result result-success">Success</span>',
    ):
        assert value in text


def test_the_number_of_queries_does_not_grow_with_the_rows(client: Client) -> None:
    make_record(template_name="A")
    with CaptureQueriesContext(connection) as with_one_row:
        client.get(URL)
    for index in range(2):
        make_record(receiver_address=f"r{index}@example.net", template_name=f"T{index}")
    with CaptureQueriesContext(connection) as with_three_rows:
        client.get(URL)
    assert len(with_three_rows) == len(with_one_row)


def test_the_count_stops_at_its_limit(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MAX_COUNTED", 2)
    mail = make_mail()
    for index in range(2):
        make_record(mail, receiver_address=f"r{index}@example.net")
    assert "2 records" in client.get(URL).content.decode()
    make_record(mail, receiver_address="one-more@example.net")
    assert "More than 10,000 records" in client.get(URL).content.decode()


def test_without_any_record_the_page_says_how_to_begin(db: None) -> None:
    admin = client_of(make_person("records.view_sendingrecord", "senders.view_sender"))
    text = admin.get(URL).content.decode()
    assert "Nothing was sent yet" in text
    assert "To the sender accounts" in text


def test_whoever_may_not_see_accounts_is_not_sent_there(client: Client) -> None:
    text = client.get(URL).content.decode()
    assert "Nothing was sent yet" in text
    assert "To the sender accounts" not in text


def test_filters_that_match_nothing_can_be_cleared(client: Client) -> None:
    make_record()
    text = client.get(URL, {"receiver": "nobody"}).content.decode()
    assert "No record matches these filters" in text
    assert f'href="{URL}">Clear filters' in text


def test_htmx_gets_the_results_alone(client: Client) -> None:
    make_record()
    text = client.get(URL, headers={"HX-Request": "true"}).content.decode()
    assert "anna@example.net" in text
    assert "<html" not in text
    assert "id_receiver" not in text


def test_page_and_part_are_kept_apart_by_caches(client: Client) -> None:
    response = client.get(URL)
    assert "HX-Request" in response.headers["Vary"]
    assert "no-store" in response.headers["Cache-Control"]


def test_the_export_is_offered_only_to_whoever_may(client: Client) -> None:
    make_record()
    assert "export." not in client.get(URL).content.decode()
    exporter = client_of(make_person("records.view_sendingrecord", "records.export_records"))
    text = exporter.get(URL, {"receiver": "anna", "before": "5-5"}).content.decode()
    assert f'href="{URL}export.csv?receiver=anna"' in text


def test_the_page_is_for_those_with_the_permission(db: None) -> None:
    assert client_of(make_person()).get(URL).status_code == 403
    assert client_of(make_person("records.export_records")).get(URL).status_code == 403
    assert Client().get(URL).headers["Location"] == f"/sign-in/?next={URL}"


def test_the_list_can_only_be_read(client: Client) -> None:
    assert client.post(URL).status_code == 405


def test_times_are_those_of_the_time_zone(client: Client, settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    make_record(started_at=NOON + timedelta(hours=6))
    text = client.get(URL).content.decode()
    assert "2026-03-11 02:00:00" in text
    assert 'datetime="2026-03-11T02:00:00+08:00"' in text


def test_a_search_that_went_on_to_the_oldest_record_says_so_and_leads_back(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BUDGET_WITH_MAILS",):
        monkeypatch.setattr(plans, name, 2)
    oldest = min(
        (make_record(started_at=NOON + timedelta(hours=hours)) for hours in range(100)), key=lambda one: one.pk
    )
    before = Position(oldest.started_at, oldest.pk)
    content = client.get(
        "/system/setting/mailbox/records/", {"subject": "that no mail has", "before": str(before)}
    ).content.decode()
    assert "No older record matches these filters" in content
    assert "No record matches these filters" not in content
    assert "after=" in content

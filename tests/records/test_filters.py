"""Each filter alone, all together, and what the list does with values that are wrong."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from records.enums import Outcome
from records.models import SendingRecord
from records.querysets import MAX_KNOWN_VALUES
from tests.people import client_of, make_person
from tests.records.conftest import Found
from tests.records.rows import NOON, make_mail, make_record

URL = "/system/setting/mailbox/records/"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord"))


def test_without_filters_everything_is_shown_newest_first(found: Found) -> None:
    for hour in (1, 3, 2):
        make_record(receiver_address=f"r{hour}@example.net", started_at=NOON + timedelta(hours=hour))
    assert found() == ["r3@example.net", "r2@example.net", "r1@example.net"]


def test_the_sender_filter_keeps_one_address(found: Found) -> None:
    make_record(receiver_address="a@example.net", sender_address="one@example.com")
    make_record(receiver_address="b@example.net", sender_address="two@example.com")
    assert found(sender="two@example.com") == ["b@example.net"]


def test_addresses_of_deleted_accounts_can_be_chosen(client: Client) -> None:
    make_record(sender_address="gone@example.com")
    make_record(sender_address="")
    choices = client.get(URL).context["form"].fields["sender"].widget.choices
    assert [value for value, _label in choices] == ["", "gone@example.com"]


def test_the_receiver_filter_finds_any_part_in_any_case(found: Found) -> None:
    make_record(receiver_address="Orders@example.net")
    make_record(receiver_address="warehouse@asia.example")
    assert found(receiver="RDERS@EX") == ["Orders@example.net"]
    assert found(receiver="example") == ["warehouse@asia.example", "Orders@example.net"]


def test_wildcards_of_the_database_are_plain_characters(found: Found) -> None:
    make_record(receiver_address="a_b@example.net")
    make_record(receiver_address="axb@example.net")
    assert found(receiver="a_b") == ["a_b@example.net"]
    assert found(receiver="%") == []


def test_the_template_filter_keeps_one_name(found: Found) -> None:
    make_record(receiver_address="a@example.net", template_name="每日汇总")
    make_record(receiver_address="b@example.net", template_name="Weekly report")
    assert found(template="每日汇总") == ["a@example.net"]


def test_where_there_are_more_templates_than_can_be_listed_the_name_is_typed(client: Client, found: Found) -> None:
    mail = make_mail()
    for number in range(MAX_KNOWN_VALUES + 1):
        make_record(
            mail, epoch=number + 1, template_name=f"report-{number:03}", receiver_address=f"{number}@example.net"
        )
    last = f"report-{MAX_KNOWN_VALUES}"
    page = client.get(URL, {"template": last}).content.decode()
    assert re.search(
        rf'<input[^>]* name="template"[^>]* value="{last}"|<input[^>]* value="{last}"[^>]* name="template"', page
    )
    assert '<select name="sender"' in page
    assert found(template=last) == [f"{MAX_KNOWN_VALUES}@example.net"]


def test_a_template_is_found_as_its_caller_wrote_it(client: Client, found: Found) -> None:
    make_record(receiver_address="a@example.net", template_name=" weekly ")
    make_record(receiver_address="b@example.net", template_name="weekly")
    assert found(template=" weekly ") == ["a@example.net"]
    choices = client.get(URL, {"template": " weekly "}).context["form"].fields["template"].widget.choices
    assert sorted(value for value, _label in choices) == ["", " weekly ", "weekly"]


@pytest.mark.parametrize(
    ("result", "outcomes"),
    [
        ("success", {Outcome.ACCEPTED}),
        ("uncertain", {Outcome.UNKNOWN}),
        ("open", {Outcome.SENDING}),
        (
            "failed",
            {
                Outcome.REFUSED,
                Outcome.DEFERRED,
                Outcome.NOT_CONNECTED,
                Outcome.LOST,
                Outcome.SKIPPED,
                Outcome.SUPPRESSED,
            },
        ),
    ],
)
def test_the_result_filter_keeps_the_outcomes_that_count_as_it(
    found: Found, result: str, outcomes: set[Outcome]
) -> None:
    for outcome in Outcome:
        make_record(receiver_address=f"{outcome}@example.net", outcome=outcome)
    assert set(found(result=result)) == {f"{outcome}@example.net" for outcome in outcomes}


def test_both_days_of_a_range_belong_to_it(found: Found) -> None:
    for day in (9, 10, 11, 12):
        make_record(receiver_address=f"d{day}@example.net", started_at=datetime(2026, 3, day, 23, 59, tzinfo=UTC))
    assert found(since="2026-03-10", until="2026-03-11") == ["d11@example.net", "d10@example.net"]
    assert found(since="2026-03-12") == ["d12@example.net"]
    assert found(until="2026-03-09") == ["d9@example.net"]


def test_days_are_those_of_the_time_zone(found: Found, settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    make_record(receiver_address="before@example.net", started_at=datetime(2026, 3, 9, 15, 59, 59, tzinfo=UTC))
    make_record(receiver_address="after@example.net", started_at=datetime(2026, 3, 9, 16, 0, 0, tzinfo=UTC))
    assert found(since="2026-03-10") == ["after@example.net"]
    assert found(until="2026-03-09") == ["before@example.net"]


def test_the_mail_filter_keeps_the_tries_of_one_mail(found: Found) -> None:
    mail = make_mail()
    make_record(mail, receiver_address="a@example.net")
    make_record(receiver_address="b@example.net")
    assert found(mail=str(mail.pk)) == ["a@example.net"]


def test_filters_narrow_together(found: Found) -> None:
    wanted = {"sender_address": "one@example.com", "template_name": "Weekly report", "outcome": Outcome.REFUSED}
    make_record(receiver_address="anna@example.net", **wanted)
    make_record(receiver_address="anna2@example.net", **{**wanted, "outcome": Outcome.ACCEPTED})
    make_record(receiver_address="anna3@example.net", **{**wanted, "sender_address": "two@example.com"})
    make_record(receiver_address="anna4@example.net", **{**wanted, "template_name": ""})
    make_record(receiver_address="anna5@example.net", **wanted, started_at=NOON - timedelta(days=3))
    make_record(receiver_address="bob@example.net", **wanted)
    query = {"sender": "one@example.com", "receiver": "anna", "template": "Weekly report", "result": "failed"}
    assert found(**query, since="2026-03-10", until="2026-03-10") == ["anna@example.net"]


def test_the_shortcuts_end_today_and_keep_the_other_filters(client: Client) -> None:
    make_record(started_at=timezone.now())
    today = timezone.localdate()
    response = client.get(URL, {"receiver": "anna", "before": "1-1"})
    ranges = [shortcut.range.days() for shortcut in response.context["shortcuts"]]
    assert ranges == [(today - timedelta(days=days), today) for days in (0, 6, 29)]
    assert f'href="{URL}?receiver=anna&amp;range=today"' in response.content.decode()


def test_a_chosen_shortcut_is_marked(client: Client) -> None:
    today = timezone.localdate().isoformat()
    shortcuts = client.get(URL, {"since": today, "until": today}).context["shortcuts"]
    assert [shortcut.is_current for shortcut in shortcuts] == [True, False, False]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"since": "yesterday"}, "This is not a day. Write it as year-month-day, such as 2026-01-31."),
        ({"until": "2026-02-30"}, "This is not a day. Write it as year-month-day, such as 2026-01-31."),
        ({"since": "0001-01-01"}, "Choose a day between 1970 and 2999."),
        ({"until": "9999-12-31"}, "Choose a day between 1970 and 2999."),
        (
            {"since": "2026-03-11", "until": "2026-03-10"},
            "The last day is before the first one. Swap the two.",
        ),
        ({"result": "maybe"}, "There is no such result. Choose one of those shown."),
        ({"range": "always"}, "There is no such range of days. Choose one of those shown."),
        ({"outcome": "maybe"}, "There is no such outcome. Choose one of those shown."),
        ({"phase": "lunch"}, "There is no such step. Choose one of those shown."),
        ({"receiver": "a\0b"}, "Null characters are not allowed."),
        ({"mail": "twelve"}, "Enter a whole number."),
        ({"mail": "9" * 30}, "Ensure this value is less than or equal to 9223372036854775807."),
    ],
)
def test_a_wrong_value_gets_its_own_sentence_and_nothing_typed_is_lost(
    client: Client, query: dict[str, str], sentence: str
) -> None:
    make_record()
    response = client.get(URL, {"receiver": "anna", "sender": "noreply@example.com", **query})
    text = response.content.decode()
    assert response.status_code == 200
    assert sentence in text
    assert "Nothing is shown until this is corrected" in text
    assert 'value="noreply@example.com" selected' in text
    assert SendingRecord.objects.get().receiver_address not in text


def test_an_unknown_sender_stays_chosen_and_finds_nothing(client: Client) -> None:
    make_record()
    response = client.get(URL, {"sender": "nobody@example.com"})
    assert 'value="nobody@example.com" selected' in response.content.decode()
    assert response.context["page"].records == []


def test_hostile_values_are_shown_as_text(client: Client) -> None:
    make_record(receiver_address="<script>alert(1)</script>@example.net", template_name='"><img src=x>')
    text = client.get(URL, {"template": '"><img src=x>', "sender": "<b>"}).content.decode()
    assert "<script>alert(1)" not in text
    assert "<img src=x>" not in text
    assert "<b>" not in text

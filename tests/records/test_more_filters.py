"""The filters beside the manual's, days that are relative, and how filters are written in an address."""

from datetime import date, time, timedelta

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from records.enums import Outcome, Phase, ResultClass
from records.error_book import find_entry
from records.filters import DayRange, RecordFilters
from records.forms import FilterForm, find_filters, name_cause
from records.listing.models import SavedView
from records.listing.news import Seen
from records.paging import Position
from records.rollups.folding import fold
from records.search.finding import find_page
from tests.people import client_of, make_person
from tests.records.conftest import Found
from tests.records.rows import NOON, make_mail, make_record

URL = "/system/setting/mailbox/records/"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord", "records.view_content"))


def test_the_outcome_filter_keeps_exactly_one_outcome(found: Found) -> None:
    make_record(receiver_address="a@example.net", outcome=Outcome.REFUSED)
    make_record(receiver_address="b@example.net", outcome=Outcome.DEFERRED)
    assert found(outcome="deferred") == ["b@example.net"]


def test_the_cause_filter_keeps_one_entry_of_the_error_book(found: Found) -> None:
    make_record(receiver_address="a@example.net", outcome=Outcome.REFUSED, cause="spam")
    make_record(receiver_address="b@example.net", outcome=Outcome.REFUSED, cause="too-large")
    assert found(cause="spam") == ["a@example.net"]


def test_the_cause_filter_keeps_what_went_wrong_without_a_known_cause(found: Found) -> None:
    make_record(receiver_address="a@example.net", outcome=Outcome.REFUSED, cause="spam")
    make_record(receiver_address="b@example.net", outcome=Outcome.REFUSED)
    make_record(receiver_address="c@example.net", outcome=Outcome.UNKNOWN)
    make_record(receiver_address="d@example.net")
    assert found(cause="none") == ["c@example.net", "b@example.net"]
    assert found(cause="none", outcome="refused") == ["b@example.net"]
    assert found(cause="none", outcome="accepted") == []


def test_no_known_cause_is_a_choice_where_there_is_such_a_record(client: Client) -> None:
    def choices() -> dict[str, str]:
        fold()
        return dict(client.get(URL).context["form"].fields["cause"].widget.choices)

    make_record(outcome=Outcome.REFUSED, cause="spam")
    make_record()
    assert "none" not in choices()
    make_record(outcome=Outcome.REFUSED)
    assert choices()["none"] == "No known cause"
    assert find_entry("none") is None


def test_the_step_filter_keeps_what_ended_there(found: Found) -> None:
    make_record(receiver_address="a@example.net", outcome=Outcome.REFUSED, phase=Phase.AUTH)
    make_record(receiver_address="b@example.net", outcome=Outcome.REFUSED, phase=Phase.DATA)
    assert found(phase="auth") == ["a@example.net"]


@pytest.mark.parametrize("typed", ["10.20.30.40", "ada", "ADA", " ada "])
def test_who_asked_is_found_by_address_and_by_name(found: Found, typed: str) -> None:
    make_record(make_mail(requested_by="ada"), receiver_address="a@example.net", requester_ip="10.20.30.40")
    make_record(make_mail(requested_by="adam"), receiver_address="b@example.net", requester_ip="10.20.30.4")
    assert found(requester=typed) == ["a@example.net"]


def test_the_subject_filter_finds_any_part_in_any_case(found: Found) -> None:
    make_record(make_mail(subject="Rows were LOADED"), receiver_address="a@example.net")
    make_record(make_mail(subject="100 % loaded_"), receiver_address="b@example.net")
    assert found(subject="were load") == ["a@example.net"]
    assert found(subject="% loaded_") == ["b@example.net"]


NO_SUBJECTS = "Subjects can be searched by those who may see the content of mails. Clear this field."


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page", ["records:list", "records:export", "records:export_xlsx", "delivery:export_new", "delivery:resend_many"]
)
def test_who_may_not_see_what_mails_say_can_not_find_it_out_by_searching(page: str) -> None:
    make_record(make_mail(subject="Salaries of May"))
    person = make_person("records.view_sendingrecord", "records.export_records", "records.send_mail")
    for guess in ("salaries", "holidays"):
        response = client_of(person).get(reverse(page), {"subject": guess})
        assert NO_SUBJECTS in response.content.decode()
        assert "a@example.net" not in response.content.decode()


@pytest.mark.django_db
def test_nor_by_asking_for_news_or_by_saving_a_view() -> None:
    query = {"subject": "salaries", "seen": str(Seen(Position(NOON, 1), 0))}
    reader = client_of(make_person("records.view_sendingrecord", "records.view_content"))
    assert reader.get(f"{URL}new/", query).status_code == 204
    client = client_of(make_person("records.view_sendingrecord"))
    assert client.get(f"{URL}new/", query).status_code == 400
    client.post(f"{URL}views/save/", {"query": "subject=salaries", "name": "Salaries"})
    assert not SavedView.objects.exists()


@pytest.mark.django_db
def test_the_subject_is_no_filter_to_choose_for_who_may_not_see_it() -> None:
    text = client_of(make_person("records.view_sendingrecord")).get(URL).content.decode()
    assert 'name="requester"' in text
    assert 'name="subject"' not in text


@pytest.mark.parametrize("typed", ["<one@example.com>", "one@example.com", " <one@example.com> "])
def test_a_message_id_is_found_with_and_without_its_brackets(found: Found, typed: str) -> None:
    make_record(make_mail(message_id="<one@example.com>"), receiver_address="a@example.net")
    make_record(make_mail(message_id="<tone@example.com>"), receiver_address="b@example.net")
    assert found(message_id=typed) == ["a@example.net"]


@pytest.mark.parametrize(
    ("name", "kept"), [("today", ["d0"]), ("7d", ["d0", "d6"]), ("30d", ["d0", "d6", "d7", "d29"])]
)
def test_relative_days_end_today(found: Found, name: str, kept: list[str]) -> None:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for days in (0, 6, 7, 29, 30):
        make_record(receiver_address=f"d{days}@example.net", started_at=midnight - timedelta(days=days))
    assert found(range=name) == [f"{day}@example.net" for day in kept]


def test_days_that_are_named_win_over_relative_ones(client: Client) -> None:
    response = client.get(URL, {"range": "today", "since": "2026-03-10", "receiver": "", "fold": "1"}, follow=True)
    assert response.redirect_chain == [(f"{URL}?since=2026-03-10&fold=1", 302)]
    filters = response.context["filters"]
    assert (filters.range, filters.since, filters.until) == (None, date(2026, 3, 10), None)
    assert 'name="range"' not in response.content.decode()
    assert 'name="range" value="today"' in client.get(URL, {"range": "today"}).content.decode()


def test_causes_are_named_in_the_words_of_the_error_book_and_old_ones_by_their_key(client: Client) -> None:
    make_record(outcome=Outcome.REFUSED, cause="spam")
    make_record(outcome=Outcome.REFUSED, cause="older-than-the-book")
    make_record(outcome=Outcome.ACCEPTED, cause="of-no-failure")
    fold()
    choices = client.get(URL, {"cause": "asked-for"}).context["form"].fields["cause"].widget.choices
    assert [key for key, _label in choices] == ["", "asked-for", "older-than-the-book", "spam"]
    assert dict(choices)["spam"] == "The server takes this mail for spam because of its content."
    with translation.override("zh-hans"):
        assert name_cause("spam") == "服务器根据内容将这封邮件判为垃圾邮件。"


ALL = RecordFilters(
    sender="noreply@example.com",
    receiver="a+b&c",
    template="每日汇总",
    since=date(2026, 3, 1),
    until=date(2026, 3, 31),
    result=ResultClass.FAILED,
    mail_id=7,
    outcome=Outcome.REFUSED,
    cause="spam",
    phase=Phase.DATA,
    requester="ada",
    subject="100 %",
    message_id="<one@example.com>",
    since_time=time(14),
    until_time=time(9, 30, 5),
)


def test_filters_survive_their_way_through_an_address() -> None:
    assert find_filters(ALL.as_query()) == ALL
    assert find_filters("") == RecordFilters()
    assert RecordFilters().as_query() == ""


def test_times_of_the_first_and_the_last_day_narrow_in_the_address_and_in_the_form(found: Found) -> None:
    for hour in (13, 14, 15, 16):
        make_record(receiver_address=f"h{hour}@example.net", started_at=NOON.replace(hour=hour))
    kept = ["h15@example.net", "h14@example.net"]
    assert found(since="2026-03-10T14:00", until="2026-03-10T16:00:00") == kept
    assert found(since="2026-03-10", since_time="14:00", until="2026-03-10", until_time="16:00") == kept
    assert ALL.as_parameters()["since"] == "2026-03-01T14:00"
    assert ALL.as_parameters()["until"] == "2026-03-31T09:30:05"


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("since_time=14:00", "since_time", "Choose the day of this time as well."),
        ("until=2026-03-10T25:00", "until_time", "This is not a time. Write it as hours and minutes, such as 14:00."),
        ("since=soonT14:00", "since", "This is not a day. Write it as year-month-day, such as 2026-01-31."),
        (
            "since=2026-03-10T14:00&until=2026-03-10T14:00",
            "until_time",
            "The end is not after the beginning. Swap the two.",
        ),
    ],
)
def test_a_time_that_is_wrong_is_told_at_its_field(query: str, field: str, sentence: str) -> None:
    assert FilterForm(QueryDict(query), person=None).errors == {field: [sentence]}


def test_relative_days_stay_relative_in_an_address() -> None:
    since, until = DayRange.WEEK.days()
    filters = RecordFilters(range=DayRange.WEEK, since=since, until=until)
    assert filters.as_query() == "range=7d"
    assert find_filters("range=7d") == filters


def test_an_address_that_is_wrong_makes_no_filters() -> None:
    assert find_filters("since=yesterday") is None


def test_every_filter_narrows(db: None) -> None:
    """A field that is added, and forgotten where filters are applied, would show everything."""
    make_record()
    for name, value in ALL.as_parameters().items():
        form = FilterForm(QueryDict(mutable=True) | {name: value}, person=None)
        assert form.is_valid()
        if name not in {"sender", "since", "until"}:
            assert find_page(form.filters(), 50).records == [], name


@pytest.mark.parametrize("name", ["sender", "template", "cause"])
@pytest.mark.parametrize("page", ["records:list", "records:export", "delivery:resend_many", "delivery:export_new"])
def test_what_was_chosen_stays_chosen_where_another_filter_is_wrong(admin_client: Client, page: str, name: str) -> None:
    response = admin_client.get(reverse(page), {name: "chosen-before", "since": "no day"})
    assert '<option value="chosen-before" selected>' in response.content.decode()

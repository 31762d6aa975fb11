"""How many records came since the list was shown."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.http import urlencode

from records.enums import Outcome
from records.listing import news, views
from records.listing.news import Seen, find_seen
from records.models import SendingRecord
from records.paging import Position
from records.search import plans
from tests.people import client_of, make_person
from tests.records.rows import make_mail, make_record

URL = "/system/setting/mailbox/records/"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord", "records.view_content"))


def news_url(client: Client, **query: str) -> str:
    url = client.get(URL, query).context["news_url"]
    assert isinstance(url, str)
    return url


def seen_in(url: str) -> Seen:
    seen = find_seen(url.rpartition("seen=")[2])
    assert seen
    return seen


def make_records(*seconds: int, receiver: str = "anna@example.net") -> None:
    """Records that began so many seconds before now."""
    now = timezone.now()
    for each in seconds:
        make_record(receiver_address=receiver, started_at=now - timedelta(seconds=each))


def test_nothing_is_said_where_nothing_came(client: Client) -> None:
    make_records(5, 9)
    response = client.get(news_url(client))
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(("seconds", "words"), [([2], "1 new record"), ([2, 2, 1], "3 new records")])
def test_what_came_since_is_counted(client: Client, seconds: list[int], words: str) -> None:
    make_records(5, 9)
    url = news_url(client)
    make_records(*seconds)
    response = client.get(url)
    assert (response.content.decode(), response.headers["Content-Type"]) == (words, "text/plain; charset=utf-8")
    assert "no-store" in response.headers["Cache-Control"]


def test_only_what_the_filters_keep_is_counted(client: Client) -> None:
    make_records(9)
    url = news_url(client, receiver="anna", fold="1")
    make_records(2)
    make_records(1, 3, receiver="bob@example.net")
    assert client.get(url).content == b"1 new record"


def test_the_first_record_of_all_is_news(client: Client) -> None:
    url = news_url(client)
    make_records(0)
    assert client.get(url).content == b"1 new record"


def test_where_the_last_match_is_old_only_the_last_minutes_are_looked_through(client: Client) -> None:
    make_records(86_400)
    url = news_url(client)
    assert timezone.now() - seen_in(url).place.started_at < timedelta(minutes=16)
    make_records(3600)
    assert client.get(url).status_code == 204
    make_records(30)
    assert client.get(url).content == b"1 new record"


def test_what_is_written_late_is_news_wherever_it_stands(client: Client) -> None:
    """A try that took long has its record when it ends, with the time at which it began."""
    make_records(5, 200, 300)
    url = news_url(client)
    make_records(250)
    assert client.get(url).content == b"1 new record"


def test_a_try_that_ends_as_the_filters_ask_is_news(client: Client) -> None:
    make_records(5)
    record = make_record(outcome=Outcome.SENDING, started_at=timezone.now() - timedelta(minutes=8))
    url = news_url(client, result="uncertain")
    assert client.get(url).status_code == 204
    SendingRecord.objects.filter(pk=record.pk).update(outcome=Outcome.UNKNOWN, ended_at=timezone.now())
    assert client.get(url).content == b"1 new record"


def test_of_a_full_page_what_comes_below_it_is_no_news(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    make_records(1, 2, 30)
    url = news_url(client)
    make_records(20)
    assert client.get(url).status_code == 204
    make_records(2)
    assert client.get(url).content == b"1 new record"


def test_tries_that_are_one_line_are_no_news(client: Client) -> None:
    mail = make_mail()
    for epoch, seconds in enumerate((90, 60, 30), start=1):
        make_record(mail, epoch=epoch, started_at=timezone.now() - timedelta(seconds=seconds))
    url = news_url(client, fold="1")
    assert client.get(url).status_code == 204
    make_record(mail, epoch=4, started_at=timezone.now())
    assert client.get(url).content == b"1 new record"


def test_where_nothing_came_the_page_is_told_from_where_to_ask_next(client: Client) -> None:
    make_records(0, 3)
    url = news_url(client)
    told = find_seen(client.get(url).headers["Mailbox-Seen"])
    assert told
    assert (told.number, told.place.is_newer_than(seen_in(url).place)) == (2, True)
    old = Position(timezone.now() - timedelta(days=1), 0)
    told = find_seen(client.get(f"{URL}new/", {"seen": str(Seen(old, 9))}).headers["Mailbox-Seen"])
    assert told
    assert (told.number, told.place.is_newer_than(old)) == (2, True)


def test_a_search_that_stops_goes_on_the_next_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "BUDGET_WITH_MAILS", 3)
    monkeypatch.setattr(news, "MAX_NEWS", 1)
    make_records(*range(10, 18))
    url = news_url(client, subject="rare")
    make_record(make_mail(subject="A rare one"), started_at=timezone.now())
    for _ in range(2):
        response = client.get(url)
        assert response.status_code == 204
        url = f"{URL}new/?{urlencode({'subject': 'rare', 'seen': response.headers['Mailbox-Seen']})}"
    assert client.get(url).content == b"1 new record"


def test_very_many_are_not_counted_to_the_end(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "MAX_NEWS", 2)
    url = news_url(client)
    make_records(0, 1, 2)
    assert client.get(url).content == b"More than 100 new records"


def test_asking_takes_the_same_queries_however_much_came(client: Client) -> None:
    make_records(9)
    url = news_url(client)
    make_records(3)
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    make_records(1, 2)
    with CaptureQueriesContext(connection) as three:
        client.get(url)
    assert len(three) == len(one)


def test_older_pages_do_not_ask(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    make_records(0, 1, 2, 3, 4)
    first = client.get(URL)
    assert "data-news" in first.content.decode()
    older = first.context["page"].older
    assert "data-news" not in client.get(URL, {"before": str(older)}).content.decode()


def test_whoever_may_not_see_records_is_told_nothing(client: Client) -> None:
    url = news_url(client)
    make_record(make_mail())
    assert client_of(make_person()).get(url).status_code == 403
    assert Client().get(url).status_code == 302
    assert client.post(url).status_code == 405


@pytest.mark.parametrize("query", ["", "seen=x", "seen=1-1&since=soon", "seen=9-9", "seen=9-9-5001"])
def test_what_makes_no_sense_is_refused(client: Client, query: str) -> None:
    assert client.get(f"{URL}new/?{query}").status_code == 400

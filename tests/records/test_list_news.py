"""How many records came since the list was shown."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from records.listing import news, views
from records.paging import find_position
from tests.people import client_of, make_person
from tests.records.rows import make_mail, make_record

URL = "/system/setting/mailbox/records/"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord"))


def news_url(client: Client, **query: str) -> str:
    url = client.get(URL, query).context["news_url"]
    assert isinstance(url, str)
    return url


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
    position = find_position(url.rpartition("seen=")[2])
    assert position is not None
    assert timezone.now() - position.started_at < timedelta(minutes=3)
    make_records(3600)
    assert client.get(url).status_code == 204
    make_records(30)
    assert client.get(url).content == b"1 new record"


def test_where_nothing_came_the_page_is_told_from_where_to_ask_next(client: Client) -> None:
    make_records(0)
    url = news_url(client)
    seen = url.rpartition("seen=")[2]
    assert client.get(url).headers["Mailbox-Seen"] == seen
    old = "1773144000000000-7"
    assert client.get(f"{URL}new/?seen={old}&receiver=nobody").headers["Mailbox-Seen"] > old


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


@pytest.mark.parametrize("query", ["", "seen=x", "seen=1-1&since=soon", "seen=9-9-9"])
def test_what_makes_no_sense_is_refused(client: Client, query: str) -> None:
    assert client.get(f"{URL}new/?{query}").status_code == 400

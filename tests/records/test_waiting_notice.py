"""Mail that has no record yet is told of on the record list: how much, since when, and whether a worker is there."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from records import waiting
from records.clock import database_now
from records.models import Heartbeat
from tests.people import client_of, make_person
from tests.records.rows import make_mail

URL = "/system/setting/mailbox/records/"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord"))


def notice(client: Client) -> str:
    return " ".join(client.get(URL).content.decode().split())


def wait(state: str = "queued", **ago: float) -> None:
    make_mail(state=state, accepted_at=database_now() - timedelta(**ago))


def see_worker(**ago: float) -> None:
    Heartbeat.objects.create(name="worker", seen_at=database_now() - timedelta(**ago))


def test_nothing_is_said_where_nothing_waits(client: Client) -> None:
    make_mail(state="sent")
    assert waiting.find_waiting() is None
    assert "to be sent" not in notice(client)


def test_waiting_mail_is_counted_with_its_longest_wait(client: Client) -> None:
    see_worker(seconds=5)
    wait(seconds=20)
    wait("retry", seconds=200)
    found = waiting.find_waiting()
    assert found is not None
    page = notice(client)
    assert "2 mails wait to be sent." in page
    assert f"Waiting longest since {found.oldest_at:%Y-%m-%d %H:%M:%S}." in page
    assert "No worker was seen" not in page


def test_a_mail_in_a_workers_hand_has_no_record_yet_and_counts(client: Client) -> None:
    make_mail(state="sending", accepted_at=database_now(), lease_until=database_now() + timedelta(minutes=1))
    assert "1 mail waits to be sent." in notice(client)


def test_a_silent_worker_is_named_with_the_time_when_it_was_seen(client: Client) -> None:
    see_worker(minutes=3)
    wait(minutes=2)
    seen_at = Heartbeat.objects.get().seen_at
    page = notice(client)
    assert "1 mail waits to be sent." in page
    assert f"No worker was seen since {seen_at:%Y-%m-%d %H:%M:%S}." in page


def test_a_worker_that_was_never_started_is_missed(client: Client) -> None:
    wait(minutes=2)
    assert "No worker was seen yet. Start the worker; nothing is lost." in notice(client)


def test_a_mail_of_a_moment_ago_raises_no_alarm(client: Client) -> None:
    wait(seconds=2)
    assert "No worker was seen" not in notice(client)


def test_the_count_stops_at_its_limit(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MAX_COUNTED", 1)
    for _ in range(3):
        wait(seconds=2)
    found = waiting.find_waiting()
    assert found is not None
    assert (found.count, found.is_capped) == (2, True)
    assert "More than 1,000 mails wait to be sent." in notice(client)


def test_it_costs_as_many_queries_for_three_mails_as_for_one(client: Client) -> None:
    wait(seconds=2)
    with CaptureQueriesContext(connection) as with_one:
        client.get(URL)
    wait(seconds=2)
    wait(seconds=2)
    with CaptureQueriesContext(connection) as with_three:
        client.get(URL)
    assert len(with_three) == len(with_one)

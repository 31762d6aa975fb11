"""/metrics: who may see them, what they tell, and what they cost."""

import logging
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from delivery.alarms import waiting
from delivery.alarms.tally import count_new_records
from records.alarms.models import Tally, TallyMark
from records.clock import database_now
from records.enums import Priority
from records.models import DeliveryPause, Heartbeat, SendingRecord
from senders.allowances import Window
from senders.enums import CircuitState
from senders.models import Allowance
from tests.delivery.alarms.scenes import look, make_sender, make_waiting, open_circuit
from tests.people import client_of, make_person
from tests.records.rows import make_mail, make_record
from tests.together import do_at_once

pytestmark = pytest.mark.django_db
TOKEN = "canary-of-the-metrics-token"
URL = "/metrics"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def scraper(settings: Settings) -> Client:
    settings.METRICS_TOKEN = TOKEN
    return Client(headers=bearer(TOKEN))


def scrape(client: Client) -> dict[tuple[str, ...], float]:
    """Give the figures by name and values of the labels."""
    answer = client.get(URL)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def test_without_a_token_in_the_settings_there_is_nothing_for_strangers(client: Client) -> None:
    assert client.get(URL).status_code == 404
    assert client.get(URL, headers=bearer("")).status_code == 401
    assert client.get(URL, headers=bearer("anything")).status_code == 401


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"]
)
def test_another_token_is_refused(scraper: Client, shown: str) -> None:
    answer = Client().get(URL, headers={"Authorization": shown})
    assert (answer.status_code, answer.headers["WWW-Authenticate"], answer.content) == (401, "Bearer", b"")


def test_without_a_token_a_scraper_is_asked_for_one(scraper: Client) -> None:
    assert Client().get(URL).status_code == 401


def test_a_short_token_opens_nothing(settings: Settings) -> None:
    settings.METRICS_TOKEN = "short"
    assert Client().get(URL, headers=bearer("short")).status_code == 401


def test_with_the_token_it_answers_under_any_host_name(scraper: Client) -> None:
    answer = scraper.get(URL, headers={"host": "10.9.8.7"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "no-store" in answer.headers["Cache-Control"]
    assert scraper.post(URL).status_code == 401


def test_signed_in_persons_need_the_permission() -> None:
    assert client_of(make_person()).get(URL).status_code == 403
    assert client_of(make_person("records.view_alarm")).get(URL).status_code == 200
    assert client_of(make_person("records.view_alarm")).post(URL).status_code == 405


def test_they_tell_what_waits_and_how_long(scraper: Client) -> None:
    sender = make_sender()
    make_waiting(sender, priority=2, due_ago=timedelta(minutes=2))
    make_waiting(sender, priority=0, due_ago=timedelta(minutes=5))
    make_waiting(sender, priority=0, due_ago=timedelta(minutes=1), state="retry")
    make_waiting(sender, priority=0, state="sent", finished_at=database_now())
    found = scrape(scraper)
    counts = {name: found["mailbox_mails_waiting", name, sender.address] for name in ("bulk", "normal", "high")}
    assert counts == {"bulk": 2, "normal": 0, "high": 1}
    assert 300 <= found["mailbox_oldest_due_seconds", sender.address] < 330


def test_waiting_mail_is_counted_to_a_limit() -> None:
    sender = make_sender()
    for _ in range(3):
        make_waiting(sender)
    make_waiting(sender, state="sending", lease_until=database_now())
    assert waiting.count_waiting([sender.pk]) == [waiting.Waiting(sender.pk, Priority.NORMAL, 3)]
    assert [one.count for one in waiting.count_waiting([sender.pk], at_most=2)] == [2]
    assert waiting.count_waiting([]) == []
    assert waiting.count_waiting([sender.pk + 1]) == []


def test_they_tell_how_accounts_stand(scraper: Client) -> None:
    sender = make_sender(per_day=100)
    open_circuit(sender, CircuitState.REFUSED)
    DeliveryPause.objects.create(paused_at=database_now())
    Allowance.objects.create(sender=sender, day_began=Window.DAY.begin(database_now()), day_used=37)
    make_waiting(sender, state="uncertain", finished_at=database_now())
    Heartbeat.objects.create(name="worker", seen_at=database_now())
    look()
    found = scrape(scraper)
    states = {state: found["mailbox_circuit_state", sender.address, state] for state in ("closed", "open", "refused")}
    assert states == {"closed": 0, "open": 0, "refused": 1}
    assert (found["mailbox_limit_used", sender.address, "day"], found["mailbox_limit", sender.address, "day"]) == (
        37,
        100,
    )
    assert (found["mailbox_paused",], found["mailbox_sender_paused", sender.address]) == (1, 0)
    assert found["mailbox_sender_enabled", sender.address] == 1
    assert found["mailbox_mails_held",] == 1
    assert found["mailbox_alarm_open", "sign_in_refused", sender.address, "critical"] == 1
    assert found["mailbox_alarm_open", "held", sender.address, "warning"] == 1
    assert found["mailbox_webhook_calls_waiting",] == 0
    assert found["mailbox_seen_timestamp_seconds", "worker"] == pytest.approx(database_now().timestamp(), abs=60)


def test_the_cost_depends_on_neither_accounts_nor_mail(scraper: Client) -> None:
    make_waiting(make_sender())
    with CaptureQueriesContext(connection) as with_one:
        scraper.get(URL)
    for number in range(3):
        make_waiting(make_sender(f"sender{number}@example.com", per_day=10))
    with CaptureQueriesContext(connection) as with_four:
        scraper.get(URL)
    assert len(with_four) == len(with_one)


def test_no_receiver_and_no_secret_is_in_them(scraper: Client, caplog: pytest.LogCaptureFixture) -> None:
    make_record(receiver_address="canary@example.net", reply_text="canary of a reply")
    make_sender(login_method="address", password="canary-password")
    count()
    with caplog.at_level(logging.DEBUG):
        text = scraper.get(URL).content.decode()
    assert "canary" not in text
    assert TOKEN not in caplog.text


def count() -> dict[tuple[str, str], int]:
    """Count as the worker does, with the time between two looks gone by; returns the totals."""
    for _ in range(2):
        count_new_records(database_now())
        TallyMark.objects.update(seen_at=database_now() - timedelta(minutes=5))
    rows = Tally.objects.values_list("sender_address", "outcome", "tries")
    return {(address, outcome): tries for address, outcome, tries in rows}


def test_tries_are_counted_once_each(scraper: Client) -> None:
    mail = make_mail(sender_address="a@example.com")
    make_record(mail, receiver_address="1@example.net")
    make_record(mail, receiver_address="2@example.net")
    make_record(mail, receiver_address="3@example.net", outcome="refused")
    expected = {("a@example.com", "accepted"): 2, ("a@example.com", "refused"): 1}
    assert count() == expected
    assert count() == expected
    make_record(mail, receiver_address="4@example.net")
    assert count() == expected | {("a@example.com", "accepted"): 3}
    found = scrape(scraper)
    assert found["mailbox_tries_total", "accepted", "a@example.com"] == 3
    assert found["mailbox_tries_total", "unknown", "a@example.com"] == 0


def test_a_try_that_is_under_way_is_counted_when_it_has_ended() -> None:
    mail = make_mail(sender_address="a@example.com")
    record = make_record(mail, receiver_address="1@example.net", outcome="sending", ended_at=None)
    make_record(mail, receiver_address="2@example.net")
    assert count() == {("a@example.com", "accepted"): 1}
    SendingRecord.objects.filter(pk=record.pk).update(outcome="unknown", ended_at=database_now())
    assert count() == {("a@example.com", "accepted"): 1, ("a@example.com", "unknown"): 1}
    assert TallyMark.objects.get().open_ids == []


def test_records_that_were_deleted_stay_counted() -> None:
    mail = make_mail(sender_address="a@example.com")
    make_record(mail, receiver_address="1@example.net")
    open_one = make_record(mail, receiver_address="2@example.net", outcome="sending", ended_at=None)
    count()
    open_one.delete()
    SendingRecord.objects.all().delete()
    assert count() == {("a@example.com", "accepted"): 1}


def test_a_long_backlog_is_counted_in_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.alarms.tally.MAX_RECORDS", 2)
    mail = make_mail(sender_address="a@example.com")
    first, *_others, last = [make_record(mail, receiver_address=f"{number}@example.net").pk for number in range(5)]
    TallyMark.objects.create(pk=1, counted_to=first - 1, seen_to=last)
    totals: list[int] = []
    for _ in range(4):
        count_new_records(database_now())
        TallyMark.objects.update(seen_at=None)
        totals += Tally.objects.values_list("tries", flat=True)
    assert totals == [2, 4, 5, 5]


def test_what_was_written_a_moment_ago_waits_for_transactions_that_began_earlier() -> None:
    make_record()
    count_new_records(database_now())
    count_new_records(database_now())
    assert Tally.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_count_each_try_once() -> None:
    mail = make_mail(sender_address="a@example.com")
    for number in range(5):
        make_record(mail, receiver_address=f"{number}@example.net")
    count_new_records(database_now())
    TallyMark.objects.update(seen_at=database_now() - timedelta(minutes=5))
    do_at_once(*[lambda: count_new_records(database_now())] * 4)
    assert list(Tally.objects.values_list("sender_address", "outcome", "tries")) == [("a@example.com", "accepted", 5)]

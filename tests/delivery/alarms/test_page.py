"""The page of alarms: open ones first, then those that are over, then whom the webhook told."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from delivery.alarms import history
from delivery.alarms.webhook.calls import make_due_calls
from delivery.alarms.webhook.target import read_target
from records.alarms.models import Alarm
from records.clock import database_now
from senders.enums import CircuitState
from senders.models import Circuit
from tests.delivery.alarms.conftest import SECRET
from tests.delivery.alarms.scenes import look, look_twice, make_sender, make_waiting, open_circuit
from tests.people import client_of, make_person
from tests.webhook_receiver import HOST, Receiver

URL = "/system/setting/mailbox/alarms/"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_alarm", "senders.change_sender"))


def text_of(client: Client, url: str = URL) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def make_cleared(count: int) -> None:
    now = database_now()
    for number in range(count):
        raised = now - timedelta(days=1, minutes=number)
        Alarm.objects.create(kind="held", scope=number, sender_address=f"s{number}@example.com", raised_at=raised,
                             cleared_at=raised + timedelta(minutes=5))  # fmt: skip


def test_without_alarms_it_says_that_nothing_is_wrong(client: Client) -> None:
    text = text_of(client)
    assert "Nothing is wrong" in text
    assert "No other system is told of alarms." in text
    assert "Cleared alarms" not in text


def test_an_open_alarm_says_what_since_when_and_what_to_do(client: Client) -> None:
    sender = make_sender()
    open_circuit(sender, CircuitState.REFUSED, reply="535 5.7.8 <b>no</b>")
    make_waiting(sender)
    look()
    text = text_of(client)
    assert "The mail server refuses the sign-in of reports@example.com." in text
    assert "1 mail waits." in text
    assert "535 5.7.8 &lt;b&gt;no&lt;/b&gt;" in text
    assert "Correct login and password, and send a test mail." in text
    assert f'href="{reverse("senders:edit", args=[sender.pk])}"' in text


def test_the_error_book_speaks_where_it_knows_the_cause(client: Client) -> None:
    open_circuit(make_sender(), CircuitState.OPEN, cause="connect-timeout")
    look()
    assert "did not answer in time" in text_of(client)


def test_critical_alarms_come_first(client: Client) -> None:
    make_waiting(make_sender(), state="uncertain", finished_at=database_now())
    look()
    open_circuit(make_sender("alerts@example.com"), CircuitState.REFUSED)
    look()
    text = text_of(client)
    assert text.index("alerts@example.com") < text.index("may have arrived")


def test_a_way_out_is_offered_only_to_who_may_go_it(db: None) -> None:
    sender = make_sender()
    open_circuit(sender, CircuitState.REFUSED)
    look()
    assert "Open the account" not in text_of(client_of(make_person("records.view_alarm")))
    assert "Open the account" in text_of(client_of(make_person("records.view_alarm", "senders.change_sender")))


def test_alarms_that_are_over_stay_in_the_history(client: Client) -> None:
    open_circuit(make_sender(), CircuitState.REFUSED)
    look()
    Circuit.objects.update(state=CircuitState.CLOSED)
    look_twice()
    text = text_of(client)
    assert "Nothing is wrong" in text
    assert "Cleared alarms" in text
    assert "Sign-in refused" in text


def test_the_history_goes_on_page_by_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE_SIZE", 2)
    make_cleared(5)
    seen, url = [], URL
    for _ in range(3):
        answer = client.get(url)
        seen.append([shown.alarm.sender_address for shown in answer.context["history"]])
        url = f"{URL}?before={answer.context['older']}"
    assert seen == [["s0@example.com", "s1@example.com"], ["s2@example.com", "s3@example.com"], ["s4@example.com"]]
    assert url == f"{URL}?before=None"


@pytest.mark.parametrize("position", ["1-1", "x", "9" * 30, "-1", "1-1-1", "%00"])
def test_whatever_stands_in_the_address_is_an_answer(client: Client, position: str) -> None:
    make_cleared(1)
    assert client.get(f"{URL}?before={position}").status_code == 200


def test_the_calls_of_the_webhook_are_shown_and_its_secrets_are_not(client: Client, receiver: Receiver) -> None:
    receiver.answers = [302]
    open_circuit(make_sender(), CircuitState.REFUSED)
    look()
    make_due_calls(read_target(), at_most=1)
    text = text_of(client)
    assert f"http://{HOST}:{receiver.port}" in text
    assert "302 Redirects are not followed." in text
    assert "canary" not in text
    assert SECRET not in text


def test_a_webhook_that_cannot_be_used_says_why(client: Client, receiver: Receiver, settings: Settings) -> None:
    assert "No call was made yet" in text_of(client)
    settings.MAILBOX_ALARM_WEBHOOK_SECRET = "short"
    assert "MAILBOX_ALARM_WEBHOOK_SECRET has fewer than 16 characters." in text_of(client)


def test_the_page_is_for_those_with_the_permission(db: None) -> None:
    assert client_of(make_person()).get(URL).status_code == 403
    assert client_of(make_person(role="auditor")).get(URL).status_code == 403
    assert client_of(make_person(role="administrator")).get(URL).status_code == 200
    assert Client().get(URL).headers["Location"] == f"/sign-in/?next={URL}"


def test_the_page_can_only_be_read(client: Client) -> None:
    assert client.post(URL).status_code == 405


def test_the_number_of_queries_does_not_grow_with_the_alarms(client: Client, receiver: Receiver) -> None:
    def raise_for(*addresses: str) -> None:
        for address in addresses:
            open_circuit(make_sender(address), CircuitState.REFUSED)
        look()

    make_cleared(1)
    raise_for("one@example.com")
    with CaptureQueriesContext(connection) as with_one:
        client.get(URL)
    make_cleared(3)
    raise_for("two@example.com", "three@example.com")
    with CaptureQueriesContext(connection) as with_three:
        client.get(URL)
    assert len(with_three) == len(with_one)

"""A mail that waits says what keeps it, on the page of its record, instead of promising a try that will not come."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from records.enums import MailState, Outcome, ReceiverState
from records.models import DeliveryPause, Heartbeat, Mail, SendingRecord
from senders.enums import CircuitState
from senders.models import Allowance, Circuit, Sender
from tests.people import client_of, make_person
from tests.records.rows import make_mail, make_record

Halting = Callable[[Sender], object]


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord"))


@pytest.fixture
def sender(db: None) -> Sender:
    return Sender.objects.create(address="a@example.com", display_name="A", host="h.example")


@pytest.fixture
def record(sender: Sender) -> SendingRecord:
    """Of a mail whose next try is due."""
    now = timezone.now()
    due_at, expires_at = now - timedelta(minutes=30), now + timedelta(days=1)
    mail = make_mail(state=MailState.RETRY, sender=sender, accepted_at=now, due_at=due_at, expires_at=expires_at)
    return make_record(mail, outcome=Outcome.DEFERRED, state=ReceiverState.PENDING)


def told(client: Client, record: SendingRecord) -> str:
    page = client.get(f"/system/setting/mailbox/records/{record.pk}/").content.decode()
    return " ".join(page[page.index("timeline-title") :].split())


def pause(sender: Sender) -> None:
    Sender.objects.filter(pk=sender.pk).update(paused_at=timezone.now())


def pause_all(_sender: Sender) -> None:
    DeliveryPause.objects.create(paused_at=timezone.now())


def disable(sender: Sender) -> None:
    Sender.objects.filter(pk=sender.pk).update(is_enabled=False)


def park(state: CircuitState) -> Halting:
    return lambda sender: Circuit.objects.update_or_create(sender=sender, defaults={"state": state})


def limit(sender: Sender) -> None:
    until = timezone.now() + timedelta(hours=3)
    Allowance.objects.update_or_create(sender=sender, defaults={"slow_until": until})


def test_a_next_try_that_is_due_is_promised_where_nothing_keeps_it(client: Client, record: SendingRecord) -> None:
    assert "Next try is due" in told(client, record)


@pytest.mark.parametrize(
    ("halting", "sentence", "is_untimed"),
    [
        (pause, "Its sender account is paused.", True),
        (pause_all, "All sending is paused.", True),
        (disable, "Mail waits until the account is enabled, or its time to give up has passed.", False),
        (park(CircuitState.REFUSED), "The server refused the sign-in.", False),
        (park(CircuitState.OPEN), "The mail server can&#x27;t be reached.", False),
        (limit, "Mail goes on at ", False),
    ],
)
def test_what_keeps_it_is_told_in_its_place(
    halting: Halting, sentence: str, is_untimed: bool, client: Client, record: SendingRecord
) -> None:
    halting(Sender.objects.get())
    text = told(client, record)
    assert sentence in text
    assert "Not tried for now" in text
    assert "Next try" not in text
    assert ("stands still" in text, "Given up if nobody takes it by" in text) == (is_untimed, not is_untimed)


def test_a_worker_that_is_missing_is_told(client: Client, record: SendingRecord) -> None:
    Mail.objects.update(accepted_at=timezone.now() - timedelta(hours=1))
    assert "No worker was seen yet. Start the worker" in told(client, record)
    Heartbeat.objects.create(name="worker", seen_at=timezone.now())
    assert "Next try is due" in told(client, record)


def test_a_time_that_the_caller_set_goes_on_in_a_pause(client: Client, record: SendingRecord, sender: Sender) -> None:
    record.mail.expires_untried = True
    record.mail.save()
    pause(sender)
    assert "Given up if nobody takes it by" in told(client, record)

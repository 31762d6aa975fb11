"""`manage.py test_webhook`, and the system checks."""

from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from records.alarms.models import WebhookCall
from tests.delivery.alarms.conftest import SECRET
from tests.webhook_receiver import HOST, Receiver

pytestmark = pytest.mark.django_db


def run() -> str:
    output = StringIO()
    call_command("test_webhook", stdout=output)
    return output.getvalue()


def test_a_test_call_is_made_at_once(receiver: Receiver) -> None:
    said = run()
    [received] = receiver.calls
    call = WebhookCall.objects.get()
    assert said == f"http://{HOST}:{receiver.port} took call {call.pk}: 204.\n"
    assert (received.contents["event"], received.contents["sentence"]) == (
        "test",
        "This is a test call. Nothing is wrong.",
    )
    assert (call.state, call.event, call.alarm) == ("delivered", "test", None)


def test_a_test_call_that_fails_is_not_tried_again(receiver: Receiver) -> None:
    receiver.answers = [500]
    with pytest.raises(CommandError, match=r"answered 500\. The receiver did not take it\."):
        run()
    assert WebhookCall.objects.get().state == "given_up"


def test_without_a_webhook_it_says_so() -> None:
    with pytest.raises(CommandError, match="MAILBOX_ALARM_WEBHOOK is not set"):
        run()


def test_a_webhook_that_cannot_be_used_is_a_sentence(receiver: Receiver, settings: Settings) -> None:
    settings.MAILBOX_ALARM_WEBHOOK_SECRET = "short"
    with pytest.raises(CommandError, match="MAILBOX_ALARM_WEBHOOK_SECRET has fewer than 16 characters"):
        run()


def ids() -> list[str]:
    ours = ("delivery.", "mailbox.E015", "mailbox.E016")
    return [str(message.id) for message in run_checks() if str(message.id).startswith(ours)]


def test_settings_of_webhook_metrics_and_links_are_checked(settings: Settings) -> None:
    assert ids() == []
    settings.MAILBOX_ALARM_WEBHOOK = "https://alerts.example.com/hook"
    assert ids() == ["delivery.E001"]
    settings.MAILBOX_ALARM_WEBHOOK_SECRET = SECRET
    assert ids() == []
    settings.METRICS_TOKEN = "short"
    settings.MAILBOX_URL = "mailbox.example.org"
    assert sorted(ids()) == ["mailbox.E015", "mailbox.E016"]

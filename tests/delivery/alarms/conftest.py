"""Fixtures of the tests of alarms: a webhook that is called for real."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.webhook_receiver import Receiver, webhook_receiver

SECRET = "canary-of-the-webhook-secret"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A receiver that the settings name as the webhook."""
    with webhook_receiver() as running:
        settings.MAILBOX_ALARM_WEBHOOK = running.url
        settings.MAILBOX_ALARM_WEBHOOK_SECRET = SECRET
        yield running

"""Fixtures for the tests of pages in Chinese."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from records.enums import Outcome, ReceiverState
from records.models import Mail
from senders.enums import CircuitState, Encryption
from senders.models import Circuit
from senders.services import set_default_sender
from tests.records.rows import compose, make_mail, make_record
from tests.web.chinese.reading import chinese, make_sender


@pytest.fixture
def admin(db: None) -> Client:
    return chinese(role="administrator")


@pytest.fixture
def filled(db: None) -> Mail:
    """Accounts in every state, and a mail with tries that ended in every way."""
    now = timezone.now()
    set_default_sender(make_sender())
    make_sender(2, is_enabled=False, encryption=Encryption.NONE, last_test_at=now, last_test_passed=True)
    long_ago = now - timedelta(days=70)
    unreachable = make_sender(3, encryption=Encryption.TLS, last_test_at=long_ago, last_test_passed=False)
    Circuit.objects.create(sender=unreachable, state=CircuitState.OPEN, opened_at=now)
    Circuit.objects.create(sender=make_sender(4), state=CircuitState.REFUSED)
    mail = make_mail(mime=compose(html="<p>您好</p>", files=(("行.csv", b"a,b"),)), subject="数据已加载")
    for outcome in Outcome:
        make_record(mail, outcome=outcome, receiver_address=f"{outcome}@example.net", state=_state_after(outcome))
    return mail


def _state_after(outcome: Outcome) -> ReceiverState:
    return ReceiverState.ACCEPTED if outcome is Outcome.ACCEPTED else ReceiverState.REFUSED

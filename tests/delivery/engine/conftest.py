"""Fixtures of the engine's tests: a real mail server, and a broker that is left out."""

from collections.abc import Iterator

import pytest

from delivery import wake
from delivery.engine.kept_sessions import kept_sessions
from tests import smtpd


@pytest.fixture
def server() -> Iterator[smtpd.MailServer]:
    """A real mail server in clear text."""
    with smtpd.mail_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """Leave no open session and no memory of a dead broker to the next test."""
    yield
    kept_sessions.close_all()
    wake.broker_health.reset()

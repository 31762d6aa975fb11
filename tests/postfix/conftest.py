"""Fixtures of the trial against postfix."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from delivery import wake
from delivery.engine.kept_sessions import kept_sessions
from tests.people import client_of
from tests.postfix.checking import Ports, all_ports
from tests.postfix_server import Postfix
from tests.web.checking import administrator


@pytest.fixture(autouse=True)
def _own_keys(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.MAILBOX_KEYS = []


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """Leave no open session and no memory of a dead broker to the next test."""
    yield
    kept_sessions.close_all()
    wake.broker_health.reset()


@pytest.fixture(scope="package")
def ports(postfix: Postfix) -> Iterator[Ports]:
    """Where postfix and the strangers beside it listen."""
    with all_ports(postfix) as found:
        yield found


@pytest.fixture
def client(transactional_db: None) -> Client:
    """An administrator's browser without scripts."""
    return client_of(administrator())

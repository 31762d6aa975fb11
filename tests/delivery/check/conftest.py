"""Fixtures of the connection check's tests: keys of their own, and orders against a real server."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from delivery import wake


@pytest.fixture(autouse=True)
def _own_keys(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.MAILBOX_KEYS = []


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    """Remember no dead broker of an earlier test."""
    wake.broker_health.reset()

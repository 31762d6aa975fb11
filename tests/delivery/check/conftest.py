"""Fixtures of the connection check's tests."""

import pytest

from delivery import wake


@pytest.fixture(autouse=True)
def _fresh_process(own_keys: None) -> None:
    """Have keys of its own, and remember no dead broker of an earlier test."""
    wake.broker_health.reset()

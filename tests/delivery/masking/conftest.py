"""Fixtures of masking's tests: a real mail server, and no session left to the next test."""

from tests.delivery.engine.conftest import _fresh_process, server

__all__ = ["_fresh_process", "server"]

"""Fixtures of the delivery room's tests: brokers that work, and brokers that don't."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from celery import Celery

from delivery import wake
from mailbox_admin import celery_app
from tests import services


@contextmanager
def publishing_to(url: str) -> Iterator[Celery]:
    """Let wake-ups go to another broker until the block ends."""
    other = Celery("mailbox_admin", set_as_current=True)
    other.config_from_object("django.conf:settings", namespace="CELERY")
    other.conf.update(
        broker_url=url,
        broker_transport_options={
        "max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1,
        "socket_timeout": 2, "socket_connect_timeout": 1,
        },
    )  # fmt: skip
    wake.broker_health.reset()
    try:
        yield other
    finally:
        other.close()
        celery_app.set_current()
        wake.broker_health.reset()


@pytest.fixture
def broker(redis_url: str) -> Iterator["redis.Redis"]:
    """An empty Redis that wake-ups go to."""
    with publishing_to(redis_url), redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def dead_broker() -> Iterator[Celery]:
    """A Redis that nobody answers for."""
    with publishing_to(f"redis://127.0.0.1:{services.free_port()}/0") as app:
        yield app

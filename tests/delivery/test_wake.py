"""Waking a worker: quick, never in the way of the caller, and one message for any number of mails."""

import os
import signal
import time

import pytest
from celery import Celery
from redis import Redis

from delivery.wake import MOST_HOPS, broker_health, forget_wake, pass_on, wake
from tests.services import AT_ONCE, freeze

QUEUE = "mail"


def test_a_wake_up_is_one_message_that_carries_the_id_only(broker: Redis) -> None:
    assert wake(7) is True
    assert broker.llen(QUEUE) == 1
    message = broker.lrange(QUEUE, 0, -1)[0]
    assert b'"task": "delivery.tasks.drain"' in message
    assert b'"argsrepr": "[7]"' in message


def test_a_sender_is_woken_once_until_a_worker_looks(broker: Redis) -> None:
    assert [wake(7), wake(7), wake(8)] == [True, True, True]
    assert broker.llen(QUEUE) == 2
    forget_wake(7)
    wake(7)
    assert broker.llen(QUEUE) == 3


def test_urgent_mail_wakes_a_worker_though_the_sender_was_woken_already(broker: Redis) -> None:
    wake(7)
    assert [wake(7, is_urgent=True), wake(7, is_urgent=True)] == [True, True]
    assert broker.llen(QUEUE) == 2
    assert b'"argsrepr": "[7, True]"' in broker.lrange(QUEUE, 0, 0)[0]
    forget_wake(7)
    wake(7, is_urgent=True)
    assert broker.llen(QUEUE) == 3


def test_a_sender_that_one_worker_cannot_take_is_passed_on_whether_it_was_woken_or_not(broker: Redis) -> None:
    wake(7)
    pass_on(7, 0)
    assert broker.llen(QUEUE) == 2
    assert b'"argsrepr": "[7, False, 1]"' in broker.lrange(QUEUE, 0, 0)[0]


def test_after_many_workers_it_is_left_to_the_sweep(broker: Redis) -> None:
    pass_on(7, MOST_HOPS)
    assert broker.llen(QUEUE) == 0


def test_a_wake_up_that_got_lost_does_not_keep_others_away_for_long(broker: Redis) -> None:
    wake(7)
    assert 0 < broker.ttl("mailbox:woken:7") <= 15
    broker.flushall()
    wake(7)
    assert broker.llen(QUEUE) == 1


def test_a_dead_broker_is_asked_once_and_then_left_alone_for_a_while(
    dead_broker: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_failure, noted = broker_health.note_failure, []
    monkeypatch.setattr(broker_health, "note_failure", lambda: noted.append(note_failure()))
    assert [wake(number) for number in range(100)] == [False] * 100
    assert len(noted) == 1
    assert broker_health.is_resting()


def test_forgetting_a_wake_up_at_a_dead_broker_is_no_error(dead_broker: Celery) -> None:
    forget_wake(7)


def test_a_broker_that_hangs_costs_a_few_seconds_once(broker: Redis) -> None:
    process_id = int(broker.info("server")["process_id"])
    wake(1)
    freeze(process_id)
    try:
        begun = time.monotonic()
        assert [wake(number) for number in range(2, 50)] == [False] * 48
        assert time.monotonic() - begun < AT_ONCE
    finally:
        os.kill(process_id, signal.SIGCONT)

"""Alarms are raised once and cleared once, whoever looks and however often."""

import logging
from datetime import timedelta

import pytest

from delivery.alarms.checking import check
from delivery.alarms.finding import look_at_everything
from delivery.alarms.register import register
from records.alarms.models import Alarm
from records.clock import database_now
from records.models import Heartbeat, Mail
from senders.enums import CircuitState
from senders.models import Circuit
from tests.delivery.alarms.scenes import let_settle, look, look_twice, make_sender, make_waiting, open_circuit
from tests.together import do_at_once

pytestmark = pytest.mark.django_db
WORKERS = 6


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """List level and sentence of what was logged of alarms."""
    ours = (record for record in caplog.records if record.name == "delivery.alarms.register")
    return [(record.levelname, record.getMessage()) for record in ours]


def test_an_alarm_says_what_when_and_how_much() -> None:
    sender = make_sender()
    circuit = open_circuit(sender, CircuitState.REFUSED, cause="generic-permanent", reply="535 5.7.8 no")
    make_waiting(sender)
    make_waiting(sender)
    look()
    alarm = Alarm.objects.get()
    assert (alarm.sender, alarm.scope, alarm.sender_name) == (sender, sender.pk, "Reports")
    assert (alarm.cause, alarm.reply, alarm.began_at) == ("generic-permanent", "535 5.7.8 no", circuit.opened_at)
    assert (alarm.amount, alarm.severity.value, alarm.is_open) == (2, "critical", True)


def test_it_is_kept_up_to_date_while_it_is_open() -> None:
    sender = make_sender()
    make_waiting(sender)
    look()
    make_waiting(sender)
    look()
    assert list(Alarm.objects.values_list("kind", "amount")) == [("queue_old", 2)]


def test_it_is_cleared_by_the_second_check_that_finds_nothing() -> None:
    make_waiting(make_sender())
    look()
    Mail.objects.all().delete()
    assert look() == [("queue_old", "reports@example.com")]
    let_settle()
    assert look() == []
    assert Alarm.objects.get().cleared_at is not None


def test_checks_that_follow_each_other_at_once_count_as_one() -> None:
    make_waiting(make_sender())
    look()
    Mail.objects.all().delete()
    look()
    assert look() == [("queue_old", "reports@example.com")]


def test_what_comes_and_goes_stays_one_alarm() -> None:
    sender = make_sender()
    for _ in range(3):
        open_circuit(sender, CircuitState.REFUSED)
        look()
        Circuit.objects.update(state=CircuitState.CLOSED)
        look()
    open_circuit(sender, CircuitState.REFUSED)
    let_settle()
    look()
    assert [(alarm.is_open, alarm.good_since) for alarm in Alarm.objects.all()] == [(True, None)]


def test_the_same_trouble_later_is_another_alarm() -> None:
    sender = make_sender()
    open_circuit(sender, CircuitState.REFUSED)
    look()
    Circuit.objects.update(state=CircuitState.CLOSED)
    assert look_twice() == []
    open_circuit(sender, CircuitState.REFUSED)
    assert look() == [("sign_in_refused", "reports@example.com")]
    assert Alarm.objects.count() == 2


def test_the_alarm_of_a_deleted_account_is_cleared_and_still_names_it() -> None:
    sender = make_sender()
    open_circuit(sender, CircuitState.REFUSED)
    look()
    sender.delete()
    assert look_twice() == []
    assert Alarm.objects.get().sender_address == "reports@example.com"


def test_raising_and_clearing_are_one_line_each_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    open_circuit(make_sender(), CircuitState.REFUSED, reply="535 hunter2")
    with caplog.at_level(logging.INFO, logger="delivery.alarms"):
        look()
        look()
        Circuit.objects.update(state=CircuitState.CLOSED)
        look_twice()
    assert said(caplog) == [
        ("ERROR", "an alarm was raised"),
        ("WARNING", "an alarm was cleared"),
    ]


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_raise_and_clear_one_alarm(caplog: pytest.LogCaptureFixture) -> None:
    open_circuit(make_sender(), CircuitState.REFUSED)
    now = database_now()
    troubles = look_at_everything(now).troubles
    with caplog.at_level(logging.INFO, logger="delivery.alarms"):
        do_at_once(*[lambda: register(troubles, now)] * WORKERS)
        Alarm.objects.update(good_since=now - timedelta(hours=1))
        do_at_once(*[lambda: register([], now)] * WORKERS)
    assert Alarm.objects.count() == 1
    assert [sentence for _level, sentence in said(caplog)] == ["an alarm was raised", "an alarm was cleared"]


def test_of_many_workers_that_sweep_one_looks() -> None:
    open_circuit(make_sender(), CircuitState.REFUSED)
    check()
    Circuit.objects.update(state=CircuitState.CLOSED)
    check()
    assert Alarm.objects.get().good_since is None


def test_a_clock_that_was_set_back_does_not_stop_the_checks() -> None:
    Heartbeat.objects.create(name="alarms", seen_at=database_now() + timedelta(days=1))
    open_circuit(make_sender(), CircuitState.REFUSED)
    check()
    assert Alarm.objects.count() == 1

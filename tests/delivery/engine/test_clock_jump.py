"""The database's clock went ahead, and back again: nothing waits until the wrong time comes."""

from datetime import timedelta

import pytest
from django.db.models import F

from delivery.engine.clock_jump import mend_after_clock_jump
from delivery.engine.drain import drain
from delivery.engine.slots import take_slot
from delivery.engine.sweep import beat, sweep
from delivery.engine.sweeper import take_turn
from records.clock import database_now
from records.models import Heartbeat, Mail
from senders.enums import CircuitState
from senders.models import Circuit, ConnectionSlot
from tests import smtpd
from tests.delivery.engine.scenes import accept, fresh, make_sender, take

pytestmark = pytest.mark.django_db(transaction=True)

AHEAD = timedelta(hours=6)


def write_by_the_wrong_clock() -> None:
    """Make everything look as if it had been written while the clock was six hours ahead."""
    Mail.objects.update(
        accepted_at=F("accepted_at") + AHEAD, due_at=F("due_at") + AHEAD, expires_at=F("expires_at") + AHEAD
    )
    Mail.objects.exclude(lease_until=None).update(lease_until=F("lease_until") + AHEAD)
    ConnectionSlot.objects.update(lease_until=F("lease_until") + AHEAD)
    Circuit.objects.exclude(probe_at=None).update(probe_at=F("probe_at") + AHEAD)
    Heartbeat.objects.update(seen_at=F("seen_at") + AHEAD)


def test_a_clock_that_goes_on_needs_nothing() -> None:
    assert mend_after_clock_jump() is False
    beat("worker")
    assert mend_after_clock_jump() is False


def test_it_is_mended_once() -> None:
    beat("worker")
    write_by_the_wrong_clock()
    assert [mend_after_clock_jump(), mend_after_clock_jump()] == [True, False]


def test_mail_that_was_accepted_by_the_wrong_time_is_sent_now(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    mail = accept(sender)
    given = mail.expires_at - mail.accepted_at
    beat("worker")
    write_by_the_wrong_clock()
    drain(sender.pk)
    assert fresh(mail).state == "queued"
    mend_after_clock_jump()
    mended = fresh(mail)
    assert abs((mended.expires_at - mended.accepted_at) - given) < timedelta(seconds=1)
    drain(sender.pk)
    assert fresh(mail).state == "sent"


def test_mail_that_waits_for_its_next_try_is_tried_now(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    server.answer("RCPT", "451 4.3.0 Try again later", times=1)
    mail = accept(sender)
    drain(sender.pk)
    beat("worker")
    Mail.objects.update(due_at=F("due_at") + AHEAD)
    Heartbeat.objects.update(seen_at=F("seen_at") + AHEAD)
    mend_after_clock_jump()
    drain(sender.pk)
    assert fresh(mail).state == "sent"


def test_mail_that_somebody_wants_sent_later_waits_on(server: smtpd.MailServer) -> None:
    later = database_now() + timedelta(hours=9)
    mail = accept(make_sender(server), not_before=later)
    beat("worker")
    Heartbeat.objects.update(seen_at=F("seen_at") + AHEAD)
    mend_after_clock_jump()
    assert fresh(mail).due_at == later


def test_what_a_worker_held_that_died_in_the_wrong_time_is_taken_back(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    mail = accept(sender)
    take(mail)
    beat("worker")
    write_by_the_wrong_clock()
    mend_after_clock_jump()
    lease = fresh(mail).lease_until
    assert lease is not None
    assert lease <= database_now() + timedelta(seconds=60)
    Mail.objects.update(lease_until=database_now())
    sweep()
    assert fresh(mail).state == "retry"


def test_connections_and_probes_come_free_and_sweeps_go_on(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    assert take_slot(sender.pk, 1)
    Circuit.objects.create(sender=sender, state=CircuitState.OPEN, probe_at=database_now())
    assert take_turn("sweep", 12)
    write_by_the_wrong_clock()
    mend_after_clock_jump()
    now = database_now()
    assert ConnectionSlot.objects.get().lease_until <= now + timedelta(seconds=61)
    probe_at = Circuit.objects.get().probe_at
    assert probe_at is not None
    assert probe_at <= now
    assert Heartbeat.objects.filter(seen_at__gt=now).count() == 0

"""Pausing and resuming: what waits, what is finished, what the pause costs a mail of its time."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connections

from delivery.control import bulk
from delivery.control.pausing import pause_everything, pause_sender, resume_everything, resume_sender
from delivery.engine.drain import drain
from delivery.engine.pauses import is_paused
from delivery.engine.sweep import find_due_senders, sweep
from records.clock import database_now
from records.interventions import Intervention
from records.models import DeliveryPause, Mail
from senders.models import Sender
from tests import smtpd
from tests.delivery.control.scenes import BY, accept_many
from tests.delivery.engine.scenes import accept, fresh, make_sender
from tests.services import AT_ONCE

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def sender(server: smtpd.MailServer) -> Sender:
    return make_sender(server)


def resume(sender: Sender | None = None) -> None:
    work = resume_sender(sender, BY) if sender else resume_everything(BY)
    assert work is not None
    assert bulk.run(work).finished_at is not None


def begin_earlier(by: timedelta, sender: Sender | None = None) -> None:
    """Let the pause have begun earlier than it did."""
    if sender:
        paused_at = Sender.objects.get(pk=sender.pk).paused_at
        assert paused_at is not None
        Sender.objects.filter(pk=sender.pk).update(paused_at=paused_at - by)
    else:
        DeliveryPause.objects.update(paused_at=DeliveryPause.objects.get().paused_at - by)


def accepted_before(mail: Mail, ago: timedelta) -> datetime:
    """Let the mail have been accepted earlier; returns when it will be given up."""
    Mail.objects.filter(pk=mail.pk).update(accepted_at=mail.accepted_at - ago, due_at=mail.due_at - ago)
    return fresh(mail).expires_at


def assert_prolonged(mail: Mail, before: datetime, by: timedelta) -> None:
    assert abs(fresh(mail).expires_at - before - by) < timedelta(seconds=10)


@pytest.mark.parametrize("whole", [False, True])
def test_mail_of_a_paused_sender_waits_and_goes_out_when_it_is_resumed(sender: Sender, whole: bool) -> None:
    mail = accept(sender)
    assert pause_everything(BY) if whole else pause_sender(sender, BY)
    assert is_paused(sender)
    drain(sender.pk)
    assert (fresh(mail).state, fresh(mail).attempts, sweep()) == ("queued", 0, [])
    resume(None if whole else sender)
    assert not is_paused(sender)
    assert find_due_senders() == [sender.pk]
    drain(sender.pk)
    assert fresh(mail).state == "sent"


def test_other_senders_flow_on(sender: Sender, server: smtpd.MailServer) -> None:
    other = make_sender(server, address="other@example.com")
    accept(sender)
    flowing = accept(other)
    pause_sender(sender, BY)
    assert sweep() == [other.pk]
    drain(other.pk)
    assert fresh(flowing).state == "sent"


def test_who_paused_and_when_is_kept(sender: Sender) -> None:
    before = database_now()
    assert pause_sender(sender, BY)
    assert not pause_sender(sender, "bob")
    kept = Sender.objects.get()
    assert kept.paused_by == "ada"
    assert kept.paused_at is not None
    assert before <= kept.paused_at <= database_now()
    assert pause_everything(BY)
    assert not pause_everything("bob")
    assert DeliveryPause.objects.get().paused_by == "ada"


def test_resuming_what_flows_changes_nothing(sender: Sender) -> None:
    assert resume_sender(sender, BY) is None
    assert resume_everything(BY) is None


def test_pausing_is_no_edit_that_would_close_a_circuit_or_stop_one_from_opening(sender: Sender) -> None:
    edited = Sender.objects.get().updated_at
    pause_sender(sender, BY)
    resume(sender)
    assert Sender.objects.get().updated_at == edited


def test_mail_in_hand_is_finished_and_the_rest_waits(sender: Sender, settings: object) -> None:
    settings.MAILBOX_BATCH_SIZE = 1  # type: ignore[attr-defined]
    settings.MAILBOX_GROUP_SIZE = 1  # type: ignore[attr-defined]
    accept_many(sender, 3)

    def pause_after_the_first() -> bool:
        # Asked before each mail: the first is on its way when the pause comes.
        if Mail.objects.filter(state="sent").exists():
            pause_sender(sender, BY)
        return False

    drain(sender.pk, is_stopping=pause_after_the_first)
    assert Mail.objects.filter(state="sending").count() == 0
    assert Mail.objects.filter(state="queued", attempts=0).count() >= 1


def test_a_pause_does_not_count_against_the_time_to_give_up(sender: Sender) -> None:
    mail = accept(sender)
    before = accepted_before(mail, 5 * HOUR)
    pause_sender(sender, BY)
    begin_earlier(3 * HOUR, sender)
    resume(sender)
    assert_prolonged(mail, before, 3 * HOUR)
    assert Intervention.objects.count() == 0


def test_mail_that_came_during_the_pause_gets_back_what_it_waited(sender: Sender) -> None:
    pause_sender(sender, BY)
    begin_earlier(3 * HOUR, sender)
    mail = accept(sender)
    before = accepted_before(mail, HOUR)
    resume(sender)
    assert_prolonged(mail, before, HOUR)


def test_no_mail_is_given_up_during_a_pause_but_where_its_caller_set_the_time(sender: Sender) -> None:
    waits = accept(sender)
    of_caller = accept(sender, give_up_after=timedelta(minutes=5))
    pause_sender(sender, BY)
    Mail.objects.update(state="retry", expires_at=database_now() - timedelta(minutes=1))
    sweep()
    assert (fresh(waits).state, fresh(of_caller).state) == ("retry", "expired")


def test_a_time_to_give_up_that_the_caller_set_goes_on(sender: Sender) -> None:
    mail = accept(sender, give_up_after=2 * HOUR)
    before = accepted_before(mail, HOUR)
    pause_sender(sender, BY)
    begin_earlier(HOUR, sender)
    resume(sender)
    assert_prolonged(mail, before, timedelta())


def test_time_that_two_pauses_have_in_common_is_given_back_once(sender: Sender) -> None:
    mail = accept(sender)
    before = accepted_before(mail, 9 * HOUR)
    pause_sender(sender, BY)
    begin_earlier(5 * HOUR, sender)
    pause_everything(BY)
    begin_earlier(3 * HOUR)
    resume()
    assert_prolonged(mail, before, timedelta())
    resume(sender)
    assert_prolonged(mail, before, 5 * HOUR)


def test_the_same_where_everything_was_paused_first(sender: Sender) -> None:
    mail = accept(sender)
    before = accepted_before(mail, 9 * HOUR)
    pause_everything(BY)
    begin_earlier(5 * HOUR)
    pause_sender(sender, BY)
    begin_earlier(3 * HOUR, sender)
    resume(sender)
    assert_prolonged(mail, before, timedelta())
    assert is_paused(sender)
    resume()
    assert_prolonged(mail, before, 5 * HOUR)


def test_everything_resumed_leaves_a_paused_sender_paused(sender: Sender) -> None:
    mail = accept(sender)
    before = accepted_before(mail, 9 * HOUR)
    pause_everything(BY)
    begin_earlier(5 * HOUR)
    pause_sender(sender, BY)
    begin_earlier(3 * HOUR, sender)
    resume()
    assert is_paused(sender)
    assert_prolonged(mail, before, 2 * HOUR)
    resume(sender)
    assert_prolonged(mail, before, 5 * HOUR)


def test_nothing_flows_before_all_have_their_time_back(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PROLONG_BATCH", 1)
    mails = accept_many(sender, 3)
    before = [accepted_before(mail, 2 * HOUR) for mail in mails]
    pause_sender(sender, BY)
    begin_earlier(HOUR, sender)
    work = resume_sender(sender, BY)
    assert work is not None
    assert bulk.run(work, seconds=0).finished_at is None
    assert is_paused(sender)
    assert resume_sender(sender, "bob") == work
    bulk.continue_unfinished(seconds=60)
    assert not is_paused(sender)
    for mail, expiry in zip(mails, before, strict=True):
        assert_prolonged(mail, expiry, HOUR)


def test_a_drain_that_waits_for_its_next_group_stops_within_seconds(sender: Sender) -> None:
    accept_many(sender, 2)
    pause_sender(sender, BY)
    ended = threading.Event()

    def work() -> None:
        try:
            drain(sender.pk)
        finally:
            connections.close_all()
            ended.set()

    threading.Thread(target=work).start()
    assert ended.wait(AT_ONCE)
    assert Mail.objects.filter(state="queued").count() == 2

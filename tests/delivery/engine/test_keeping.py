"""Removing what was kept long enough, beside a delivery that goes on: killed, hurried, and with people at work."""

import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import F

from delivery.control.single import do_to_mail
from delivery.engine import keeping
from delivery.engine.drain import drain
from delivery.engine.keeping import keep
from delivery.values import Attachment
from delivery.worker import sweeper
from records.clock import database_now
from records.content import find_mime, lock_whole
from records.interventions import Deed
from records.keeping.models import ONLY, KeepingRound
from records.keeping.removing import remove_contents, replace_bodies, strip_bodies
from records.keeping.rounds import EVERY, go_on, run_whole, take_step
from records.keeping.rules import Bounds, get_rules
from records.models import Body, Content, Mail, Receiver, SendingRecord
from tests import services, smtpd
from tests.delivery.control.scenes import BY, fail
from tests.delivery.engine.processes import start
from tests.delivery.engine.scenes import accept, fresh, make_sender
from tests.records.keeping.rows import mail_with_files, old_mail, set_rules, what_is_left

pytestmark = pytest.mark.django_db(transaction=True)

FILE = Attachment("report.pdf", b"%PDF" * 5000, "application/pdf")


def age(days: float) -> None:
    """Let time pass for all mails and records."""
    past = timedelta(days=days)
    Mail.objects.update(accepted_at=F("accepted_at") - past)
    Mail.objects.filter(finished_at__isnull=False).update(finished_at=F("finished_at") - past)
    SendingRecord.objects.update(started_at=F("started_at") - past)


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("point", ["within", "behind"])
def test_a_round_that_is_killed_leaves_whole_mails_and_is_ended_by_the_next_process(
    point: str, steps: int, tmp_path: Path
) -> None:
    gone = [old_mail(500, records=2) for _ in range(4)]
    shared = old_mail(300)
    bare = [shared, old_mail(299, body=Body.objects.get(pk=shared.pk)), old_mail(298), old_mail(297)]
    set_rules(records_days=400, contents_days=100, attachments_days=10)
    stripped = [mail_with_files(20, FILE) for _ in range(3)]
    waiting = old_mail(600, state="retry", finished_at=None)
    keeper = start("tests.delivery.engine.dying_keeper", point, str(steps), log=tmp_path / "log")
    with services.running(keeper):
        status = keeper.wait(60)
    assert status in (-signal.SIGKILL, 0), (tmp_path / "log").read_text()
    assert_consistent()
    here = KeepingRound.objects.get(pk=ONLY)
    assert (here.ended_at is None) == (status == -signal.SIGKILL)
    go_on(seconds=60)
    kept = sorted([*(mail.pk for mail in bare), *(mail.pk for mail in stripped), waiting.pk])
    assert what_is_left()[0] == kept
    assert what_is_left()[1] == sorted([*(mail.pk for mail in stripped), waiting.pk])
    assert not Body.objects.filter(attached_size__gt=0).exists()
    did = KeepingRound.objects.get(pk=ONLY)
    assert did.ended_at is not None
    assert (did.removed_mails, did.removed_records, did.removed_contents, did.stripped_bodies) == (4, 8, 8, 3)
    assert not Mail.objects.filter(pk__in=[mail.pk for mail in gone]).exists()


def assert_consistent() -> None:
    """No record without its mail, no body without a mail, every mail with all its receivers."""
    connection.check_constraints()
    assert not Body.objects.filter(contents=None).exists()
    for mail in Mail.objects.all():
        assert mail.records.count() == mail.receivers.count() > 0
    assert Receiver.objects.filter(mail=None).count() == 0


def test_what_is_removed_while_mail_flows_never_is_of_mail_that_has_not_ended(server: smtpd.MailServer) -> None:
    set_rules(records_days=1, contents_days=1, attachments_days=1)
    sender = make_sender(server)
    sent = accept(sender, attachments=[FILE])
    drain(sender.pk)
    waiting = accept(sender, attachments=[FILE])
    age(2)
    run_whole(pause=0)
    drain(sender.pk)
    assert [mail.message["Message-ID"] for mail in server.wait_for(2)] == [sent.message_id, waiting.message_id]
    assert not Mail.objects.filter(pk=sent.pk).exists()
    assert fresh(waiting).state == "sent"


@pytest.mark.parametrize("what_is_gone", ["content", "attachments"])
def test_a_mail_is_not_tried_again_once_something_of_it_was_removed(what_is_gone: str) -> None:
    mail = fail(accept(make_sender(), attachments=[FILE]))
    age(20)
    set_rules(**{"content": {"contents_days": 10}, "attachments": {"attachments_days": 10}}[what_is_gone])
    run_whole(pause=0)
    assert not do_to_mail(Deed.RETRY, mail.pk, BY)
    assert fresh(mail).state == "failed"


def test_what_is_tried_again_between_finding_and_removing_stays() -> None:
    mail = fail(accept(make_sender(), attachments=[FILE]))
    age(20)
    whole = find_mime(mail.pk)
    now = database_now()
    bounds = Bounds(now - timedelta(days=10), now - timedelta(hours=1), now)
    stripped = strip_bodies([mail.pk], now.date())
    assert do_to_mail(Deed.RETRY, mail.pk, BY)
    with transaction.atomic():
        assert not any(replace_bodies(stripped, bounds, now))
        assert not any(remove_contents([mail.pk], bounds))
    assert find_mime(mail.pk) == whole


def test_whole_contents_are_told_from_those_that_lost_their_files() -> None:
    set_rules(attachments_days=10)
    stripped, whole, plain = mail_with_files(20, FILE), mail_with_files(5, FILE), old_mail(20)
    bare = old_mail(20)
    Content.objects.filter(pk=bare.pk).delete()
    run_whole(pause=0)
    with transaction.atomic():
        assert lock_whole([mail.pk for mail in (stripped, whole, plain, bare)]) == {whole.pk, plain.pk}


def test_a_step_that_another_process_did_meanwhile_is_not_done_twice() -> None:
    old_mail(500)
    go_on(seconds=0)
    here = KeepingRound.objects.get(pk=ONLY)
    also_here = KeepingRound.objects.get(pk=ONLY)
    take_step(here, get_rules())
    before = KeepingRound.objects.values().get()
    take_step(also_here, get_rules())
    assert KeepingRound.objects.values().get() == before


def test_a_round_begins_an_hour_after_the_last_one_ended() -> None:
    old_mail(600, state="retry", finished_at=None)
    go_on(seconds=60)
    old_mail(500)
    go_on(seconds=60)
    assert Mail.objects.count() == 2
    KeepingRound.objects.update(ended_at=F("ended_at") - EVERY)
    go_on(seconds=60)
    assert Mail.objects.count() == 1


def test_a_clock_that_was_put_back_does_not_stop_it() -> None:
    go_on(seconds=60)
    KeepingRound.objects.update(ended_at=F("ended_at") + timedelta(days=300))
    old_mail(500)
    go_on(seconds=60)
    assert Mail.objects.count() == 0


def test_mail_of_a_time_when_the_clock_was_ahead_does_not_keep_later_mail() -> None:
    ahead, later = old_mail(-1000), old_mail(500)
    run_whole(pause=0)
    assert what_is_left()[0] == [ahead.pk]
    assert later.pk > ahead.pk


def test_it_gets_less_time_while_mail_waits_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    monkeypatch.setattr(keeping, "go_on", given.append)
    keep()
    accept(make_sender())
    keep()
    Mail.objects.update(due_at=F("due_at") - keeping.BUSY - timedelta(seconds=1))
    keep()
    assert given == [keeping.SECONDS, keeping.SECONDS, keeping.SECONDS_WHEN_BUSY]


def test_every_sweep_goes_on_with_it() -> None:
    old_mail(500)
    sweeper.sweep_now()
    assert KeepingRound.objects.get(pk=ONLY).removed_mails == 1

"""T4 and T6: what the sweep puts in order."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from delivery.engine.claim import claim_due
from delivery.engine.fence import pass_fence
from delivery.engine.sweep import BATCH, find_due_senders, sweep
from records.clock import database_now
from records.enums import MailKind
from records.models import Heartbeat, Mail, SendingRecord
from senders.enums import CircuitState
from senders.models import Circuit, Sender
from tests.delivery.engine.scenes import (
    accept,
    end_leases,
    fresh,
    let_expire,
    make_due,
    make_sender,
    outcomes,
    states_of_receivers,
    take,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_claim_that_died_before_the_point_of_no_return_is_lost_and_tried_again() -> None:
    mail = accept(make_sender())
    take(mail)
    end_leases()
    begun = timezone.now()
    sweep()
    taken_back = fresh(mail)
    assert (taken_back.state, taken_back.attempts, taken_back.lease_until) == ("retry", 1, None)
    assert begun - timedelta(seconds=1) <= taken_back.due_at <= timezone.now() + timedelta(seconds=30)
    assert outcomes(mail) == ["lost"]
    assert SendingRecord.objects.get().cause


@pytest.mark.parametrize(
    ("policy", "state", "receiver"), [("retry", "retry", "pending"), ("hold", "uncertain", "uncertain")]
)
def test_a_claim_that_died_after_the_point_of_no_return_is_unknown(
    settings: Settings, policy: str, state: str, receiver: str
) -> None:
    settings.MAILBOX_UNKNOWN_POLICY = policy
    mail = accept(make_sender())
    claim = take(mail)
    pass_fence(claim)
    end_leases()
    sweep()
    assert (fresh(mail).state, outcomes(mail)) == (state, ["unknown"])
    assert states_of_receivers(mail) == {"bob@example.org": receiver}


def test_a_claim_that_lives_is_left_alone() -> None:
    mail = accept(make_sender())
    take(mail)
    sweep()
    assert (fresh(mail).state, outcomes(mail)) == ("sending", [])


def test_a_test_mail_whose_process_died_fails_and_is_not_tried_again() -> None:
    mail = accept(make_sender(), kind=MailKind.TEST)
    take(mail)
    end_leases()
    sweep()
    assert (fresh(mail).state, outcomes(mail)) == ("failed", ["lost"])


def test_sweeping_twice_changes_nothing_more() -> None:
    mail = accept(make_sender())
    take(mail)
    end_leases()
    sweep()
    before = Mail.objects.values().get(pk=mail.pk)
    sweep()
    assert Mail.objects.values().get(pk=mail.pk) == before


def test_more_than_a_batch_is_swept_at_once() -> None:
    sender = make_sender()
    for _ in range(BATCH + 1):
        accept(sender)
    claim_due(sender.pk, BATCH + 1)
    end_leases()
    sweep()
    assert Mail.objects.filter(state="retry").count() == BATCH + 1


def test_mail_of_a_deleted_account_fails_and_says_why() -> None:
    mail = accept(make_sender())
    Sender.objects.all().delete()
    sweep()
    record = SendingRecord.objects.get()
    assert (fresh(mail).state, record.outcome, record.skip_reason) == ("failed", "skipped", "sender_deleted")
    assert record.ended_at is not None


def test_mail_of_a_disabled_account_waits_and_expires_with_that_reason() -> None:
    sender = make_sender()
    mail = accept(sender)
    Sender.objects.update(is_enabled=False)
    assert sweep() == []
    assert fresh(mail).state == "queued"
    let_expire(mail)
    sweep()
    assert (fresh(mail).state, SendingRecord.objects.get().skip_reason) == ("expired", "sender_disabled")


def test_mail_that_was_tried_expires_in_time_and_its_record_says_so() -> None:
    mail = accept(make_sender(), "a@example.org", "b@example.org")
    take(mail)
    end_leases()
    sweep()
    let_expire(mail)
    sweep()
    assert (fresh(mail).state, fresh(mail).epoch) == ("expired", 2)
    assert outcomes(mail) == ["lost", "lost", "skipped", "skipped"]
    assert states_of_receivers(mail) == {"a@example.org": "expired", "b@example.org": "expired"}


def test_mail_that_no_worker_ever_took_is_not_given_up_but_its_sender_woken() -> None:
    mail = accept(make_sender())
    let_expire(mail)
    assert sweep() == [mail.sender_id]
    assert fresh(mail).state == "queued"


def test_mail_whose_caller_set_the_limit_is_given_up_untried() -> None:
    mail = accept(make_sender(), give_up_after=timedelta(minutes=5))
    let_expire(mail)
    sweep()
    assert fresh(mail).state == "expired"


@pytest.mark.parametrize("state", [CircuitState.OPEN, CircuitState.REFUSED])
def test_parked_mail_that_no_one_could_try_expires(state: CircuitState) -> None:
    sender = make_sender()
    mail = accept(sender)
    Circuit.objects.create(sender=sender, state=state, probe_at=database_now() + timedelta(hours=1))
    let_expire(mail)
    sweep()
    assert (fresh(mail).state, SendingRecord.objects.get().skip_reason) == ("expired", "expired")


def test_a_sweep_leaves_a_heartbeat() -> None:
    sweep()
    first = Heartbeat.objects.get(name="worker").seen_at
    sweep()
    assert Heartbeat.objects.get(name="worker").seen_at >= first


def test_senders_with_due_mail_are_woken_and_no_others() -> None:
    due, later, disabled, refused, parked, probed = (
        make_sender(address=f"{name}@example.com")
        for name in ("due", "later", "disabled", "refused", "parked", "probed")
    )
    for sender in (due, due, disabled, refused, parked, probed):
        accept(sender)
    accept(later, not_before=timezone.now() + timedelta(hours=1))
    Sender.objects.filter(pk=disabled.pk).update(is_enabled=False)
    now = database_now()
    Circuit.objects.create(sender=refused, state=CircuitState.REFUSED)
    Circuit.objects.create(sender=parked, state=CircuitState.OPEN, probe_at=now + timedelta(minutes=1))
    Circuit.objects.create(sender=probed, state=CircuitState.OPEN, probe_at=now - timedelta(seconds=1))
    assert find_due_senders() == [due.pk, probed.pk]
    make_due()
    assert find_due_senders() == [due.pk, later.pk, probed.pk]

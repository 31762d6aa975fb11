"""T2: the point of no return."""

import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from delivery.engine.cancel import cancel_mail
from delivery.engine.claim import claim_due
from delivery.engine.fence import Fence, Refusal, pass_fence
from delivery.engine.sweep import sweep
from delivery.engine.values import Claim
from records.models import Mail, SendingRecord
from senders.models import Sender
from tests.delivery.engine.scenes import accept, end_leases, lease_of, make_due, make_sender, take

pytestmark = pytest.mark.django_db(transaction=True)


def claimed() -> tuple[Mail, Claim]:
    sender = make_sender()
    mail = accept(sender)
    [claim] = claim_due(sender.pk, 1)
    return mail, claim


def test_the_live_claim_passes_and_leaves_its_mark_and_a_lease_longer_than_the_wait() -> None:
    mail, claim = claimed()
    assert pass_fence(claim, 600) is True
    record = SendingRecord.objects.get()
    assert (record.step, record.phase, record.outcome) == ("committed", "data", "sending")
    assert lease_of(mail) > timezone.now() + timedelta(seconds=650)


def test_a_lease_that_is_over_does_not_pass() -> None:
    _mail, claim = claimed()
    end_leases()
    assert pass_fence(claim, 600) is False
    assert SendingRecord.objects.get().step == "claimed"


def test_only_the_newest_claim_passes() -> None:
    mail, old = claimed()
    end_leases()
    sweep()
    make_due()
    new = take(mail)
    assert (pass_fence(old, 600), pass_fence(new, 600)) == (False, True)


def test_a_cancelled_mail_does_not_pass() -> None:
    mail, claim = claimed()
    cancel_mail(mail.pk)
    assert pass_fence(claim, 600) is False


def test_a_deleted_mail_does_not_pass() -> None:
    mail, claim = claimed()
    mail.delete()
    assert pass_fence(claim, 600) is False


def test_mail_of_an_account_deleted_meanwhile_still_passes_for_it_was_asked_for() -> None:
    _mail, claim = claimed()
    Sender.objects.all().delete()
    assert pass_fence(claim, 600) is True


def test_a_database_that_fails_lets_nothing_pass() -> None:
    _mail, claim = claimed()
    fence = Fence(claim, time.monotonic() + 1200)

    def fail(*_arguments: object) -> None:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(fail):
        assert fence() is False
    assert fence.refusal is Refusal.DATABASE
    assert SendingRecord.objects.get().step == "claimed"


def test_too_little_time_for_the_final_reply_lets_nothing_pass() -> None:
    _mail, claim = claimed()
    fence = Fence(claim, time.monotonic() + 300)
    assert fence() is False
    assert fence.refusal is Refusal.TOO_LATE


def test_a_fence_says_whom_the_claim_belongs_to() -> None:
    mail, claim = claimed()
    mail.delete()
    fence = Fence(claim, time.monotonic() + 1200)
    assert fence() is False
    assert fence.refusal is Refusal.NOT_MINE

"""T1: claiming, renewing, giving back."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from pytest_django import Settings

from delivery.engine.cancel import cancel_mail
from delivery.engine.claim import claim_due, release, renew
from delivery.engine.fence import pass_fence
from delivery.engine.sweep import sweep
from records.models import Mail, SendingRecord
from tests.delivery.engine.scenes import accept, end_leases, fresh, lease_of, let_expire, make_sender, outcomes
from tests.together import do_at_once

if TYPE_CHECKING:
    from delivery.engine.values import Claim

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_claim_takes_due_mail_oldest_first_and_writes_no_record() -> None:
    sender = make_sender()
    first = accept(sender, "a@example.org", "b@example.org")
    second = accept(sender)
    third = accept(sender)
    claims = claim_due(sender.pk, 2)
    assert [claim.mail_id for claim in claims] == [first.pk, second.pk]
    assert [receiver.forward_path for receiver in claims[0].receivers] == ["a@example.org", "b@example.org"]
    assert outcomes(first) == []
    assert fresh(third).state == "queued"
    claimed = fresh(first)
    assert (claimed.state, claimed.epoch, claimed.attempts) == ("sending", 1, 1)
    assert lease_of(first) > timezone.now()


def test_mail_of_another_sender_and_mail_that_is_not_due_are_left() -> None:
    sender, other = make_sender(), make_sender(address="other@example.com")
    accept(other)
    accept(sender, not_before=timezone.now() + timedelta(hours=1))
    assert claim_due(sender.pk, 10) == []


def test_a_claimed_mail_is_not_claimed_again() -> None:
    sender = make_sender()
    accept(sender)
    assert len(claim_due(sender.pk, 10)) == 1
    assert claim_due(sender.pk, 10) == []


def test_many_workers_at_once_claim_every_mail_exactly_once() -> None:
    sender = make_sender()
    mails = [accept(sender, f"r{number}@example.org") for number in range(30)]
    taken: list[Claim] = []

    def work() -> None:
        while claims := claim_due(sender.pk, 3):
            taken.extend(claims)

    do_at_once(*[work] * 5)
    assert sorted(claim.mail_id for claim in taken) == [mail.pk for mail in mails]
    assert set(Mail.objects.values_list("epoch", flat=True)) == {1}


def test_a_domain_with_other_letters_goes_into_the_envelope_as_punycode() -> None:
    sender = make_sender(address="berichte@bücher.example")
    mail = accept(sender, "Bob@BÜCHER.example")
    [claim] = claim_due(sender.pk, 1)
    assert claim.reverse_path == "berichte@xn--bcher-kva.example"
    assert claim.receivers[0].forward_path == "Bob@xn--bcher-kva.example"
    cancel_mail(mail.pk)
    assert SendingRecord.objects.get().receiver_address == "Bob@bücher.example"


def test_mail_that_no_worker_took_in_time_gets_its_one_try() -> None:
    sender = make_sender()
    mail = accept(sender)
    let_expire(mail)
    assert [claim.mail_id for claim in claim_due(sender.pk, 1)] == [mail.pk]


def test_mail_whose_caller_set_the_limit_is_not_tried_after_it() -> None:
    sender = make_sender()
    let_expire(accept(sender, give_up_after=timedelta(minutes=5)))
    assert claim_due(sender.pk, 1) == []


def test_a_released_claim_leaves_no_trace_but_its_number() -> None:
    sender = make_sender()
    mail = accept(sender)
    release(claim_due(sender.pk, 1))
    released = fresh(mail)
    assert (released.state, released.epoch, released.attempts, released.lease_until) == ("queued", 1, 0, None)
    assert outcomes(mail) == []
    assert len(claim_due(sender.pk, 1)) == 1


def test_a_mail_that_was_only_held_counts_as_untried_and_is_not_given_up() -> None:
    sender = make_sender()
    mail = accept(sender)
    release(claim_due(sender.pk, 1))
    let_expire(mail)
    sweep()
    assert (fresh(mail).state, outcomes(mail)) == ("queued", [])
    assert [claim.mail_id for claim in claim_due(sender.pk, 1, untried_only=True)] == [mail.pk]


def test_a_claim_past_the_point_of_no_return_is_never_released() -> None:
    sender = make_sender()
    mail = accept(sender)
    [claim] = claim_due(sender.pk, 1)
    assert pass_fence(claim)
    release([claim])
    assert fresh(mail).state == "sending"


def test_renewing_prolongs_a_lease_past_the_fence_too_and_never_shortens_one(settings: Settings) -> None:
    sender = make_sender()
    mail, past_fence = accept(sender), accept(sender)
    claims = claim_due(sender.pk, 2)
    pass_fence(claims[1])
    before = lease_of(mail)
    settings.MAILBOX_CLAIM_LEASE = 120.0
    assert renew(claims) == {mail.pk, past_fence.pk}
    longer = lease_of(mail)
    assert longer > before + timedelta(seconds=50)
    assert lease_of(past_fence) == longer
    settings.MAILBOX_CLAIM_LEASE = 10.0
    assert renew(claims) == {mail.pk, past_fence.pk}
    assert (lease_of(mail), lease_of(past_fence)) == (longer, longer)


def test_a_lease_that_is_over_is_not_revived() -> None:
    sender = make_sender()
    accept(sender)
    claims = claim_due(sender.pk, 1)
    end_leases()
    assert renew(claims) == set()

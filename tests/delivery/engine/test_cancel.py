"""T5: cancelling in every state."""

import pytest

from delivery.engine.cancel import cancel_mail
from delivery.engine.claim import claim_due
from delivery.engine.fence import pass_fence
from delivery.engine.settle import finish
from delivery.engine.values import Server, TryResult
from records.models import Mail
from tests.delivery.engine.scenes import accept, fresh, make_due, make_sender, outcomes, states_of_receivers, take
from tests.delivery.engine.test_settle import ACCEPTED, DEFERRED, result

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_waiting_mail_is_cancelled_at_once_with_a_record_per_receiver() -> None:
    mail = accept(make_sender(), "a@example.org", "b@example.org")
    assert cancel_mail(mail.pk) == "cancelled"
    assert (fresh(mail).state, outcomes(mail)) == ("cancelled", ["skipped", "skipped"])
    assert set(mail.records.values_list("skip_reason", flat=True)) == {"cancelled"}
    assert fresh(mail).finished_at is not None
    make_due()
    assert claim_due(mail.sender_id or 0, 1) == []


def test_a_mail_that_waits_for_another_try_is_cancelled_and_keeps_what_was_served() -> None:
    mail = accept(make_sender(), "a@example.org", "b@example.org")
    claim = take(mail)
    finish([result(claim, ACCEPTED, DEFERRED)])
    assert cancel_mail(mail.pk) == "cancelled"
    assert fresh(mail).state == "partly_sent"
    assert states_of_receivers(mail) == {"a@example.org": "accepted", "b@example.org": "cancelled"}


def test_a_mail_in_a_workers_hand_is_cancelled_before_the_point_of_no_return() -> None:
    mail = accept(make_sender())
    claim = take(mail)
    assert cancel_mail(mail.pk) == "cancelled"
    assert (fresh(mail).state, outcomes(mail)) == ("cancelled", ["skipped"])
    assert pass_fence(claim) is False
    finish([TryResult.alike(claim, DEFERRED, Server())])
    assert (fresh(mail).state, outcomes(mail)) == ("cancelled", ["skipped"])


def test_past_the_point_of_no_return_it_is_too_late_for_this_try() -> None:
    mail = accept(make_sender())
    claim = take(mail)
    pass_fence(claim)
    assert cancel_mail(mail.pk) == "too_late_for_try"
    assert (fresh(mail).state, outcomes(mail)) == ("sending", [])


def test_a_mail_that_ended_can_not_be_cancelled() -> None:
    mail = accept(make_sender())
    claim = take(mail)
    finish([result(claim, ACCEPTED)])
    assert cancel_mail(mail.pk) == "too_late"
    assert fresh(mail).state == "sent"


def test_cancelling_twice_gives_the_same_answer() -> None:
    mail = accept(make_sender())
    assert [cancel_mail(mail.pk), cancel_mail(mail.pk)] == ["cancelled", "cancelled"]
    assert outcomes(mail) == ["skipped"]


def test_a_mail_that_does_not_exist_can_not_be_cancelled() -> None:
    with pytest.raises(Mail.DoesNotExist):
        cancel_mail(7)

"""T2: the point of no return."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from delivery.engine.cancel import cancel_mail
from delivery.engine.claim import claim_due
from delivery.engine.drain import drain
from delivery.engine.fence import pass_fence, pass_fences
from delivery.engine.sweep import sweep
from delivery.engine.values import Claim
from records.models import Mail, SendingRecord
from senders.models import Sender
from tests import smtpd
from tests.delivery.engine.scenes import (
    accept,
    do_once_at,
    end_leases,
    fresh,
    lease_of,
    make_due,
    make_sender,
    outcomes,
    take,
)

pytestmark = pytest.mark.django_db(transaction=True)


def claimed() -> tuple[Mail, Claim]:
    sender = make_sender()
    mail = accept(sender)
    [claim] = claim_due(sender.pk, 1)
    return mail, claim


def is_past_the_fence(mail: Mail) -> bool:
    seen = fresh(mail)
    return seen.committed_epoch == seen.epoch


def test_the_live_claim_passes_and_leaves_its_mark_and_its_lease_as_it_is() -> None:
    mail, claim = claimed()
    lease = lease_of(mail)
    assert is_past_the_fence(mail) is False
    assert pass_fence(claim) is True
    assert is_past_the_fence(mail) is True
    assert lease_of(mail) == lease
    assert outcomes(mail) == []


def test_a_lease_that_is_over_does_not_pass() -> None:
    mail, claim = claimed()
    end_leases()
    assert pass_fence(claim) is False
    assert is_past_the_fence(mail) is False


def test_of_a_group_those_pass_that_are_still_the_workers() -> None:
    sender = make_sender()
    mails = [accept(sender) for _ in range(4)]
    claims = claim_due(sender.pk, 4)
    cancel_mail(mails[1].pk)
    Mail.objects.filter(pk=mails[2].pk).delete()
    assert pass_fences(claims) == {mails[0].pk, mails[3].pk}


def test_a_group_of_none_passes() -> None:
    assert pass_fences([]) == frozenset()


def test_only_the_newest_claim_passes() -> None:
    mail, old = claimed()
    end_leases()
    sweep()
    make_due()
    new = take(mail)
    assert (pass_fence(old), pass_fence(new)) == (False, True)


def test_a_cancelled_mail_does_not_pass() -> None:
    mail, claim = claimed()
    cancel_mail(mail.pk)
    assert pass_fence(claim) is False


def test_a_deleted_mail_does_not_pass() -> None:
    mail, claim = claimed()
    mail.delete()
    assert pass_fence(claim) is False


def test_mail_of_an_account_deleted_meanwhile_still_passes_for_it_was_asked_for() -> None:
    _mail, claim = claimed()
    Sender.objects.all().delete()
    assert pass_fence(claim) is True


def fail_at_the_fence(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    if "SET committed_epoch = given" in sql:
        raise OperationalError("the database is away")
    return execute(sql, *rest)


def test_a_database_that_fails_lets_nothing_pass_and_costs_no_attempt(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    mail = accept(sender)
    with connection.execute_wrapper(fail_at_the_fence):
        drain(sender.pk, is_stopping=lambda: bool(outcomes(mail)))
    assert (outcomes(mail), fresh(mail).state, fresh(mail).attempts) == (["lost"], "retry", 0)
    assert server.mails == []


def test_too_little_time_for_the_final_reply_lets_nothing_pass(server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_MAIL_DEADLINE = 4.0
    sender = make_sender(server)
    mail = accept(sender)
    do_once_at(server, "DATA", lambda: threading.Event().wait(2.5))
    drain(sender.pk)
    record = SendingRecord.objects.get()
    assert (record.outcome, record.phase, record.fault) == ("deferred", "data", "timeout")
    assert (server.mails, fresh(mail).state) == ([], "retry")

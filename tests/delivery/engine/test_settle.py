"""T3: closing records, moving receivers, rolling the mail up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from delivery.engine.cancel import cancel_mail
from delivery.engine.claim import claim_due
from delivery.engine.fence import pass_fence
from delivery.engine.settle import finish
from delivery.engine.sweep import sweep
from delivery.engine.values import Claim, Ending, Server, TryResult
from delivery.values import Reply, TlsFacts
from records.enums import Fault, MailKind, Outcome, Phase
from records.models import Mail, SendingRecord
from tests.delivery.engine.scenes import (
    accept,
    end_leases,
    fresh,
    make_due,
    make_sender,
    outcomes,
    outcomes_of,
    states_of_receivers,
    take,
)
from tests.together import do_at_once

pytestmark = pytest.mark.django_db(transaction=True)

ACCEPTED = Ending(Outcome.ACCEPTED, Phase.DATA, reply=Reply(250, "2.0.0", "Ok: queued as 4F"))
REFUSED = Ending(Outcome.REFUSED, Phase.RCPT, Fault.REPLY, Reply(550, "5.1.1", "No such user"))
DEFERRED = Ending(
    Outcome.DEFERRED, Phase.RCPT, Fault.REPLY, Reply(451, "4.7.1", "Greylisted, try again in 300 seconds")
)
NOT_CONNECTED = Ending(Outcome.NOT_CONNECTED, Phase.CONNECT, Fault.CONNECTION_REFUSED)
UNKNOWN = Ending(Outcome.UNKNOWN, Phase.DATA)
SERVER = Server("mail.example.com", 587, "tls", "address")


def claimed(*to: str, **values: object) -> tuple[Mail, Claim]:
    mail = accept(make_sender(), *to, **values)
    claim = take(mail)
    return mail, claim


def result(claim: Claim, *endings: Ending, costs_attempt: bool = True, **facts: Any) -> TryResult:
    by_receiver = {receiver.receiver_id: ending for receiver, ending in zip(claim.receivers, endings, strict=True)}
    return TryResult(claim, by_receiver, SERVER, costs_attempt=costs_attempt, **facts)


def test_an_accepted_mail_is_sent_and_its_record_holds_the_facts() -> None:
    mail, claim = claimed()
    finish([result(claim, ACCEPTED, tls=TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384"), queue_id="4F")])
    record = SendingRecord.objects.get()
    assert (record.outcome, record.phase, record.fault, record.cause) == ("accepted", "data", "", "")
    assert (record.reply_code, record.enhanced_status, record.reply_text) == (250, "2.0.0", "Ok: queued as 4F")
    assert (record.queue_id, record.server) == ("4F", "mail.example.com:587")
    assert (record.tls_version, record.tls_cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert (fresh(mail).state, fresh(mail).lease_until) == ("sent", None)


def test_a_final_refusal_fails_the_mail_and_names_its_cause() -> None:
    mail, claim = claimed()
    finish([result(claim, REFUSED)])
    record = SendingRecord.objects.get()
    assert (record.outcome, record.fault, record.reply_code, record.queue_id) == ("refused", "reply", 550, "")
    assert record.cause
    assert fresh(mail).state == "failed"
    assert fresh(mail).finished_at is not None
    assert states_of_receivers(mail) == {"bob@example.org": "refused"}


def test_a_mail_that_some_receivers_got_is_partly_sent() -> None:
    mail, claim = claimed("a@example.org", "b@example.org")
    finish([result(claim, ACCEPTED, REFUSED)])
    assert fresh(mail).state == "partly_sent"
    assert states_of_receivers(mail) == {"a@example.org": "accepted", "b@example.org": "refused"}


def test_only_the_receivers_that_were_deferred_are_tried_again() -> None:
    mail, claim = claimed("a@example.org", "b@example.org", "c@example.org")
    finish([result(claim, ACCEPTED, DEFERRED, REFUSED)])
    assert fresh(mail).state == "retry"
    assert fresh(mail).due_at >= timezone.now() + timedelta(seconds=295)
    make_due()
    again = take(mail)
    assert [receiver.forward_path for receiver in again.receivers] == ["b@example.org"]
    finish([result(again, ACCEPTED)])
    assert fresh(mail).state == "partly_sent"
    assert outcomes_of(mail, "b@example.org") == ["deferred", "accepted"]


def test_an_account_at_fault_costs_no_attempt_and_leaves_the_mail_due() -> None:
    mail, claim = claimed()
    finish([result(claim, NOT_CONNECTED, costs_attempt=False)])
    waiting = fresh(mail)
    assert (waiting.state, waiting.attempts, waiting.due_at) == ("retry", 0, mail.due_at)
    assert outcomes(mail) == ["not_connected"]


def test_what_may_have_arrived_is_tried_again_where_policy_says_so() -> None:
    mail, claim = claimed()
    finish([result(claim, UNKNOWN)])
    assert (fresh(mail).state, states_of_receivers(mail)) == ("retry", {"bob@example.org": "pending"})


def test_what_may_have_arrived_is_left_to_a_person_where_policy_says_so(settings: Settings) -> None:
    settings.MAILBOX_UNKNOWN_POLICY = "hold"
    mail, claim = claimed("a@example.org", "b@example.org")
    finish([result(claim, UNKNOWN, DEFERRED)])
    assert states_of_receivers(mail) == {"a@example.org": "uncertain", "b@example.org": "pending"}
    make_due()
    again = take(mail)
    finish([result(again, ACCEPTED)])
    assert fresh(mail).state == "uncertain"


@pytest.mark.parametrize(("ending", "state"), [(DEFERRED, "failed"), (NOT_CONNECTED, "failed"), (UNKNOWN, "uncertain")])
def test_test_mail_is_never_tried_again(ending: Ending, state: str) -> None:
    mail, claim = claimed(kind=MailKind.TEST)
    finish([result(claim, ending)])
    assert fresh(mail).state == state


@pytest.mark.parametrize(("ending", "state"), [(DEFERRED, "cancelled"), (UNKNOWN, "uncertain"), (ACCEPTED, "sent")])
def test_a_cancel_past_the_point_of_no_return_means_no_further_try(ending: Ending, state: str) -> None:
    mail, claim = claimed()
    pass_fence(claim)
    assert cancel_mail(mail.pk) == "too_late_for_try"
    finish([result(claim, ending)])
    assert fresh(mail).state == state


def test_a_late_success_turns_a_mail_that_was_taken_back_into_a_sent_one() -> None:
    mail, claim = claimed()
    pass_fence(claim)
    end_leases()
    sweep()
    assert (fresh(mail).state, outcomes(mail)) == ("retry", ["unknown"])
    finish([result(claim, ACCEPTED)])
    assert (fresh(mail).state, outcomes(mail)) == ("sent", ["accepted"])


def test_a_late_success_also_ends_the_uncertainty_of_a_held_mail(settings: Settings) -> None:
    settings.MAILBOX_UNKNOWN_POLICY = "hold"
    mail, claim = claimed()
    pass_fence(claim)
    end_leases()
    sweep()
    assert fresh(mail).state == "uncertain"
    finish([result(claim, ACCEPTED)])
    assert (fresh(mail).state, states_of_receivers(mail)) == ("sent", {"bob@example.org": "accepted"})


def test_a_late_success_after_a_new_claim_changes_nothing_so_that_the_possible_duplicate_stays_visible() -> None:
    mail, old = claimed()
    pass_fence(old)
    end_leases()
    sweep()
    make_due()
    new = take(mail)
    finish([result(old, ACCEPTED)])
    assert (fresh(mail).state, outcomes(mail)) == ("sending", ["unknown"])
    finish([result(new, ACCEPTED)])
    assert (fresh(mail).state, outcomes(mail)) == ("sent", ["unknown", "accepted"])


def test_a_result_without_knowledge_does_not_disturb_what_the_sweep_settled() -> None:
    mail, claim = claimed()
    end_leases()
    sweep()
    swept = fresh(mail)
    finish([result(claim, Ending(Outcome.LOST))])
    assert (fresh(mail).state, fresh(mail).due_at, outcomes(mail)) == ("retry", swept.due_at, ["lost"])


def test_a_result_of_a_mail_that_was_deleted_is_let_go() -> None:
    mail, claim = claimed()
    mail.delete()
    finish([result(claim, ACCEPTED)])
    assert SendingRecord.objects.count() == 0


def test_a_list_of_results_is_settled_in_one_transaction() -> None:
    sender = make_sender()
    mails = [accept(sender), accept(sender)]
    claims = claim_due(sender.pk, 2)
    finish([result(claims[0], ACCEPTED), result(claims[1], REFUSED)])
    assert [fresh(mail).state for mail in mails] == ["sent", "failed"]


def test_settling_is_tried_again_while_the_database_fails_for_a_moment() -> None:
    mail, claim = claimed()
    failures = iter([OperationalError("the database is away")] * 2)

    def fail_twice(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and (failure := next(failures, None)):
            raise failure
        return execute(sql, *rest)

    with connection.execute_wrapper(fail_twice):
        finish([result(claim, ACCEPTED)])
    assert (fresh(mail).state, outcomes(mail)) == ("sent", ["accepted"])


def test_settling_and_sweeping_the_same_mail_at_once_end_in_a_final_state() -> None:
    mail, claim = claimed()
    pass_fence(claim)
    end_leases()
    do_at_once(sweep, lambda: finish([result(claim, ACCEPTED)]))
    assert (fresh(mail).state, outcomes(mail)) == ("sent", ["accepted"])

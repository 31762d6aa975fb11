"""Every try is added to the sums once, when it has ended, in the transaction that says how."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from django.db import connection

from delivery.acceptance import accept_mail
from delivery.engine import settle
from delivery.engine.cancel import cancel_mail
from delivery.engine.claim import claim_due, release
from delivery.engine.fence import pass_fence
from delivery.engine.settle import finish
from delivery.engine.sweep import sweep
from delivery.engine.values import Claim, Ending, Server, TryResult
from delivery.engine.written import TryRecord, open_records
from delivery.exceptions import MailNotConfiguredError
from delivery.values import Reply
from records.clock import database_now
from records.enums import Fault, Outcome, Phase
from records.rollups.folding import fold
from records.rollups.models import RollupDelta
from senders.services import delete_sender
from tests.delivery.engine.scenes import accept, end_leases, let_expire, make_due, make_sender, outcomes, take
from tests.records.sums import assert_sums_agree, read_from_sums

pytestmark = pytest.mark.django_db(transaction=True)

ACCEPTED = Ending(Outcome.ACCEPTED, Phase.DATA, reply=Reply(250, "2.0.0", "Ok: queued as 4F"))
REFUSED = Ending(Outcome.REFUSED, Phase.RCPT, Fault.REPLY, Reply(550, "5.1.1", "No such user"))
DEFERRED = Ending(Outcome.DEFERRED, Phase.RCPT, Fault.REPLY, Reply(451, "4.7.1", "Try again"))
SERVER = Server("mail.example.com", 587, "tls", "address")


def result(claim: Claim, *endings: Ending) -> TryResult:
    by_receiver = {receiver.receiver_id: ending for receiver, ending in zip(claim.receivers, endings, strict=True)}
    return TryResult(claim, by_receiver, SERVER)


def summed() -> dict[str, int]:
    """Tries by outcome."""
    found: dict[str, int] = {}
    for place, count in read_from_sums().items():
        if place[-1] == "tries":
            found[str(place[3])] = found.get(str(place[3]), 0) + count
    return found


@pytest.fixture(autouse=True, params=["at the end", "after each step"])
def _folded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each story be told twice: sums are right whenever they are folded."""
    if request.param == "after each step":
        settled = settle._finish

        def settle_and_fold(results: list[TryResult]) -> None:
            settled(results)
            fold()

        monkeypatch.setattr(settle, "_finish", settle_and_fold)


@pytest.fixture(autouse=True)
def _agreement() -> Iterator[None]:
    """Compare sums and records when the story is over, and again when all is folded."""
    yield
    assert_sums_agree()
    fold()
    assert RollupDelta.objects.count() == 0
    assert_sums_agree()


def test_sent_mail() -> None:
    sender = make_sender()
    for _number in range(3):
        accept(sender, "bob@example.org", "eve@example.org", template_name="nightly")
    finish([result(claim, ACCEPTED, ACCEPTED) for claim in claim_due(sender.pk, 10)])
    assert summed() == {"accepted": 6}


def test_a_group_of_one_account_is_one_row() -> None:
    sender = make_sender()
    for _number in range(20):
        accept(sender)
    finish([result(claim, ACCEPTED) for claim in claim_due(sender.pk, 20)])
    assert RollupDelta.objects.count() <= 2  # two where an hour goes by, none where it is folded


def test_retried_mail_and_then_sent() -> None:
    mail = accept(make_sender())
    finish([result(take(mail), DEFERRED)])
    make_due()
    finish([result(take(mail), ACCEPTED)])
    assert summed() == {"deferred": 1, "accepted": 1}


def test_receivers_that_end_differently() -> None:
    mail = accept(make_sender(), "bob@example.org", "eve@example.org", "dan@example.org")
    finish([result(take(mail), ACCEPTED, REFUSED, DEFERRED)])
    assert summed() == {"accepted": 1, "refused": 1, "deferred": 1}


def test_a_try_that_stood_as_open_counts_once_when_it_ends() -> None:
    mail = accept(make_sender())
    claim = take(mail)
    now = database_now()
    open_records([TryRecord(claim.receivers[0].receiver_id, claim.epoch, Ending(Outcome.SENDING), now, None)])
    assert summed() == {}
    finish([result(claim, ACCEPTED)])
    assert summed() == {"accepted": 1}


def test_a_claim_that_is_given_back_counts_nothing() -> None:
    mail = accept(make_sender())
    claim = take(mail)
    now = database_now()
    open_records([TryRecord(claim.receivers[0].receiver_id, claim.epoch, Ending(Outcome.SENDING), now, None)])
    release([claim])
    assert summed() == {}


def test_unknown_and_then_accepted_after_all() -> None:
    mail = accept(make_sender())
    claim = take(mail)
    assert pass_fence(claim)
    end_leases()
    sweep()
    assert summed() == {"unknown": 1}
    finish([result(claim, ACCEPTED)])
    assert outcomes(mail) == ["accepted"]
    assert summed() == {"accepted": 1}


def test_unknown_folded_before_the_truth_is_known() -> None:
    mail = accept(make_sender())
    claim = take(mail)
    assert pass_fence(claim)
    end_leases()
    sweep()
    fold()
    finish([result(claim, REFUSED)])
    assert summed() == {"refused": 1}


def test_lost_tries_and_then_sent() -> None:
    mail = accept(make_sender())
    take(mail)
    end_leases()
    sweep()
    make_due()
    finish([result(take(mail), ACCEPTED)])
    assert summed() == {"lost": 1, "accepted": 1}


def test_a_late_result_that_counts_for_nothing_is_not_summed() -> None:
    mail = accept(make_sender())
    late = take(mail)
    end_leases()
    sweep()
    make_due()
    finish([result(take(mail), ACCEPTED)])
    finish([result(late, DEFERRED)])
    assert summed() == {"lost": 1, "accepted": 1}


def test_settling_twice_as_after_a_connection_broke_at_the_commit_counts_once() -> None:
    mail = accept(make_sender())
    results = [result(take(mail), ACCEPTED)]
    finish(results)
    finish(results)
    assert summed() == {"accepted": 1}


def test_cancelled_while_it_waits() -> None:
    cancel_mail(accept(make_sender()).pk)
    assert summed() == {"skipped": 1}


def test_cancelled_in_a_worker_s_hand_with_an_open_record() -> None:
    mail = accept(make_sender())
    claim = take(mail)
    now = database_now()
    open_records([TryRecord(claim.receivers[0].receiver_id, claim.epoch, Ending(Outcome.SENDING), now, None)])
    cancel_mail(mail.pk)
    finish([result(claim, DEFERRED)])
    assert summed() == {"skipped": 1}


def test_given_up() -> None:
    mail = accept(make_sender())
    finish([result(take(mail), DEFERRED)])
    let_expire(mail)
    sweep()
    assert summed() == {"deferred": 1, "skipped": 1}


def test_mail_of_a_deleted_account() -> None:
    sender = make_sender()
    accept(sender)
    delete_sender(sender)
    sweep()
    assert summed() == {"skipped": 1}


def test_mail_that_was_refused_because_nothing_is_configured() -> None:
    with pytest.raises(MailNotConfiguredError):
        accept_mail(to=("bob@example.org", "eve@example.org"), subject="Nightly load", text="Done.\n")
    assert summed() == {"skipped": 2}


def test_tries_of_two_hours() -> None:
    sender = make_sender()
    accept(sender)
    accept(sender)
    first, second = (result(claim, ACCEPTED) for claim in claim_due(sender.pk, 2))
    finish([replace(first, began=0.0), second])
    assert summed() == {"accepted": 2}


def test_a_settlement_that_dies_before_its_commit_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    mail = accept(make_sender())
    claim = take(mail)

    def die(*_arguments: object) -> None:
        raise SystemExit

    monkeypatch.setattr(settle, "_settle_others", die)
    with pytest.raises(SystemExit):
        finish([result(claim, ACCEPTED)])
    monkeypatch.undo()
    assert summed() == {}
    end_leases()
    sweep()
    assert summed() == {"lost": 1}


def test_two_that_settle_at_once_while_it_is_folded() -> None:
    sender = make_sender()
    for _number in range(60):
        accept(sender, "bob@example.org", "eve@example.org")
    claims = claim_due(sender.pk, 60)
    assert len(claims) == 60
    halves = [claims[:30], claims[30:]]
    done = threading.Event()

    def settle_one_by_one(half: list[Claim]) -> None:
        for claim in half:
            finish([result(claim, ACCEPTED, DEFERRED)])

    def fold_meanwhile() -> None:
        while not done.is_set():
            fold()

    folding = _thread(fold_meanwhile)
    settling = [_thread(partial(settle_one_by_one, half)) for half in halves]
    for thread in settling:
        thread.join()
    done.set()
    folding.join()
    assert summed() == {"accepted": 60, "deferred": 60}


def _thread(action: Callable[[], None]) -> threading.Thread:
    def act_and_leave() -> None:
        try:
            action()
        finally:
            connection.close()

    thread = threading.Thread(target=act_and_leave)
    thread.start()
    return thread

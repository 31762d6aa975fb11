"""Keeping the claims of a living worker alive, and showing what takes long."""

import threading
import time
from collections import deque

import pytest
from django.db import connection
from pytest_django import Settings

from delivery.engine import leases
from delivery.engine.cancel import cancel_mail
from delivery.engine.claim import claim_due, release
from delivery.engine.drain import drain
from delivery.engine.groups import Group
from delivery.engine.leases import Hold, keep_alive, lease_keeper
from delivery.engine.settle import finish
from delivery.engine.sweep import sweep
from delivery.engine.values import Server, TryResult
from records.models import SendingRecord
from tests import services, smtpd
from tests.delivery.engine.scenes import accept, end_leases, fresh, lease_of, make_sender, outcomes
from tests.delivery.engine.test_settle import ACCEPTED

pytestmark = pytest.mark.django_db(transaction=True)


def held(sender_id: int, taken: float | None = None) -> Hold:
    """Claim all of a sender's mail, and hold it in a hand that nobody keeps alive but the test."""
    moment = time.monotonic() if taken is None else taken
    return Hold(tuple(claim_due(sender_id, 10)), moment, moment + 54, moment + 20, moment)


def test_a_try_that_takes_long_is_seen_as_open_and_its_record_then_says_how_it_ended(
    server: smtpd.MailServer, settings: Settings
) -> None:
    settings.MAILBOX_CLAIM_LEASE = 6.0
    sender = make_sender(server, timeout=60)
    mail = accept(sender, "a@example.org", "b@example.org")
    goes_on = threading.Event()
    seen = server.take_answer

    def wait_at_data(command: str, argument: str) -> "str | smtpd.Misbehaviour | None":
        if command == "DATA":
            goes_on.wait(60)
        return seen(command, argument)

    def release_when_seen() -> None:
        try:
            services.wait_until(lambda: outcomes(mail) == ["sending", "sending"])
        finally:
            connection.close()
            goes_on.set()

    server.take_answer = wait_at_data  # type: ignore[method-assign]
    watcher = threading.Thread(target=release_when_seen)
    watcher.start()
    drain(sender.pk)
    watcher.join()
    assert outcomes(mail) == ["accepted", "accepted"]
    for record in SendingRecord.objects.all():
        assert record.ended_at is not None
        assert record.started_at <= record.ended_at


def test_what_is_held_is_renewed_and_what_was_cancelled_is_known_to_be_gone() -> None:
    sender = make_sender()
    mail, cancelled = accept(sender), accept(sender)
    hold = held(sender.pk)
    before = lease_of(mail)
    cancel_mail(cancelled.pk)
    keep_alive([hold])
    assert lease_of(mail) > before
    assert hold.gone == {cancelled.pk}
    assert (hold.covers(mail.pk), hold.covers(cancelled.pk)) == (True, False)
    assert (outcomes(mail), outcomes(cancelled)) == (["sending"], ["skipped"])


def test_a_worker_that_gives_no_sign_of_life_loses_what_it_holds(settings: Settings) -> None:
    sender = make_sender()
    mail = accept(sender)
    hold = held(sender.pk)
    lease = lease_of(mail)
    hold.stirred -= settings.MAILBOX_MAIL_DEADLINE + settings.MAILBOX_LEASE_MARGIN + 1
    keep_alive([hold])
    assert lease_of(mail) == lease


def test_a_worker_that_was_stopped_for_longer_than_its_lease_sends_no_dot() -> None:
    sender = make_sender()
    accept(sender)
    hold = held(sender.pk, time.monotonic() - 60)
    group = Group(hold.claims, hold, deque(hold.claims))
    assert group.may_commit(group.claims[0]) is False


def test_a_lease_that_was_over_before_it_was_renewed_is_not_relied_upon() -> None:
    sender = make_sender()
    mail = accept(sender)
    hold = held(sender.pk)
    end_leases()
    keep_alive([hold])
    assert hold.covers(mail.pk) is False
    sweep()
    assert outcomes(mail) == ["lost"]


def test_an_open_record_goes_when_its_claim_is_given_back() -> None:
    sender = make_sender()
    mail = accept(sender)
    hold = held(sender.pk)
    keep_alive([hold])
    assert outcomes(mail) == ["sending"]
    assert release(hold.claims) == 1
    assert (outcomes(mail), fresh(mail).state) == ([], "queued")


def test_what_somebody_else_had_locked_is_shown_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = make_sender()
    mail = accept(sender)
    hold = held(sender.pk)
    with monkeypatch.context() as locked:
        locked.setattr(leases, "_open_records", lambda _claims, _age: set())
        keep_alive([hold])
    assert outcomes(mail) == []
    keep_alive([hold])
    assert (outcomes(mail), hold.are_shown) == (["sending"], True)


def test_what_is_settled_is_not_shown_as_open_again() -> None:
    sender = make_sender()
    mail = accept(sender)
    hold = held(sender.pk)
    finish([TryResult.alike(hold.claims[0], ACCEPTED, Server())])
    keep_alive([hold])
    assert (outcomes(mail), fresh(mail).state) == (["accepted"], "sent")


def test_a_claim_is_renewed_by_itself_until_it_is_let_go(settings: Settings) -> None:
    settings.MAILBOX_CLAIM_LEASE = 6.0
    sender = make_sender()
    mail = accept(sender)
    taken = time.monotonic()
    claims = claim_due(sender.pk, 1)
    first = lease_of(mail)
    with lease_keeper.holding(claims, taken) as hold:
        services.wait_until(lambda: lease_of(mail) > first)
        assert hold.covers(mail.pk) is True

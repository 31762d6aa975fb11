"""A server that complains of too much mail: what the mail in hand does, what the rest does, and who goes on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.engine.drain import drain
from delivery.engine.lessons import CALM
from delivery.engine.sweep import sweep
from records.clock import database_now
from records.error_book.book import ENTRIES
from records.models import Mail, SendingRecord
from senders.allowances import Window, state_of
from senders.models import Allowance, Circuit, ConnectionSlot, Sender
from tests import smtpd
from tests.delivery.engine.scenes import accept, fresh, make_due, make_sender, outcomes, states_of_receivers
from tests.scripted_smtpd import Close, Say, scripted_server

pytestmark = pytest.mark.django_db(transaction=True)
DAY_IS_OVER = "550 5.4.5 Daily user sending limit exceeded."


def loaded(sender: Sender) -> Sender:
    return Sender.objects.select_related("allowance").get(pk=sender.pk)


def let_wait_end() -> None:
    """Let the time that the server asked for have passed."""
    Allowance.objects.update(slow_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_days_quota_that_is_used_up_fails_no_mail(server: smtpd.MailServer, command: str) -> None:
    server.answer(command, DAY_IS_OVER, times=1)
    sender = make_sender(server)
    mails = [accept(sender) for _ in range(3)]
    drain(sender.pk)
    waiting = [mail for mail in mails if fresh(mail).state == "retry"]
    assert [outcomes(mail) for mail in waiting] == [["deferred"]]
    assert [(fresh(mail).attempts, fresh(mail).finished_at) for mail in waiting] == [(0, None)]
    later = accept(sender)
    assert (sweep(), drain(sender.pk), outcomes(later)) == ([], False, [])
    assert state_of(loaded(sender)).is_out_for_the_day(database_now())
    assert not Circuit.objects.exists()
    let_wait_end()
    assert sweep() == [sender.pk]
    drain(sender.pk)
    assert set(Mail.objects.values_list("state", flat=True)) == {"sent"}


def test_the_record_explains_it_as_the_accounts_quota(server: smtpd.MailServer) -> None:
    server.answer("DOT", DAY_IS_OVER)
    sender = make_sender(server)
    accept(sender)
    drain(sender.pk)
    record = SendingRecord.objects.get()
    assert (record.outcome, record.cause, record.reply_code) == ("deferred", "gmail-daily-limit", 550)


def test_a_receiver_that_is_refused_beside_the_quota_is_final(server: smtpd.MailServer) -> None:
    server.answer("RCPT", "550 5.1.1 No such user", about="nobody@")
    server.answer("RCPT", DAY_IS_OVER, about="bob@", times=1)
    sender = make_sender(server)
    mail = accept(sender, "nobody@example.org", "bob@example.org", "carol@example.org")
    drain(sender.pk)
    assert states_of_receivers(mail) == {
        "nobody@example.org": "refused",
        "bob@example.org": "pending",
        "carol@example.org": "accepted",
    }
    assert (fresh(mail).state, fresh(mail).attempts) == ("retry", 0)
    let_wait_end()
    drain(sender.pk)
    assert fresh(mail).state == "partly_sent"


@pytest.mark.parametrize("reply", ["550 5.1.1 No such user", "552 5.2.2 Mailbox full", "554 5.7.1 Spam"])
def test_other_final_replies_stay_final(server: smtpd.MailServer, reply: str) -> None:
    server.answer("DOT", reply)
    sender = make_sender(server)
    mail = accept(sender)
    drain(sender.pk)
    assert fresh(mail).state == "failed"
    assert not Allowance.objects.exists()


def test_a_rate_that_is_too_high_slows_the_account_down_and_the_rest_waits_untouched(
    server: smtpd.MailServer,
) -> None:
    server.answer("MAIL", "450 4.7.1 Error: too much mail from 127.0.0.1")
    sender = make_sender(server)
    first = accept(sender)
    drain(sender.pk)
    rest = [accept(sender) for _ in range(3)]
    make_due()
    drain(sender.pk)
    state = state_of(loaded(sender))
    assert state.slow_until is not None
    assert timedelta() < state.slow_until - timezone.now() <= CALM
    assert (outcomes(first), [outcomes(mail) for mail in rest]) == (["deferred"], [[], [], []])
    server.behave()
    let_wait_end()
    make_due()
    drain(sender.pk)
    assert server.mails != []


def test_mail_of_others_is_not_slowed_down(server: smtpd.MailServer) -> None:
    server.answer("MAIL", "450 4.7.1 Error: too much mail", about="reports@")
    slow, other = make_sender(server), make_sender(server, address="alerts@example.com")
    accept(slow)
    mail = accept(other)
    for sender in (slow, other):
        drain(sender.pk)
    assert fresh(mail).state == "sent"


def test_one_connection_too_many_leaves_the_mail_to_the_others() -> None:
    with scripted_server([Say(b"421 4.7.0 Error: too many connections from 127.0.0.1\r\n"), Close()]) as server:
        sender = make_sender(port=server.settings().port)
        mail = accept(sender)
        until = timezone.now() + timedelta(minutes=1)
        for number in range(4):
            ConnectionSlot.objects.create(sender=sender, number=number, holder=f"line {number}", lease_until=until)
        assert drain(sender.pk) is False
    assert not Circuit.objects.exists()
    assert (outcomes(mail), fresh(mail).state, fresh(mail).attempts) == ([], "queued", 0)
    assert state_of(loaded(sender)).limits.connections == 2


def test_a_server_that_refuses_the_only_connection_is_left_alone_for_a_while() -> None:
    with scripted_server([Say(b"421 4.7.0 Error: too many connections from 127.0.0.1\r\n"), Close()]) as server:
        sender = make_sender(port=server.settings().port)
        mail = accept(sender)
        drain(sender.pk)
    assert Circuit.objects.get().state == "open"
    assert (outcomes(mail), fresh(mail).attempts) == (["not_connected"], 0)


def test_what_teaches_is_told_by_the_reply_alone() -> None:
    """A lesson that hung on the step of the session would be lost on the way, and its mail tried in a rush."""
    assert [entry.key for entry in ENTRIES if entry.lesson and any(rule.phases for rule in entry.rules)] == []


def test_the_day_of_a_spent_quota_ends_at_midnight(server: smtpd.MailServer) -> None:
    server.answer("DOT", DAY_IS_OVER)
    sender = make_sender(server)
    accept(sender)
    before = database_now()
    drain(sender.pk)
    slow_until = Allowance.objects.get().slow_until
    assert slow_until is not None
    assert slow_until >= Window.DAY.end(before)

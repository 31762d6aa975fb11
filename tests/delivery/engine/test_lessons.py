"""Learning from a server's complaints: which replies teach what, how it is written down, how it is forgotten."""

from datetime import datetime, timedelta

import pytest

from delivery.engine.causes import is_of_account
from delivery.engine.lessons import CALM, learn, lesson_of
from delivery.engine.values import Server
from delivery.values import Reply
from records.clock import database_now
from records.enums import Lesson, Outcome
from records.models import SendingRecord
from senders.allowances import Window, state_of
from senders.limits import DOUBLES_EVERY, DOUBLINGS, HOLDS, limits_of
from senders.models import Allowance, ConnectionSlot, Sender
from tests.delivery.engine.scenes import accept, make_sender

TOO_MANY = Reply(421, "4.7.0", "mail.example.com Error: too many connections from 203.0.113.9")
TOO_FAST = Reply(450, "4.7.1", "Error: too much mail from 203.0.113.9")
DAY_IS_OVER = Reply(550, "5.4.5", "Daily user sending limit exceeded.")


@pytest.mark.parametrize(
    ("reply", "host", "lesson"),
    [
        (TOO_MANY, "mail.example.com", Lesson.CONNECTIONS),
        (Reply(421, "", "Too many concurrent SMTP connections"), "mail.example.com", Lesson.CONNECTIONS),
        (Reply(432, "4.3.2", "Concurrent connections limit exceeded."), "smtp.office365.com", Lesson.CONNECTIONS),
        (TOO_FAST, "mail.example.com", Lesson.RATE),
        (Reply(421, "4.7.28", "Our system has detected an unusual rate of mail"), "smtp.gmail.com", Lesson.RATE),
        (Reply(451, "4.7.500", "Server busy. Please try again later"), "smtp.office365.com", Lesson.RATE),
        (Reply(451, "", "MI:SFQ 163 smtp7,AbCdEf"), "smtp.163.com", Lesson.RATE),
        (Reply(550, "", "Sender frequency limited"), "smtp.qq.com", Lesson.RATE),
        (Reply(454, "", "Throttling failure: Maximum sending rate exceeded."), "", Lesson.RATE),
        (Reply(452, "", "Sending limit reached, retry in 10 minutes"), "mail.example.com", Lesson.RATE),
        (DAY_IS_OVER, "smtp.gmail.com", Lesson.DAY),
        (Reply(550, "5.1.90", "you've reached your daily limit for message recipients"), "", Lesson.DAY),
        (Reply(550, "5.7.1", "You have exceeded your daily sending limit."), "smtp.mail.me.com", Lesson.DAY),
        (Reply(454, "", "Throttling failure: Daily message quota exceeded."), "", Lesson.DAY),
    ],
)
def test_a_complaint_about_how_much_is_sent_teaches(reply: Reply, host: str, lesson: Lesson) -> None:
    assert lesson_of(reply, Server(host)) == lesson


@pytest.mark.parametrize(
    "reply",
    [
        Reply(250, "2.0.0", "Ok, too many connections"),
        Reply(421, "", "Service not available"),
        Reply(421, "4.4.2", "timeout exceeded"),
        Reply(450, "4.2.0", "Recipient address rejected: Greylisted"),
        Reply(450, "4.2.1", "The user you are trying to contact is receiving mail at a rate that prevents it"),
        Reply(452, "4.3.1", "Insufficient system storage"),
        Reply(452, "4.2.2", "The email account that you tried to reach is over quota"),
        Reply(550, "5.1.1", "No such user"),
        Reply(535, "5.7.8", "Authentication failed"),
    ],
    ids=str,
)
def test_any_other_reply_teaches_nothing(reply: Reply) -> None:
    assert lesson_of(reply, Server("mail.example.com")) is None


def test_a_final_reply_about_the_accounts_quota_is_not_about_the_mail() -> None:
    assert is_of_account(DAY_IS_OVER, Server("smtp.gmail.com"))
    assert is_of_account(Reply(550, "", "Sender frequency limited"), Server("smtp.qq.com"))


@pytest.mark.parametrize("reply", [Reply(550, "5.1.1", "No such user"), Reply(552, "5.2.2", "Mailbox full"), TOO_FAST])
def test_other_replies_are_about_the_mail(reply: Reply) -> None:
    assert not is_of_account(reply, Server("mail.example.com"))


def loaded(sender: Sender) -> Sender:
    return Sender.objects.select_related("allowance").get(pk=sender.pk)


def noon() -> datetime:
    return Window.DAY.begin(database_now()).replace(hour=12)


def sent_a_moment_ago(sender: Sender, count: int, now: datetime) -> None:
    mail = accept(sender, *(f"someone{number}@example.org" for number in range(count)))
    SendingRecord.objects.bulk_create(
        SendingRecord(
            mail=mail, receiver=receiver, epoch=1, sender_address=sender.address, receiver_address=receiver.address,
            outcome=Outcome.ACCEPTED, started_at=now - timedelta(seconds=20), ended_at=now,
        )
        for receiver in mail.receivers.all()
    )  # fmt: skip


@pytest.mark.django_db
def test_nothing_is_written_where_nothing_is_learned() -> None:
    sender = make_sender()
    assert learn(sender, [Reply(250, "2.0.0", "Ok"), Reply(550, "5.1.1", "No such user")], noon()) is None
    assert not Allowance.objects.exists()


@pytest.mark.django_db
def test_too_fast_means_a_pause_and_then_half_as_much_a_minute() -> None:
    sender, now = make_sender(), noon()
    sent_a_moment_ago(sender, 12, now)
    assert learn(sender, [TOO_FAST], now) == Lesson.RATE
    state = state_of(loaded(sender), now)
    assert (state.slow_until, state.limits.per_minute) == (now + CALM, 6)
    assert state.hint == str(TOO_FAST)


@pytest.mark.django_db
def test_a_server_that_says_how_long_to_wait_is_waited_for() -> None:
    sender, now = make_sender(), noon()
    learn(sender, [Reply(450, "4.7.1", "Rate limit exceeded, try again in 10 minutes")], now)
    state = state_of(loaded(sender), now)
    assert (state.slow_until, state.limits.per_minute) == (now + timedelta(minutes=10), None)


@pytest.mark.django_db
def test_the_same_complaint_from_all_mails_under_way_counts_once() -> None:
    sender, now = make_sender(per_minute=64), noon()
    sent_a_moment_ago(sender, 64, now)
    for seconds in range(20):
        learn(sender, [TOO_FAST, TOO_FAST], now + timedelta(seconds=seconds))
    assert limits_of(loaded(sender), now).per_minute == 32


@pytest.mark.django_db
def test_a_server_that_goes_on_complaining_gets_less_and_less_but_never_nothing() -> None:
    sender, now = make_sender(per_minute=8), noon()
    sent_a_moment_ago(sender, 8, now)
    rates = []
    for minutes in range(0, 10, 2):
        moment = now + timedelta(minutes=minutes)
        learn(sender, [TOO_FAST], moment)
        rates.append(limits_of(loaded(sender), moment).per_minute)
    assert rates == [4, 1, 1, 1, 1]


@pytest.mark.django_db
def test_too_many_connections_means_half_of_those_that_are_open() -> None:
    sender, now = make_sender(), noon()
    ConnectionSlot.objects.bulk_create(
        ConnectionSlot(sender=sender, number=number, holder="worker", lease_until=now + timedelta(minutes=1))
        for number in range(6)
    )
    assert learn(sender, [TOO_MANY], now) == Lesson.CONNECTIONS
    state = state_of(loaded(sender), now)
    assert (state.limits.connections, state.slow_until) == (3, None)


@pytest.mark.django_db
def test_one_connection_is_always_left() -> None:
    sender, now = make_sender(max_connections=1), noon()
    learn(sender, [TOO_MANY], now)
    assert limits_of(loaded(sender), now).connections == 1


@pytest.mark.django_db
def test_an_account_whose_day_is_over_waits_for_tomorrow() -> None:
    sender, now = make_sender(), noon()
    assert learn(sender, [TOO_FAST, DAY_IS_OVER], now) == Lesson.DAY
    state = state_of(loaded(sender), now)
    assert (state.slow_until, state.is_out_for_the_day(now)) == (Window.DAY.end(now), True)


@pytest.mark.django_db
def test_shortly_before_midnight_tomorrow_is_an_hour_away() -> None:
    sender = make_sender()
    late = Window.DAY.end(noon()) - timedelta(minutes=1)
    learn(sender, [DAY_IS_OVER], late)
    assert state_of(loaded(sender), late).slow_until == late + timedelta(hours=1)


@pytest.mark.django_db
def test_what_was_learned_is_forgotten_after_a_while() -> None:
    sender, now = make_sender(per_minute=30), noon()
    sent_a_moment_ago(sender, 8, now)
    learn(sender, [TOO_FAST], now)
    forgotten = now + HOLDS + DOUBLES_EVERY * (DOUBLINGS + 1)
    assert limits_of(loaded(sender), forgotten).per_minute == 30


@pytest.mark.django_db
def test_a_lesson_of_one_kind_does_not_renew_the_other_as_it_once_was() -> None:
    sender, now = make_sender(per_minute=64), noon()
    sent_a_moment_ago(sender, 16, now)
    learn(sender, [TOO_FAST], now)
    later = now + HOLDS
    learn(loaded(sender), [TOO_MANY], later)
    assert limits_of(loaded(sender), later).per_minute == 16


@pytest.mark.django_db
def test_the_account_in_hand_knows_at_once_what_was_learned() -> None:
    sender, now = loaded(make_sender()), noon()
    learn(sender, [TOO_FAST], now)
    assert state_of(sender, now).slow_until == now + CALM

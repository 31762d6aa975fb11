"""Stand-ins: waiting mail moves to who can send it, each hop a record, and back when its own account can again."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from delivery.acceptance import accept_mail
from delivery.engine import fallback
from delivery.engine.drain import drain
from delivery.engine.fallback import hand_over, tend
from delivery.engine.sweep import sweep
from records.clock import database_now
from records.enums import MailKind
from records.models import Content, Mail, SendingRecord
from senders.allowances import Window
from senders.enums import CircuitState
from senders.models import Allowance, Circuit, Sender
from senders.services import delete_sender, save_sender, set_default_sender
from senders.stand_ins import save_chain
from tests import smtpd
from tests.delivery.engine.scenes import NOWHERE, accept, fresh, make_due, make_probe_due, make_sender, outcomes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other_server() -> Iterator[smtpd.MailServer]:
    """A second server, where the original account sends."""
    with smtpd.mail_server() as running:
        yield running


@pytest.fixture
def stand_in(server: smtpd.MailServer) -> Sender:
    return make_sender(server, address="alerts@example.com", display_name="Alerts")


def break_down(sender: Sender, *, failures: int = 2, state: CircuitState = CircuitState.OPEN) -> None:
    """Let the account's circuit be as after so many failed sessions."""
    now = timezone.now()
    values = {"state": state, "failures": failures, "opened_at": now, "probe_at": now + timedelta(hours=1)}
    Circuit.objects.update_or_create(pk=sender.pk, defaults=values)


def deliver_all() -> None:
    """Let sweeps and workers do their work until nothing is due."""
    while due := sweep():
        for sender_id in due:
            drain(sender_id)


def skip_reasons(mail: Mail) -> list[str]:
    return list(SendingRecord.objects.filter(mail=mail).order_by("epoch").values_list("skip_reason", flat=True))


def test_mail_of_an_account_that_is_not_reachable_goes_out_through_its_stand_in(
    server: smtpd.MailServer, stand_in: Sender
) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    mail = accept(original, subject="Nightly load")
    drain(original.pk)
    assert sweep() == []  # one failure is not enough: the server may be back for the first probe
    make_probe_due()
    drain(original.pk)
    deliver_all()
    [received] = server.mails
    assert received.reverse_path == "alerts@example.com"
    assert received.message["From"] == "Alerts <alerts@example.com>"
    assert received.message["Reply-To"] == "reports@example.com"
    assert received.message["Message-ID"] == mail.message_id
    assert received.message["Subject"] == "Nightly load"
    sent = fresh(mail)
    assert (sent.state, sent.sender_id, sent.stands_in_for_id) == ("sent", stand_in.pk, original.pk)


def test_every_hop_is_a_record_of_every_receiver(stand_in: Sender) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    mail = accept(original, "bob@example.org", "carol@example.org")
    break_down(original)
    assert hand_over(original.pk, database_now()) == 1
    records = SendingRecord.objects.filter(mail=mail).order_by("pk")
    assert [(one.outcome, one.skip_reason, one.cause, one.sender_address) for one in records] == [
        ("skipped", "handed_over", "skipped-handed_over", "reports@example.com")
    ] * 2
    assert [one.receiver_address for one in records] == ["bob@example.org", "carol@example.org"]
    assert (fresh(mail).state, fresh(mail).attempts, fresh(mail).finished_at) == ("queued", 0, None)


def test_a_refused_sign_in_is_stood_in_for_at_once(stand_in: Sender, server: smtpd.MailServer) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    accept(original)
    break_down(original, failures=1, state=CircuitState.REFUSED)
    deliver_all()
    assert len(server.mails) == 1


def test_an_account_without_stand_ins_keeps_its_mail(stand_in: Sender) -> None:
    original = make_sender()
    mail = accept(original)
    break_down(original)
    assert hand_over(original.pk, database_now()) == 0
    assert fresh(mail).sender_id == original.pk


def test_an_account_that_works_keeps_its_mail(server: smtpd.MailServer, stand_in: Sender) -> None:
    original = make_sender(server)
    save_chain(original, [stand_in])
    mail = accept(original)
    assert hand_over(original.pk, database_now()) == 0
    assert fresh(mail).sender_id == original.pk


def test_the_first_of_the_chain_that_can_send_takes_over(stand_in: Sender, server: smtpd.MailServer) -> None:
    original = make_sender()
    disabled = make_sender(server, address="one@example.com", is_enabled=False)
    broken = make_sender(server, address="two@example.com")
    paused = make_sender(server, address="three@example.com")
    spent = make_sender(server, address="four@example.com", per_day=1)
    last = make_sender(server, address="five@example.com")
    break_down(broken, failures=1)
    Sender.objects.filter(pk=paused.pk).update(paused_at=timezone.now())
    Allowance.objects.create(sender=spent, day_began=Window.DAY.begin(database_now()), day_used=1)
    save_chain(original, [disabled, broken, paused, spent, stand_in, last])
    mail = accept(original)
    break_down(original)
    hand_over(original.pk, database_now())
    assert fresh(mail).sender_id == stand_in.pk


def test_two_accounts_that_stand_in_for_each_other_and_are_both_down_keep_their_mail() -> None:
    one, other = make_sender(), make_sender(address="alerts@example.com")
    save_chain(one, [other])
    save_chain(other, [one])
    mails = [accept(one), accept(other)]
    break_down(one)
    break_down(other)
    tend()
    assert [fresh(mail).sender_id for mail in mails] == [one.pk, other.pk]
    assert [outcomes(mail) for mail in mails] == [[], []]


def test_chains_are_not_followed_into_each_other(server: smtpd.MailServer, stand_in: Sender) -> None:
    first, second = make_sender(), make_sender(address="second@example.com")
    save_chain(first, [second])
    save_chain(second, [stand_in])
    mail = accept(first)
    break_down(first)
    break_down(second)
    tend()
    assert fresh(mail).sender_id == first.pk


def test_waiting_mail_goes_back_when_its_account_works_again(
    server: smtpd.MailServer, other_server: smtpd.MailServer, stand_in: Sender
) -> None:
    original = make_sender(other_server)
    save_chain(original, [stand_in])
    mail = accept(original)
    break_down(original)
    tend()
    Circuit.objects.filter(pk=original.pk).update(state=CircuitState.CLOSED)
    deliver_all()
    [received] = other_server.mails
    assert (received.message["From"], received.reverse_path) == (f"Reports <{original.address}>", original.address)
    assert server.mails == []
    assert skip_reasons(mail) == ["handed_over", "handed_back", ""]
    assert fresh(mail).stands_in_for_id is None


def test_an_account_that_is_stood_in_for_is_probed_without_mail_and_then_gets_the_new_mail(
    server: smtpd.MailServer, other_server: smtpd.MailServer, stand_in: Sender
) -> None:
    original = make_sender(other_server)
    save_chain(original, [stand_in])
    accept(original)
    break_down(original)
    deliver_all()
    assert sweep() == []
    make_probe_due()
    assert sweep() == [original.pk]
    drain(original.pk)
    assert Circuit.objects.get(pk=original.pk).state == "closed"
    accept(original)
    deliver_all()
    assert (len(server.mails), len(other_server.mails)) == (1, 1)


def test_new_mail_of_an_account_that_is_down_need_not_wait_for_a_sweep(
    server: smtpd.MailServer, stand_in: Sender
) -> None:
    down, spent = make_sender(), make_sender(address="daily@example.com", per_day=1)
    break_down(down)
    Allowance.objects.create(sender=spent, day_began=Window.DAY.begin(database_now()), day_used=1)
    for original in (down, spent):
        save_chain(original, [stand_in])
        mail = accept(original)
        drain(original.pk)
        assert fresh(mail).sender_id == stand_in.pk


def test_an_account_without_a_chain_is_not_probed_without_mail() -> None:
    break_down(make_sender())
    make_probe_due()
    assert sweep() == []


def test_when_the_stand_in_fails_too_the_next_one_takes_over(server: smtpd.MailServer, stand_in: Sender) -> None:
    original, first = make_sender(), make_sender(address="first@example.com")
    save_chain(original, [first, stand_in])
    mail = accept(original)
    break_down(original)
    tend()
    assert fresh(mail).sender_id == first.pk
    break_down(first)
    deliver_all()
    [received] = server.mails
    assert received.message["From"] == "Alerts <alerts@example.com>"
    assert received.message["Reply-To"] == "reports@example.com"
    assert fresh(mail).stands_in_for_id == original.pk
    assert skip_reasons(mail) == ["handed_over", "handed_over", ""]


def test_when_no_stand_in_is_left_mail_waits_at_its_own_account(stand_in: Sender) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    mail = accept(original)
    break_down(original)
    tend()
    break_down(stand_in)
    tend()
    waiting = fresh(mail)
    assert (waiting.sender_id, waiting.stands_in_for_id, waiting.sender_address) == (
        original.pk,
        None,
        "reports@example.com",
    )


def test_mail_of_a_stand_in_that_is_deleted_goes_back_and_does_not_end(stand_in: Sender) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    mail = accept(original)
    break_down(original)
    tend()
    delete_sender(stand_in)
    sweep()
    assert (fresh(mail).state, fresh(mail).sender_id) == ("queued", original.pk)


def test_mail_of_a_stand_in_that_is_disabled_does_not_get_stuck(stand_in: Sender, server: smtpd.MailServer) -> None:
    original, other = make_sender(), make_sender(server, address="other@example.com")
    save_chain(original, [stand_in, other])
    mail = accept(original)
    break_down(original)
    tend()
    Sender.objects.filter(pk=stand_in.pk).update(is_enabled=False)
    tend()
    assert fresh(mail).sender_id == other.pk


def test_what_a_person_decided_is_not_worked_around(stand_in: Sender) -> None:
    disabled, paused = make_sender(), make_sender(address="paused@example.com")
    for sender in (disabled, paused):
        save_chain(sender, [stand_in])
    mails = [accept(disabled), accept(paused)]
    Sender.objects.filter(pk=disabled.pk).update(is_enabled=False)
    Sender.objects.filter(pk=paused.pk).update(paused_at=timezone.now())
    for sender in (disabled, paused):
        break_down(sender)
    tend()
    assert [fresh(mail).sender_id for mail in mails] == [disabled.pk, paused.pk]


def test_a_refused_receiver_is_no_reason_to_change_the_sender(
    server: smtpd.MailServer, other_server: smtpd.MailServer, stand_in: Sender
) -> None:
    other_server.answer("RCPT", "550 5.1.1 No such user")
    original = make_sender(other_server)
    save_chain(original, [stand_in])
    mail = accept(original)
    deliver_all()
    assert (fresh(mail).state, fresh(mail).sender_id, server.mails) == ("failed", original.pk, [])


def test_a_short_wait_for_a_limit_is_waited_for_and_a_day_that_is_over_is_not(
    server: smtpd.MailServer, other_server: smtpd.MailServer, stand_in: Sender
) -> None:
    hourly = make_sender(other_server, per_minute=1)
    daily = make_sender(other_server, address="daily@example.com", per_day=1)
    mails = []
    now = database_now()
    for sender in (hourly, daily):
        save_chain(sender, [stand_in])
        Allowance.objects.create(
            sender=sender, minute_began=Window.MINUTE.begin(now), minute_used=1, day_began=Window.DAY.begin(now),
            day_used=1,
        )  # fmt: skip
        mails.append(accept(sender))
    tend(now)
    assert [fresh(mail).sender_id for mail in mails] == [hourly.pk, stand_in.pk]


def test_mail_that_named_no_account_goes_to_the_stand_ins_of_the_default(
    server: smtpd.MailServer, stand_in: Sender
) -> None:
    default = make_sender()
    set_default_sender(default)
    own = make_sender(server, address="own@example.com")
    save_chain(default, [own])
    save_chain(None, [stand_in])
    unnamed = accept_mail(to=["bob@example.org"], subject="Nightly load", text="Done.\n")
    named = accept(default)
    break_down(default)
    tend()
    assert [fresh(mail).sender_id for mail in (unnamed, named)] == [stand_in.pk, own.pk]


def test_the_default_without_stand_ins_of_the_default_uses_its_own(stand_in: Sender) -> None:
    default = make_sender()
    set_default_sender(default)
    save_chain(default, [stand_in])
    mail = accept_mail(to=["bob@example.org"], subject="Nightly load", text="Done.\n")
    break_down(default)
    tend()
    assert fresh(mail).sender_id == stand_in.pk


def test_the_chain_of_the_default_is_not_for_mail_that_named_the_account(stand_in: Sender) -> None:
    default = make_sender()
    set_default_sender(default)
    save_chain(None, [stand_in])
    mail = accept(default)
    break_down(default)
    tend()
    assert fresh(mail).sender_id == default.pk


def test_test_mail_is_never_handed_over(stand_in: Sender) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    mail = accept(original, kind=MailKind.TEST)
    break_down(original)
    tend()
    assert fresh(mail).sender_id == original.pk


def test_mail_that_a_worker_has_in_hand_or_that_is_over_stays(stand_in: Sender) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    sending, sent = accept(original), accept(original)
    Mail.objects.filter(pk=sending.pk).update(state="sending", lease_until=timezone.now() + timedelta(hours=1))
    Mail.objects.filter(pk=sent.pk).update(state="sent", finished_at=timezone.now())
    break_down(original)
    tend()
    assert [fresh(mail).sender_id for mail in (sending, sent)] == [original.pk, original.pk]


def test_mail_that_is_to_be_tried_later_keeps_its_time_and_its_tries(stand_in: Sender) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    mail = accept(original)
    due_at = timezone.now() + timedelta(minutes=7)
    Mail.objects.filter(pk=mail.pk).update(state="retry", attempts=3, due_at=due_at)
    break_down(original)
    tend()
    moved = fresh(mail)
    assert (moved.sender_id, moved.state, moved.attempts, moved.due_at) == (stand_in.pk, "retry", 3, due_at)


def test_a_claim_that_is_handed_over_meanwhile_passes_no_fence(stand_in: Sender) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    mail = accept(original)
    break_down(original)
    tend()
    assert fresh(mail).epoch == mail.epoch + 1


def test_more_mail_than_one_batch_moves_in_batches(
    stand_in: Sender, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(fallback, "BATCH", 10)
    original = make_sender()
    save_chain(original, [stand_in])
    for _ in range(25):
        accept(original)
    break_down(original)
    with django_assert_max_num_queries(60):
        assert hand_over(original.pk, database_now()) == 25
    assert Mail.objects.filter(sender=stand_in, stands_in_for=original).count() == 25


def test_a_mail_that_cannot_be_readdressed_stays_and_does_not_hold_up_the_others(stand_in: Sender) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    odd, usual = accept(original), accept(original)
    Content.objects.filter(pk=odd.pk).update(head=b"From: x\r\nX-Odd: a\nb\r\n")
    break_down(original)
    assert hand_over(original.pk, database_now()) == 1
    assert [fresh(mail).sender_id for mail in (odd, usual)] == [original.pk, stand_in.pk]


def test_an_address_outside_ascii_asks_the_server_for_smtputf8(server: smtpd.MailServer) -> None:
    original, stand_in = make_sender(), make_sender(server, address="warnungen-ü@example.com")
    save_chain(original, [stand_in])
    mail = accept(original)
    break_down(original)
    tend()
    assert fresh(mail).needs_smtputf8


def test_nothing_to_stand_in_for_costs_a_sweep_few_queries(
    stand_in: Sender, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    accept(make_sender())
    with django_assert_max_num_queries(4):
        assert tend() == 0


def test_an_edit_that_mends_the_account_brings_its_mail_back(
    server: smtpd.MailServer, other_server: smtpd.MailServer, stand_in: Sender
) -> None:
    original = make_sender()
    save_chain(original, [stand_in])
    mail = accept(original)
    make_due()
    break_down(original)
    tend()
    original.refresh_from_db()
    assert original.port == NOWHERE
    original.port = other_server.port
    save_sender(original)
    deliver_all()
    assert (len(other_server.mails), server.mails) == (1, [])
    assert fresh(mail).sender_id == original.pk

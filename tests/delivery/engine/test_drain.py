"""A worker's turn at a sender's mail, against a real mail server."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from delivery.engine.cancel import cancel_mail
from delivery.engine.claim import claim_due
from delivery.engine.drain import drain
from delivery.values import Attachment
from records.clock import database_now
from records.enums import MailKind
from records.models import Content, Mail, SendingRecord
from senders.enums import CircuitState, Encryption, LoginMethod
from senders.models import Circuit, Sender
from tests import services, smtpd
from tests.delivery.engine.scenes import (
    accept,
    copies,
    do_once_at,
    fresh,
    lease_of,
    make_due,
    make_sender,
    outcomes,
    outcomes_of,
    states_of_receivers,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_accepted_mail_is_sent_and_its_record_tells_how(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    mail = accept(sender, template_name="load", accessed_resource="/tasks/7", requester_ip="192.0.2.7")
    assert drain(sender.pk) is False
    [received] = server.mails
    assert (received.reverse_path, received.forward_paths) == ("reports@example.com", ("bob@example.org",))
    assert received.message["Message-ID"] == mail.message_id
    record = SendingRecord.objects.get()
    assert (record.outcome, record.phase, record.reply_code) == ("accepted", "data", 250)
    assert (record.sender_address, record.receiver_address) == ("reports@example.com", "bob@example.org")
    assert (record.template_name, record.accessed_resource, record.requester_ip) == ("load", "/tasks/7", "192.0.2.7")
    assert (record.queue_id, record.server) == ("000000000001", f"127.0.0.1:{server.port}")
    assert record.ended_at is not None
    assert record.started_at <= record.ended_at
    assert fresh(mail).state == "sent"
    assert fresh(mail).finished_at is not None
    assert states_of_receivers(mail) == {"bob@example.org": "accepted"}


def test_an_account_that_signs_in_under_tls_sends_and_its_record_names_the_protection() -> None:
    with smtpd.mail_server(Encryption.TLS, users={"reports@example.com": "canary pässword"}) as server:
        sender = make_sender(server, login_method=LoginMethod.ADDRESS, password="canary pässword")
        accept(sender)
        drain(sender.pk)
        assert [(mail.login, mail.encrypted) for mail in server.mails] == [("reports@example.com", True)]
    record = SendingRecord.objects.get()
    assert record.outcome == "accepted"
    assert record.tls_version == "TLSv1.3"
    assert record.tls_cipher


def test_many_mails_go_over_one_connection(server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_GROUP_SIZE = 2
    sender = make_sender(server)
    mails = [accept(sender, f"r{number}@example.org") for number in range(5)]
    drain(sender.pk)
    assert [received.forward_paths for received in server.mails] == [(f"r{number}@example.org",) for number in range(5)]
    assert server.connections == 1
    assert [outcomes(mail) for mail in mails] == [["accepted"]] * 5


def test_the_connection_is_kept_for_the_next_turn(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    for _ in range(2):
        accept(sender)
        drain(sender.pk)
    assert (len(server.mails), server.connections) == (2, 1)


def test_an_idle_connection_is_ended_with_quit(server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_IDLE_SECONDS = 0.05
    sender = make_sender(server)
    accept(sender)
    drain(sender.pk)
    server.wait_for_command("QUIT")
    accept(sender)
    drain(sender.pk)
    assert (len(server.mails), server.connections) == (2, 2)


def test_an_edited_account_gets_a_new_connection(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    accept(sender)
    drain(sender.pk)
    Sender.objects.update(ehlo_name="mailer.example.com")
    accept(sender)
    drain(sender.pk)
    assert (len(server.mails), server.connections) == (2, 2)


def test_a_kept_connection_that_the_server_ended_costs_the_mail_nothing(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    accept(sender)
    drain(sender.pk)
    server.answer("MAIL", "421 4.3.2 Too many mails over this connection", times=1)
    mail = accept(sender)
    drain(sender.pk)
    assert (len(server.mails), server.connections) == (2, 2)
    assert outcomes(mail) == ["accepted"]
    assert not Circuit.objects.exists()


def test_the_bytes_and_the_message_id_are_the_same_in_every_try(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    server.answer("DOT", smtpd.Misbehaviour.TAKE_AND_DROP, times=1)
    mail = accept(sender, "bücher@example.org", attachments=[Attachment("load.csv", b"a;b\r\n")], html="<p>Done.</p>")
    drain(sender.pk)
    assert (outcomes(mail), fresh(mail).state) == (["unknown"], "retry")
    make_due()
    drain(sender.pk)
    first, second = server.mails
    assert first.mime == second.mime
    assert set(copies(server)) == {(mail.message_id, "bücher@example.org")}
    assert outcomes(mail) == ["unknown", "accepted"]


def test_each_receiver_has_its_own_outcome(server: smtpd.MailServer) -> None:
    server.answer("RCPT", "550 5.1.1 No such user", about="gone@")
    server.answer("RCPT", "450 4.2.1 Mailbox busy", about="busy@", times=1)
    sender = make_sender(server)
    mail = accept(sender, "gone@example.org", "busy@example.org", "bob@example.org")
    drain(sender.pk)
    assert fresh(mail).state == "retry"
    make_due()
    drain(sender.pk)
    assert [received.forward_paths for received in server.mails] == [("bob@example.org",), ("busy@example.org",)]
    assert outcomes_of(mail, "gone@example.org") == ["refused"]
    assert outcomes_of(mail, "busy@example.org") == ["deferred", "accepted"]
    assert outcomes_of(mail, "bob@example.org") == ["accepted"]
    assert fresh(mail).state == "partly_sent"
    refused = SendingRecord.objects.get(receiver_address="gone@example.org")
    assert (refused.phase, refused.fault, refused.reply_code, refused.enhanced_status) == (
        "rcpt",
        "reply",
        550,
        "5.1.1",
    )


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_transient_reply_defers_the_mail_and_a_permanent_one_fails_it(server: smtpd.MailServer, command: str) -> None:
    sender = make_sender(server)
    server.answer(command, "451 4.3.0 Try again in 10 minutes", times=1)
    mail = accept(sender)
    drain(sender.pk)
    assert (outcomes(mail), fresh(mail).state, fresh(mail).attempts) == (["deferred"], "retry", 1)
    assert fresh(mail).due_at >= timezone.now() + timedelta(minutes=9)
    server.answer(command, "554 5.7.1 Rejected", times=1)
    make_due()
    drain(sender.pk)
    assert (outcomes(mail), fresh(mail).state) == (["deferred", "refused"], "failed")
    assert not Circuit.objects.exists()
    assert server.mails == []


def test_the_mails_behind_a_refused_one_are_sent(server: smtpd.MailServer) -> None:
    server.answer("RCPT", "550 5.1.1 No such user", about="gone@")
    sender = make_sender(server)
    mails = [accept(sender, "gone@example.org"), accept(sender), accept(sender)]
    drain(sender.pk)
    assert [fresh(mail).state for mail in mails] == ["failed", "sent", "sent"]
    assert server.connections == 1


def test_test_mail_is_tried_once(server: smtpd.MailServer) -> None:
    server.answer("RCPT", "450 4.2.1 Mailbox busy")
    mail = accept(make_sender(server), kind=MailKind.TEST)
    drain(mail.sender_id or 0)
    assert (outcomes(mail), fresh(mail).state) == (["deferred"], "failed")


def test_a_mail_that_makes_the_server_hang_up_does_not_stop_the_others(server: smtpd.MailServer) -> None:
    server.answer("RCPT", smtpd.Misbehaviour.DROP, about="poison@")
    sender = make_sender(server)
    mails = [accept(sender, "poison@example.org"), accept(sender), accept(sender)]
    drain(sender.pk)
    assert [fresh(mail).state for mail in mails] == ["retry", "sent", "sent"]
    record = SendingRecord.objects.get(mail=mails[0])
    assert (record.outcome, record.phase, record.fault) == ("deferred", "rcpt", "disconnected")
    assert not Circuit.objects.exists()


def test_a_server_that_hangs_up_on_mail_after_mail_is_left_alone(server: smtpd.MailServer) -> None:
    server.answer("RCPT", smtpd.Misbehaviour.DROP)
    sender = make_sender(server)
    mails = [accept(sender) for _ in range(5)]
    drain(sender.pk)
    assert [outcomes(mail) for mail in mails] == [["deferred"], ["deferred"], *[["not_connected"]] * 3]
    assert Circuit.objects.get().state == CircuitState.OPEN
    assert server.connections == 3


def test_a_mail_cancelled_while_its_content_is_sent_is_not_delivered(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    mail = accept(sender)
    answers: list[str] = []
    seen = server.take_answer

    def cancel() -> None:
        answers.append(cancel_mail(mail.pk))
        connection.close()

    def cancel_at_data(command: str, argument: str) -> "str | smtpd.Misbehaviour | None":
        if command == "DATA":
            canceller = threading.Thread(target=cancel)
            canceller.start()
            canceller.join()
        return seen(command, argument)

    server.take_answer = cancel_at_data  # type: ignore[method-assign]
    drain(sender.pk)
    assert answers == ["cancelled"]
    assert server.mails == []
    assert (fresh(mail).state, outcomes(mail)) == ("cancelled", ["skipped"])


def test_a_disabled_account_sends_nothing(server: smtpd.MailServer) -> None:
    mail = accept(make_sender(server))
    Sender.objects.update(is_enabled=False)
    drain(mail.sender_id or 0)
    assert (server.connections, fresh(mail).state) == (0, "queued")


def test_a_deleted_account_is_no_error(server: smtpd.MailServer) -> None:
    assert drain(4711) is False


def test_a_mail_without_content_fails_instead_of_going_round_for_ever(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    mail = accept(sender)
    Content.objects.all().delete()
    drain(sender.pk)
    assert (fresh(mail).state, outcomes(mail)) == ("failed", ["refused"])


def test_a_turn_ends_in_time_for_other_senders_and_asks_to_come_back(
    server: smtpd.MailServer, settings: Settings
) -> None:
    settings.MAILBOX_DRAIN_SECONDS = -1.0
    sender = make_sender(server)
    accept(sender)
    assert drain(sender.pk) is True


def test_stopping_ends_after_the_mail_in_hand_and_gives_the_others_back(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    mails = [accept(sender) for _ in range(3)]
    drain(sender.pk, is_stopping=lambda: len(server.mails) == 1)
    assert [fresh(mail).state for mail in mails] == ["sent", "queued", "queued"]
    assert [fresh(mail).attempts for mail in mails] == [1, 0, 0]
    assert [outcomes(mail) for mail in mails] == [["accepted"], [], []]
    drain(sender.pk)
    assert [fresh(mail).state for mail in mails] == ["sent", "sent", "sent"]


def test_several_turns_at_once_send_every_mail_once_and_leave_nothing(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    for _ in range(20):
        accept(sender)

    def work() -> None:
        try:
            drain(sender.pk)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(Mail.objects.values_list("state", flat=True)) == {"sent"}
    assert set(copies(server).values()) == {1}
    assert len(server.mails) == 20


def test_leases_are_renewed_while_a_slow_server_takes_its_time(server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_CLAIM_LEASE = 4.5
    sender = make_sender(server, timeout=60)
    mails = [accept(sender), accept(sender)]

    def wait_until_the_first_lease_would_be_over() -> None:
        over = lease_of(mails[0])
        services.wait_until(lambda: database_now() > over)
        connection.close()

    do_once_at(server, "DATA", wait_until_the_first_lease_would_be_over)
    drain(sender.pk)
    assert [outcomes(mail) for mail in mails] == [["accepted"], ["accepted"]]


def test_a_claim_of_a_dead_worker_is_not_in_the_way_of_others(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    held, free = accept(sender), accept(sender)
    claim_due(sender.pk, 1)
    drain(sender.pk)
    assert (fresh(held).state, fresh(free).state) == ("sending", "sent")


def test_an_address_that_no_rule_allows_any_more_holds_up_nobody_else(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    odd, even = accept(sender), accept(sender)
    odd.receivers.update(address="bob@exam ple\N{COMBINING ENCLOSING KEYCAP}.org")
    drain(sender.pk)
    assert (fresh(odd).state, fresh(even).state) == ("failed", "sent")

"""A check against a real mail server: what it tells, and what it leaves in the database."""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from delivery.check.events import CheckEvent, CheckResult, ContentSent, Verdict
from delivery.check.order import CheckOrder, order_check
from delivery.check.running import start_check
from delivery.check.slots import SLOTS, TooManyChecksError
from delivery.engine.sweep import sweep
from delivery.values import StepEvent
from records.enums import Fault, MailKind, MailState, Outcome, Phase, ReceiverState
from records.models import Mail, SendingRecord
from senders.enums import CircuitState, Encryption
from senders.models import Circuit, Sender
from senders.services import save_sender
from tests import smtpd
from tests.scripted_smtpd import Drip, Say, scripted_server
from tests.services import AT_ONCE

CANARY = "canary-7Qx!密码-pw"
ADDRESS = "noreply@acme.test"
CONTENT = "Congratulation! Your mail server is configured successfully."

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[smtpd.MailServer]:
    with smtpd.mail_server(Encryption.TLS, users={ADDRESS: CANARY}) as running:
        yield running


def account(server: smtpd.MailServer, **changes: object) -> Sender:
    values: dict[str, object] = {
        "address": ADDRESS,
        "display_name": "Acme",
        "host": server.host,
        "port": server.port,
        "encryption": server.encryption.value,
        "login_method": "address" if server.users else "none",
        "trusted_certificates": "" if server.encryption is Encryption.NONE else smtpd.authority_pem(),
    }
    return Sender(**{**values, **changes})


def order(sender: Sender, password: str = CANARY, *, saved: bool = False, by: str = "ann") -> CheckOrder:
    return order_check(
        sender, password, "me@acme.test", tests_saved_values=saved, requested_by=by, requester_ip="127.0.0.1"
    )


def run(what: CheckOrder) -> tuple[list[CheckEvent], Verdict]:
    events = list(start_check(what))
    verdict = events[-1]
    assert isinstance(verdict, Verdict)
    return events, verdict


def test_right_settings_pass_and_the_test_mail_arrives(server: smtpd.MailServer) -> None:
    _events, verdict = run(order(account(server)))

    (mail,) = server.wait_for(1)
    assert verdict.result is CheckResult.PASSED
    assert (mail.reverse_path, mail.forward_paths) == (ADDRESS, ("me@acme.test",))
    assert mail.encrypted
    assert mail.login == ADDRESS


def test_the_content_is_the_sentence_as_text_and_as_html(server: smtpd.MailServer) -> None:
    run(order(account(server)))

    (mail,) = server.wait_for(1)
    text, html = mail.message.get_body(("plain",)), mail.message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().strip() == CONTENT
    assert html.get_content().strip() == f"<p>{CONTENT}</p>"


def test_the_test_is_a_mail_and_a_record_like_any_other(server: smtpd.MailServer) -> None:
    _events, verdict = run(order(account(server)))

    mail = Mail.objects.get()
    record = SendingRecord.objects.get()
    assert mail.pk == verdict.mail_id
    assert (mail.kind, mail.state, mail.attempts, mail.requested_by) == (MailKind.TEST, MailState.SENT, 1, "ann")
    assert (record.outcome, record.kind, record.receiver_address) == (Outcome.ACCEPTED, MailKind.TEST, "me@acme.test")
    assert (record.requester_ip, record.sender_address) == ("127.0.0.1", ADDRESS)
    assert record.queue_id == "000000000001"
    assert record.tls_version.startswith("TLSv1.")
    assert record.server == f"127.0.0.1:{server.port}"
    assert record.ended_at is not None


def test_the_steps_are_told_in_order_and_the_verdict_comes_last(server: smtpd.MailServer) -> None:
    events, _verdict = run(order(account(server)))

    ended = [event.phase for event in events if isinstance(event, StepEvent) and event.status == "done"]
    assert ended == [
        Phase.RESOLVE,
        Phase.CONNECT,
        Phase.GREETING,
        Phase.TLS,
        Phase.GREETING,
        Phase.AUTH,
        Phase.MAIL,
        Phase.RCPT,
        Phase.DATA,
    ]
    assert [type(event) for event in events].count(ContentSent) == 1
    assert [isinstance(event, Verdict) for event in events].index(True) == len(events) - 1


@pytest.mark.parametrize(("awaited", "is_committed"), [("MAIL", False), ("DOT", True)])
def test_the_record_is_open_before_the_dialogue_and_committed_before_the_dot(awaited: str, is_committed: bool) -> None:
    with smtpd.mail_server(Encryption.TLS, users={ADDRESS: CANARY}) as server:
        server.answer(awaited, smtpd.Misbehaviour.HANG)
        events = start_check(order(account(server)))
        server.wait_for_command(awaited)

        record = SendingRecord.objects.select_related("mail").get()
        assert record.outcome == Outcome.SENDING
        assert (record.mail.committed_epoch == record.mail.epoch) is is_committed

    assert isinstance(list(events)[-1], Verdict)


def test_a_wrong_password_fails_once_with_the_servers_words(server: smtpd.MailServer) -> None:
    _events, verdict = run(order(account(server), "wrong-canary"))

    record = SendingRecord.objects.get()
    assert verdict.result is CheckResult.FAILED
    assert verdict.failure is not None
    assert (verdict.failure.phase, verdict.failure.fault, verdict.failure.reply_code) == (Phase.AUTH, Fault.REPLY, 535)
    assert (record.outcome, record.phase, record.reply_code) == (Outcome.NOT_CONNECTED, Phase.AUTH, 535)
    assert record.cause != ""
    assert server.commands.count("AUTH") == 1


def test_a_test_mail_that_failed_is_never_tried_again(server: smtpd.MailServer) -> None:
    server.answer("RCPT", "450 4.2.1 Greylisted")
    run(order(account(server)))

    mail = Mail.objects.get()
    sweep()
    mail.refresh_from_db()
    assert mail.state == MailState.FAILED
    assert mail.receivers.get().state == ReceiverState.REFUSED
    assert SendingRecord.objects.get().outcome == Outcome.DEFERRED


def test_a_refused_receiver_fails_the_check(server: smtpd.MailServer) -> None:
    server.answer("RCPT", "550 5.1.1 No such user")
    _events, verdict = run(order(account(server)))

    assert verdict.failure is not None
    assert (verdict.failure.phase, verdict.failure.reply_code) == (Phase.RCPT, 550)
    assert SendingRecord.objects.get().outcome == Outcome.REFUSED


def test_an_untrusted_certificate_brings_the_chain_to_compare(server: smtpd.MailServer) -> None:
    _events, verdict = run(order(account(server, trusted_certificates="")))

    assert verdict.failure is not None
    assert verdict.failure.phase is Phase.TLS
    assert verdict.certificates
    assert verdict.certificates[0].fingerprint_sha256.count(":") == 31


def test_no_answer_after_the_dot_is_uncertain_and_recorded_so(server: smtpd.MailServer) -> None:
    server.answer("DOT", smtpd.Misbehaviour.TAKE_AND_DROP)
    _events, verdict = run(order(account(server)))

    assert verdict.result is CheckResult.UNCERTAIN
    assert SendingRecord.objects.get().outcome == Outcome.UNKNOWN
    assert Mail.objects.get().state == MailState.UNCERTAIN


def test_a_silent_server_ends_the_check_at_the_limit_of_a_step(server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_CHECK_STEP_SECONDS = 2
    server.answer("MAIL", smtpd.Misbehaviour.HANG)
    _events, verdict = run(order(account(server)))

    assert verdict.failure is not None
    assert (verdict.failure.phase, verdict.failure.fault) == (Phase.MAIL, Fault.TIMEOUT)


def test_a_patient_account_does_not_make_the_check_patient(server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_CHECK_STEP_SECONDS = 7

    assert order(account(server, timeout=300)).settings.timeout == 7
    assert order(account(server, timeout=3)).settings.timeout == 3


def test_the_check_ends_within_its_time_in_all(server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_CHECK_SECONDS = 3
    server.answer("DATA", smtpd.Misbehaviour.HANG)
    _events, verdict = run(order(account(server)))

    assert verdict.failure is not None
    assert (verdict.failure.phase, verdict.failure.fault) == (Phase.DATA, Fault.TIMEOUT)


def test_a_server_that_drips_is_ended_at_the_limit_of_the_whole(settings: Settings) -> None:
    settings.MAILBOX_CHECK_SECONDS, settings.MAILBOX_CHECK_STEP_SECONDS = 2, AT_ONCE * 2
    begun = time.monotonic()
    with scripted_server([Drip(b"220-" + b"x" * 400, 0.2)]) as dripping:
        sender = Sender(
            address=ADDRESS,
            display_name="Acme",
            host=dripping.host,
            port=dripping.port,
            encryption="none",
            login_method="none",
            timeout=int(AT_ONCE * 2),
        )
        _events, verdict = run(order(sender))

    assert verdict.failure is not None
    assert verdict.failure.phase is Phase.GREETING
    assert time.monotonic() - begun < AT_ONCE


def test_what_is_no_mail_server_is_named_so_and_its_words_are_not_kept() -> None:
    with scripted_server([Say(b"HTTP/1.1 400 Bad Request\r\nServer: secret-inside\r\n\r\n")]) as web:
        sender = Sender(
            address=ADDRESS, display_name="Acme", host=web.host, port=web.port, encryption="none", login_method="none"
        )
        events, verdict = run(order(sender))

    assert verdict.failure is not None
    assert verdict.failure.fault is Fault.NOT_A_MAIL_SERVER
    assert "HTTP" not in repr(events)
    assert "HTTP" not in SendingRecord.objects.get().reply_text


def test_the_dot_is_withheld_when_too_little_time_is_left(server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_CHECK_SECONDS = 0
    events, verdict = run(replace(order(account(server))))

    assert verdict.result is CheckResult.FAILED
    assert not any(isinstance(event, ContentSent) for event in events)


def test_a_mail_that_was_cancelled_meanwhile_is_not_sent(server: smtpd.MailServer) -> None:
    events = start_check(order(account(server)))
    for event in events:
        if isinstance(event, StepEvent) and event.phase is Phase.RESOLVE:
            Mail.objects.update(cancel_requested=True)
            break
    verdict = list(events)[-1]

    assert isinstance(verdict, Verdict)
    assert verdict.result in {CheckResult.BROKEN, CheckResult.PASSED}
    assert len(server.mails) == (1 if verdict.result is CheckResult.PASSED else 0)


def test_the_check_goes_on_when_nobody_listens(server: smtpd.MailServer) -> None:
    events = start_check(order(account(server)))
    next(events)
    del events

    server.wait_for(1)
    thread = next((one for one in threading.enumerate() if one.name == "check"), None)
    if thread:
        thread.join(AT_ONCE)
    assert SendingRecord.objects.get().outcome == Outcome.ACCEPTED


def test_a_saved_account_remembers_its_latest_test(server: smtpd.MailServer) -> None:
    sender = save_sender(account(server), password=CANARY)
    _events, verdict = run(order(sender, saved=True))

    sender.refresh_from_db()
    assert sender.last_test_at is not None
    assert (sender.last_test_passed, sender.last_test_mail_id) == (True, verdict.mail_id)
    assert Mail.objects.get().sender_id == sender.pk


def test_a_failed_test_is_remembered_too(server: smtpd.MailServer) -> None:
    sender = save_sender(account(server), password=CANARY)
    run(order(sender, "wrong", saved=True))

    sender.refresh_from_db()
    assert sender.last_test_passed is False


def test_a_test_says_nothing_of_an_account_that_was_edited_meanwhile(server: smtpd.MailServer) -> None:
    sender = save_sender(account(server), password=CANARY)
    ordered = order(sender, saved=True)
    edited = Sender.objects.get(pk=sender.pk)
    edited.host = "other.example.com"
    save_sender(edited, password="another password")
    Circuit.objects.update_or_create(sender=edited, defaults={"state": CircuitState.OPEN})
    _events, verdict = run(ordered)

    edited.refresh_from_db()
    assert (verdict.result, edited.last_test_at) == (CheckResult.PASSED, None)
    assert Circuit.objects.get().state == CircuitState.OPEN


def test_values_that_are_not_saved_say_nothing_of_the_account(server: smtpd.MailServer) -> None:
    sender = save_sender(account(server), password=CANARY)
    run(order(account(server)))

    sender.refresh_from_db()
    assert sender.last_test_at is None


def test_a_passed_test_lets_parked_mail_flow_again(server: smtpd.MailServer) -> None:
    sender = save_sender(account(server), password=CANARY)
    Circuit.objects.create(sender=sender, state=CircuitState.REFUSED, failures=3, fault="reply")
    run(order(sender, saved=True))

    circuit = Circuit.objects.get()
    assert (circuit.state, circuit.failures) == (CircuitState.CLOSED, 0)


def test_a_failed_test_leaves_parked_mail_parked(server: smtpd.MailServer) -> None:
    sender = save_sender(account(server), password=CANARY)
    Circuit.objects.create(sender=sender, state=CircuitState.REFUSED)
    run(order(sender, "wrong", saved=True))

    assert Circuit.objects.get().state == CircuitState.REFUSED


def test_a_check_that_can_not_be_recorded_is_not_begun_and_says_so(
    server: smtpd.MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    # A receiver too long for its column: the database refuses, before anything is dialled.
    too_long = replace(order(account(server)), requested_by="a" * 151 if connection.vendor == "postgresql" else "a")
    if connection.vendor == "sqlite":
        too_long = replace(too_long, requester_ip="not an address" * 9, mail=None)  # type: ignore[arg-type]
    with caplog.at_level(logging.CRITICAL, logger="delivery.check.running"):
        _events, verdict = run(too_long)

    assert verdict == Verdict(CheckResult.BROKEN)
    assert server.connections == 0
    assert SendingRecord.objects.count() == 0


def test_too_many_checks_at_once_are_refused_before_anything_is_stored(
    server: smtpd.MailServer, settings: Settings
) -> None:
    settings.MAILBOX_CHECKS_PER_USER = 1
    with SLOTS.held("ann"), pytest.raises(TooManyChecksError):
        start_check(order(account(server)))

    assert Mail.objects.count() == 0
    assert run(order(account(server)))[1].result is CheckResult.PASSED


def test_the_password_stands_in_no_record_no_event_no_repr_and_no_log(
    server: smtpd.MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        asked = order(account(server))
        events, _verdict = run(asked)
        wrong = order(account(server), "wrong-" + CANARY)
        more, _failed = run(wrong)

    rows = [repr(vars(row)) for model in (Mail, SendingRecord) for row in model.objects.all()]
    everything = "\n".join([*rows, repr(events), repr(more), repr(asked), repr(wrong), caplog.text])
    assert CANARY not in everything

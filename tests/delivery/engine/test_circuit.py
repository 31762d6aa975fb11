"""The circuit breaker: an account at fault is left alone, and its mail waits."""

import pytest
from django.utils import timezone

from delivery.engine.circuit import admit, trip
from delivery.engine.drain import drain
from delivery.engine.sweep import sweep
from delivery.exceptions import SessionError
from records.enums import Fault, Phase
from records.models import SendingRecord
from senders.enums import CircuitState, Encryption, LoginMethod
from senders.models import Circuit, Sender
from senders.services import save_sender
from tests import smtpd
from tests.delivery.engine.scenes import accept, fresh, let_expire, make_probe_due, make_sender, outcomes

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_listens_so_mail_is_parked_without_spending_attempts() -> None:
    sender = make_sender()
    mails = [accept(sender), accept(sender)]
    drain(sender.pk)
    assert [outcomes(mail) for mail in mails] == [["not_connected"]] * 2
    assert [(fresh(mail).state, fresh(mail).attempts) for mail in mails] == [("retry", 0)] * 2
    record = SendingRecord.objects.first()
    assert record is not None
    assert (record.phase, record.fault) == ("connect", "connection_refused")
    assert record.cause
    circuit = Circuit.objects.get()
    assert (circuit.state, circuit.failures, circuit.fault) == ("open", 1, "connection_refused")
    assert circuit.cause == record.cause
    assert circuit.probe_at is not None


def test_parked_mail_is_not_touched_before_the_probe_is_due() -> None:
    sender = make_sender()
    mail = accept(sender)
    drain(sender.pk)
    drain(sender.pk)
    assert outcomes(mail) == ["not_connected"]
    assert sweep() == []


def test_a_failed_probe_makes_the_next_one_later_and_no_more_records_of_mail_that_has_one() -> None:
    sender = make_sender()
    mail = accept(sender)
    drain(sender.pk)
    newer = accept(sender)
    gaps = []
    for _ in range(3):
        make_probe_due()
        assert sweep() == [sender.pk]
        drain(sender.pk)
        gaps.append((Circuit.objects.get().probe_at or timezone.now()) - timezone.now())
    assert (outcomes(mail), outcomes(newer)) == (["not_connected"], ["not_connected"])
    assert Circuit.objects.get().failures == 4
    assert gaps == sorted(gaps)


def test_when_the_server_is_back_the_probe_lets_everything_flow() -> None:
    sender = make_sender()
    mails = [accept(sender) for _ in range(3)]
    drain(sender.pk)
    with smtpd.mail_server() as server:
        Sender.objects.update(port=server.port)
        make_probe_due()
        drain(sender.pk)
        assert len(server.mails) == 3
    assert [outcomes(mail) for mail in mails] == [["not_connected", "accepted"]] * 3
    assert Circuit.objects.get().state == CircuitState.CLOSED


def test_of_many_workers_exactly_one_probes(server: smtpd.MailServer) -> None:
    sender = make_sender()
    accept(sender)
    drain(sender.pk)
    make_probe_due()

    answers = [admit(sender.pk) for _ in range(5)]
    assert sorted(answers) == ["parked", "parked", "parked", "parked", "probe"]


def test_refused_credentials_stop_at_once_and_are_not_tried_a_second_time() -> None:
    with smtpd.mail_server(Encryption.TLS, users={"reports@example.com": "right"}) as server:
        sender = make_sender(server, login_method=LoginMethod.ADDRESS, password="canary-wrong")
        mails = [accept(sender), accept(sender)]
        for _ in range(3):
            drain(sender.pk)
            make_probe_due()
        assert server.commands.count("AUTH") == 1
        assert sweep() == []
    circuit = Circuit.objects.get()
    assert (circuit.state, circuit.phase, circuit.probe_at) == ("refused", "auth", None)
    assert "535" in circuit.reply
    assert [outcomes(mail) for mail in mails] == [["not_connected"]] * 2
    assert "canary" not in repr(list(Circuit.objects.values()) + list(SendingRecord.objects.values()))


def test_an_edit_lets_refused_mail_flow_again() -> None:

    with smtpd.mail_server(Encryption.TLS, users={"reports@example.com": "right"}) as server:
        sender = make_sender(server, login_method=LoginMethod.ADDRESS, password="wrong")
        mail = accept(sender)
        drain(sender.pk)
        save_sender(Sender.objects.get(), password="right")
        assert sweep() == [sender.pk]
        drain(sender.pk)
        assert len(server.mails) == 1
    assert outcomes(mail) == ["not_connected", "accepted"]


def test_a_failure_with_settings_that_were_edited_meanwhile_does_not_park() -> None:

    stale = make_sender()
    save_sender(Sender.objects.get())
    trip(stale, SessionError(Phase.CONNECT, Fault.CONNECTION_REFUSED), is_probe=False)
    assert not Circuit.objects.exclude(state=CircuitState.CLOSED).exists()


def test_a_421_on_a_new_connection_parks_the_account(server: smtpd.MailServer) -> None:
    server.answer("MAIL", "421 4.7.0 Too many connections from your address")
    sender = make_sender(server)
    mails = [accept(sender), accept(sender)]
    drain(sender.pk)
    assert [outcomes(mail) for mail in mails] == [["not_connected"]] * 2
    assert Circuit.objects.get().reply == "421 4.7.0 Too many connections from your address"


def test_a_probe_that_opens_a_session_but_sends_no_mail_does_not_count_as_success(server: smtpd.MailServer) -> None:
    server.answer("MAIL", "421 4.3.2 The system is going down")
    sender = make_sender(server)
    accept(sender)
    for _ in range(3):
        drain(sender.pk)
        make_probe_due()
    assert (Circuit.objects.get().state, Circuit.objects.get().failures) == ("open", 3)


def test_a_password_that_can_not_be_decrypted_parks_the_mail_until_it_is_typed_again() -> None:
    with smtpd.mail_server(Encryption.TLS, users={"reports@example.com": "right"}) as server:
        sender = make_sender(server, login_method=LoginMethod.ADDRESS, password="right")
        mail = accept(sender)
        Sender.objects.update(secret="v1:000000000000:AAAA")
        drain(sender.pk)
        assert server.connections == 0
    assert (fresh(mail).state, outcomes(mail)) == ("queued", [])
    circuit = Circuit.objects.get()
    assert (circuit.state, circuit.fault) == ("refused", "secret_unreadable")

    let_expire(mail)
    sweep()
    assert SendingRecord.objects.get().skip_reason == "secret_unreadable"

"""Mail of tasks through the engine to postfix: what arrives, what is tried again, what is parked."""

from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from delivery.acceptance import accept_mail
from delivery.engine.drain import drain
from delivery.values import Attachment
from records.models import Mail, SendingRecord
from senders.enums import CircuitState, Encryption, LoginMethod
from senders.models import Circuit, Sender
from senders.services import save_sender
from tests import services
from tests.postfix_server import ADDRESS, DOMAIN, PASSWORD, SIZE_LIMIT, Port, Postfix
from tests.smtpd import authority_pem

REFUSED = "SASL PLAIN authentication failed"
ME, SLOW = f"me@{DOMAIN}", f"slow@{DOMAIN}"
MODES = [(Port.STARTTLS, Encryption.TLS), (Port.SSL, Encryption.SSL), (Port.CLEAR, Encryption.NONE)]

pytestmark = pytest.mark.django_db(transaction=True)


def account(
    postfix: Postfix, kind: Port = Port.STARTTLS, encryption: Encryption = Encryption.TLS, password: str = PASSWORD
) -> Sender:
    sender = Sender(
        address=ADDRESS,
        display_name="数据平台",
        host=postfix.host,
        port=postfix.port(kind),
        encryption=encryption,
        login_method=LoginMethod.ADDRESS,
        trusted_certificates="" if encryption is Encryption.NONE else authority_pem(),
        timeout=10,
    )
    return save_sender(sender, password=password)


def accept(sender: Sender, *to: str, **values: Any) -> Mail:
    usual: dict[str, Any] = {"to": to or (ME,), "subject": "Nightly load", "text": "Done.\n"}
    return accept_mail(sender=sender, **{**usual, **values})


def states(mail: Mail) -> dict[str, str]:
    return dict(mail.receivers.values_list("address", "state"))


def sign_ins_refused(postfix: Postfix, *, least: int = 0) -> int:
    """Count them once the log has come up to all connections, each of which ends with a line of its own."""

    def is_written() -> bool:
        log = postfix.log
        is_settled = log.count(": connect from") == log.count(": disconnect from")
        return is_settled and log.count(REFUSED) >= least

    services.wait_until(is_written, what="the log of the refused sign-ins")
    return postfix.log.count(REFUSED)


@pytest.mark.parametrize(("kind", "encryption"), MODES, ids=[kind.value for kind, _ in MODES])
def test_mail_of_a_task_arrives_unchanged(postfix: Postfix, kind: Port, encryption: Encryption) -> None:
    sender = account(postfix, kind, encryption)
    subject = "任务“夜间加载”失败：超过允许的时间，请检查数据源连接 🚨"
    mail = accept(sender, subject=subject, text="第一行\n.\n..两点\n", attachments=[Attachment("报表.csv", b"a,b\r\n")])
    drain(sender.pk)

    arrived = message_from_bytes(postfix.wait_for_mail_with(ME, mail.message_id.encode()), policy=default)
    body = arrived.get_body(("plain",))
    assert body is not None
    assert (arrived["Subject"], body.get_content().splitlines()) == (subject, ["第一行", ".", "..两点"])
    assert str(arrived["From"]) == f"数据平台 <{ADDRESS}>"
    assert [part.get_filename() for part in arrived.iter_attachments()] == ["报表.csv"]
    mail.refresh_from_db()
    record = SendingRecord.objects.get()
    assert (mail.state, record.outcome, record.tls_version) == (
        "sent", "accepted", "" if encryption is Encryption.NONE else "TLSv1.3",
    )  # fmt: skip


def test_of_several_receivers_each_gets_its_own_end(postfix: Postfix) -> None:
    sender = account(postfix)
    mail = accept(sender, ME, SLOW, f"nobody@{DOMAIN}")
    drain(sender.pk)

    mail.refresh_from_db()
    records = SendingRecord.objects.values_list("receiver_address", "outcome", "cause")
    assert set(records) == {
        (ME, "accepted", ""), (SLOW, "deferred", "greylisted"), (f"nobody@{DOMAIN}", "refused", "receiver-unknown"),
    }  # fmt: skip
    assert states(mail) == {ME: "accepted", SLOW: "pending", f"nobody@{DOMAIN}": "refused"}
    assert mail.state == "retry"
    postfix.wait_for_mail_with(ME, mail.message_id.encode())


def test_a_greylisted_mail_waits_as_long_as_the_server_said(postfix: Postfix) -> None:
    sender = account(postfix)
    mail = accept(sender, SLOW)
    drain(sender.pk)

    mail.refresh_from_db()
    record = SendingRecord.objects.get()
    assert record.ended_at is not None
    assert mail.due_at is not None
    assert 290 <= (mail.due_at - record.ended_at).total_seconds() <= 330


def test_a_refused_password_parks_all_mail_after_one_try(postfix: Postfix) -> None:
    sender = account(postfix, password="wrong")
    before = sign_ins_refused(postfix)
    for _ in range(3):
        accept(sender)
    drain(sender.pk)
    drain(sender.pk)

    assert Circuit.objects.get(sender=sender).state == CircuitState.REFUSED
    assert set(SendingRecord.objects.values_list("outcome", "cause")) == {("not_connected", "auth-refused-internal")}
    assert set(Mail.objects.values_list("state", flat=True)) == {"retry"}
    assert sign_ins_refused(postfix, least=before + 1) == before + 1


def test_a_mail_that_is_too_large_fails_and_the_next_one_arrives(postfix: Postfix) -> None:
    sender = account(postfix)
    large = accept(sender, attachments=[Attachment("large.bin", b"x" * SIZE_LIMIT)])
    small = accept(sender)
    drain(sender.pk)

    postfix.wait_for_mail_with(ME, small.message_id.encode())
    large.refresh_from_db()
    assert large.state == "failed"
    assert SendingRecord.objects.get(mail=large).cause == "too-large"

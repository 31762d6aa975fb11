"""T0: accepting a mail."""

import inspect
import logging
import threading
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from delivery.acceptance import accept_mail
from delivery.exceptions import MailNotConfiguredError, RequestRefusedError
from delivery.request import MailRequest
from delivery.values import Attachment
from records.models import Content, Mail, Receiver, SendingRecord
from senders.models import Sender
from senders.services import set_default_sender
from tests.delivery.engine.scenes import accept, make_sender

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def errors_of(sender: Sender, **values: object) -> dict[str, list[str]]:
    with pytest.raises(RequestRefusedError) as refused:
        accept(sender, **values)
    assert Mail.objects.count() == 0
    return refused.value.errors


def body(mail: Mail, kind: str) -> str:
    part = parsed(mail).get_body((kind,))
    assert part is not None
    return str(part.get_content()).strip()


def parsed(mail: Mail) -> EmailMessage:
    return message_from_bytes(bytes(Content.objects.get(pk=mail.pk).mime), policy=policy.default)


def test_a_mail_is_asked_for_by_the_fields_of_a_request() -> None:
    taken = inspect.signature(accept_mail)
    assert list(taken.parameters) == [field.name for field in fields(MailRequest)]
    assert {parameter.kind for parameter in taken.parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert taken.return_annotation is Mail


def test_an_accepted_mail_waits_composed_with_its_receivers(sender: Sender) -> None:
    mail = accept_mail(
        sender=sender,
        to=["bob@example.org"],
        cc=["carol@example.org"],
        bcc=["dave@example.org"],
        subject="Nightly load",
        html="<p>Done.</p>",
        template_name="load finished",
        accessed_resource="/tasks/7",
        requester_ip="2001:db8::7",
        requested_by="alice",
    )
    assert (mail.state, mail.kind, mail.epoch, mail.attempts) == ("queued", "mail", 0, 0)
    assert (mail.sender_address, mail.subject, mail.requested_by) == ("reports@example.com", "Nightly load", "alice")
    assert (mail.template_name, mail.accessed_resource, mail.requester_ip) == (
        "load finished",
        "/tasks/7",
        "2001:db8::7",
    )
    assert mail.due_at == mail.accepted_at
    assert mail.expires_at == mail.accepted_at + timedelta(hours=24)
    assert abs(mail.accepted_at - timezone.now()) < timedelta(seconds=5)
    assert list(Receiver.objects.values_list("address", "kind", "state")) == [
        ("bob@example.org", "to", "pending"),
        ("carol@example.org", "cc", "pending"),
        ("dave@example.org", "bcc", "pending"),
    ]
    message = parsed(mail)
    assert message["Message-ID"] == mail.message_id
    assert message["From"] == "Reports <reports@example.com>"
    assert body(mail, "plain") == "Done."
    assert mail.size == len(bytes(mail.content.mime))
    assert SendingRecord.objects.count() == 0


def test_answers_go_to_the_callers_address_or_else_to_the_accounts() -> None:
    sender = make_sender(reply_to="desk@example.com")
    assert parsed(accept(sender))["Reply-To"] == "desk@example.com"
    assert parsed(accept(sender, reply_to=["alice@example.com"]))["Reply-To"] == "alice@example.com"


def test_an_unsupported_font_becomes_simsun(sender: Sender) -> None:
    mail = accept(sender, text="", html='<p style="font-family: Windding 3">Done.</p>')
    assert "SimSun" in body(mail, "html")


def test_an_address_named_twice_gets_the_mail_once(sender: Sender) -> None:
    mail = accept(sender, "bob@example.org", "bob@EXAMPLE.org", cc=["bob@example.org"], bcc=["Bob@example.org"])
    assert list(mail.receivers.values_list("address", "kind")) == [
        ("bob@example.org", "to"),
        ("Bob@example.org", "bcc"),
    ]


@pytest.mark.parametrize("name", ["reports@example.com", "REPORTS@example.com"])
def test_a_sender_is_named_by_its_address(sender: Sender, name: str) -> None:
    assert accept_mail(sender=name, to=["bob@example.org"], subject="s", text="t").sender_id == sender.pk


def test_a_sender_is_named_by_its_id(sender: Sender) -> None:
    assert accept_mail(sender=sender.pk, to=["bob@example.org"], subject="s", text="t").sender_id == sender.pk


def test_without_a_named_sender_the_system_default_sends(sender: Sender) -> None:
    set_default_sender(sender)
    assert accept_mail(to=["bob@example.org"], subject="s", text="t").sender_id == sender.pk


@pytest.mark.parametrize("unknown", ["nobody@example.com", 4711])
def test_an_unknown_sender_is_refused(unknown: str | int) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        accept_mail(sender=unknown, to=["bob@example.org"], subject="s", text="t")
    assert refused.value.errors == {"sender": ["There is no such sender account."]}


def test_a_disabled_sender_is_refused() -> None:
    sender = make_sender(is_enabled=False)
    assert errors_of(sender) == {"sender": ["Reports <reports@example.com> is disabled."]}


def test_without_any_sender_the_refusal_is_recorded_for_every_receiver(sender: Sender) -> None:
    with pytest.raises(MailNotConfiguredError) as refused:
        accept_mail(to=["a@example.org", "b@example.org"], subject="s", text="t", template_name="load")
    mail = Mail.objects.get(pk=refused.value.mail_id)
    assert (mail.state, mail.sender, mail.sender_address) == ("failed", None, "")
    assert mail.finished_at is not None
    assert set(mail.receivers.values_list("state", flat=True)) == {"refused"}
    assert list(
        mail.records.values_list("receiver_address", "outcome", "skip_reason", "template_name").order_by("pk")
    ) == [
        ("a@example.org", "skipped", "not_configured", "load"),
        ("b@example.org", "skipped", "not_configured", "load"),
    ]


def test_a_request_refused_for_lack_of_a_sender_may_come_again_with_its_key(sender: Sender) -> None:
    for _ in range(2):
        with pytest.raises(MailNotConfiguredError):
            accept_mail(to=["bob@example.org"], subject="s", text="t", idempotency_key="load-7")
    set_default_sender(sender)
    mail = accept_mail(to=["bob@example.org"], subject="s", text="t", idempotency_key="load-7")
    assert (mail.state, mail.idempotency_key) == ("queued", "load-7")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("to", [], "Name at least one receiver."),
        ("to", ["bob"], "bob: The @ is missing."),
        ("cc", ["a@example.org, b@example.org"], "Enter one address only."),
        ("bcc", ["bob@example.org\r\nBcc: eve@example.net"], "line break"),
        ("reply_to", ["Alice <alice@example.com>"], "Enter the address alone"),
        ("subject", "", "Enter a subject."),
        ("subject", "  ", "Enter a subject."),
        ("subject", "s" * 999, "The subject has 999 characters. Shorten it to 998."),
        ("subject", "Load\r\nBcc: eve@example.net", "line break"),
        ("subject", "=?utf-8?q?a=0AX-Injected:_yes?=", "invisible control character"),
        ("text", "", "Write a text, an HTML body, or attach a file."),
        ("text", "half \ud800", "half a character"),
        ("html", "half \udfff", "half a character"),
        ("template_name", "t" * 201, "Shorten this to 200 characters."),
        ("template_name", "load\x00", "invisible control character"),
        ("accessed_resource", "r" * 1001, "Shorten this to 1000 characters."),
        ("accessed_resource", "/tasks\n/7", "line break"),
        ("requester_ip", "localhost", "This is not an IP address."),
        ("requester_ip", "fe80::1%eth0", "This is not an IP address."),
        ("idempotency_key", "k" * 201, "Shorten this to 200 characters."),
        ("requested_by", "u" * 151, "Shorten this to 150 characters."),
        ("not_before", datetime.max.replace(tzinfo=UTC), "A mail can wait a year at most."),
        ("give_up_after", timedelta(), "The time to give up lies between a moment and 30 days."),
        ("give_up_after", timedelta(days=31), "The time to give up lies between a moment and 30 days."),
    ],
)
def test_a_wrong_field_is_refused_with_a_sentence(sender: Sender, field: str, value: object, words: str) -> None:
    errors = errors_of(sender, **{field: value})
    assert list(errors) == [field]
    assert words in " ".join(errors[field])


def test_all_wrong_fields_are_told_at_once(sender: Sender) -> None:
    assert sorted(errors_of(sender, to=["x"], subject="", text="")) == ["subject", "text", "to"]


def test_too_many_receivers_are_refused(sender: Sender, settings: Settings) -> None:
    settings.MAILBOX_MAX_RECEIVERS = 2
    [sentence] = errors_of(sender, to=["a@example.org", "b@example.org"], bcc=["c@example.org"])["to"]
    assert sentence.startswith("A mail goes to at most 2 receivers.")


def test_absurdly_many_receivers_are_refused_without_reading_them(sender: Sender, settings: Settings) -> None:
    settings.MAILBOX_MAX_RECEIVERS = 2
    assert len(errors_of(sender, to=["not an address"] * 21)["to"]) == 1


def test_a_mail_that_is_too_large_is_refused(sender: Sender, settings: Settings) -> None:
    settings.MAILBOX_MAX_SIZE = 2**20
    file = Attachment("load.csv", b"x" * 2**20)
    [sentence] = errors_of(sender, attachments=[file])["attachments"]
    assert sentence.startswith("The mail has 1.0 MiB; at most 1.0 MiB can be sent.")


def test_a_mail_that_gets_too_large_by_encoding_is_refused(sender: Sender, settings: Settings) -> None:
    settings.MAILBOX_MAX_SIZE = 2**20
    [sentence] = errors_of(sender, attachments=[Attachment("load.bin", b"\xff" * 900_000)])["attachments"]
    assert sentence.startswith("The mail has 1.2 MiB; at most 1.0 MiB can be sent.")


def test_a_file_name_with_a_line_break_is_refused(sender: Sender) -> None:
    assert list(errors_of(sender, attachments=[Attachment("a\r\nb.txt", b"x")])) == ["attachments"]


def test_a_mail_waits_for_its_time_and_gives_up_so_long_after_it(sender: Sender) -> None:
    moment = timezone.now() + timedelta(hours=2)
    mail = accept(sender, not_before=moment, give_up_after=timedelta(minutes=10))
    assert (mail.due_at, mail.expires_at) == (moment, moment + timedelta(minutes=10))
    assert mail.expires_untried is True


def test_a_time_without_a_zone_is_one_of_the_systems(sender: Sender) -> None:
    naive = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=2)
    assert accept(sender, not_before=naive).due_at == naive.replace(tzinfo=UTC)


def test_the_same_key_of_the_same_caller_gives_the_first_mail(sender: Sender) -> None:
    first = accept(sender, idempotency_key="load-7", requested_by="alice")
    again = accept(sender, "carol@example.org", subject="", idempotency_key="load-7", requested_by="alice")
    other = accept(sender, idempotency_key="load-7", requested_by="bert")
    assert again.pk == first.pk
    assert other.pk != first.pk
    assert Mail.objects.count() == 2


def test_of_many_requests_with_one_key_at_once_one_mail_comes(sender: Sender) -> None:
    ids: list[int] = []
    start = threading.Barrier(6)

    def ask() -> None:
        try:
            start.wait()
            ids.append(accept(sender, idempotency_key="load-7").pk)
        finally:
            connection.close()

    askers = [threading.Thread(target=ask) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1
    assert (Mail.objects.count(), Receiver.objects.count(), Content.objects.count()) == (1, 1, 1)


def test_losing_the_race_for_a_key_leaves_the_callers_transaction_usable(sender: Sender) -> None:
    won: list[int] = []

    def win() -> None:
        won.append(accept(sender, idempotency_key="load-7").pk)
        connection.close()

    winner = threading.Thread(target=win)
    if connection.vendor == "sqlite":  # one writer at a time: the other is first, or waits for this transaction
        winner.start()
        winner.join()
    with transaction.atomic():
        if connection.vendor == "postgresql":
            winner.start()
            winner.join()
        mail = accept(sender, idempotency_key="load-7")
        accept(sender)
    assert mail.pk == won[0]
    assert Mail.objects.count() == 2


def test_a_mail_is_a_part_of_the_callers_transaction(sender: Sender) -> None:
    class UndoError(Exception):
        pass

    def ask_and_undo() -> None:
        with transaction.atomic():
            accept(sender)
            raise UndoError

    with pytest.raises(UndoError):
        ask_and_undo()
    assert (Mail.objects.count(), Receiver.objects.count(), Content.objects.count()) == (0, 0, 0)


def test_a_dead_broker_does_not_refuse_a_mail_and_is_logged_once(
    sender: Sender, settings: Settings, caplog: pytest.LogCaptureFixture, dead_broker: None
) -> None:
    with caplog.at_level(logging.WARNING, "delivery.wake"):
        mails = [accept(sender), accept(sender)]
    assert [mail.state for mail in mails] == ["queued", "queued"]
    assert Mail.objects.count() == 2
    assert [record.message for record in caplog.records] == ["the broker is not reachable, mail waits for the sweep"]


@pytest.mark.parametrize("odd", ["\0", "\udc80", "x" * 100_000], ids=["NUL", "half a character", "endless"])
@pytest.mark.parametrize("field", ["idempotency_key", "requested_by", "sender", "template_name", "subject", "to"])
def test_what_no_database_can_store_is_refused_by_field(field: str, odd: str, sender: Sender) -> None:
    wanted: dict[str, Any] = {"idempotency_key": "key", "sender": sender, field: [odd] if field == "to" else odd}
    with pytest.raises(RequestRefusedError) as refusal:
        accept_mail(**{"to": ["bob@example.org"], "subject": "Load", "text": "Done."} | wanted)
    assert list(refusal.value.errors) == [field]

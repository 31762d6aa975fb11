"""Rows of the records room for its tests."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from records.content import store_content
from records.enums import Outcome, ReceiverState
from records.models import Mail, Receiver, SendingRecord
from records.rollups.adding import count_records

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def make_mail(*, mime: bytes | None = None, **values: Any) -> Mail:
    """Create a mail that was accepted at NOON; with its content if `mime` is given."""
    given = {
        "state": "sent",
        "sender_address": "noreply@example.com",
        "subject": "Rows were loaded",
        "accepted_at": NOON,
        "due_at": NOON,
        "expires_at": NOON + timedelta(days=1),
    }
    mail = Mail.objects.create(**{**given, **values})
    if mime is not None:
        store_content(mail.pk, b"", mime, mail.accepted_at)
    return mail


def make_record(mail: Mail | None = None, /, **values: Any) -> SendingRecord:
    """Create one closed try at one receiver, and sum it up.

    Any value can be given, `state` is that of the receiver.
    """
    mail = mail or make_mail()
    address = values.pop("receiver_address", "anna@example.net")
    state = values.pop("state", ReceiverState.ACCEPTED)
    receiver, _created = Receiver.objects.get_or_create(mail=mail, address=address, defaults={"state": state})
    started = values.pop("started_at", NOON)
    given = {
        "epoch": 1,
        "sender_address": mail.sender_address,
        "outcome": Outcome.ACCEPTED,
        "started_at": started,
        "ended_at": started + timedelta(milliseconds=240),
    }
    record = SendingRecord.objects.create(mail=mail, receiver=receiver, receiver_address=address, **{**given, **values})
    count_records([record.pk])
    return record


def compose(*, html: str = "", text: str = "Hello", files: tuple[tuple[str, bytes], ...] = ()) -> bytes:
    """Return the bytes of a mail."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "noreply@example.com", "anna@example.net", "Rows were loaded"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()

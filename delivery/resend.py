"""Sending a mail again: what was sent is read back from its stored bytes, and asked for as a new mail.

A new mail, with a Message-ID and a Date of its own: receivers' servers take a second copy with the same Message-ID for
a duplicate and drop it silently, which is the opposite of what a person wants who sends again. The new mail is linked
to the original, and its header names the new receivers. Text, HTML and attachments are the original's.
"""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING

from delivery.request import MailRequest
from delivery.values import Attachment
from records.content import find_mime
from records.enums import ReceiverKind, ReceiverState
from records.models import Content

if TYPE_CHECKING:
    from collections.abc import Collection
    from email.message import MIMEPart

    from records.models import Mail


class ContentGoneError(LookupError):
    """A mail can't be sent again, because its content is not kept any more, or never was.

    Raised by reading it back. Not raised for a mail without a body: that is one.
    """


class SecretsGoneError(ContentGoneError):
    """A mail can't be sent again, because what is kept of it is a masked copy."""


@dataclass(frozen=True, slots=True)
class Original:
    """A mail as it may be sent again."""

    mail: Mail
    request: MailRequest
    """With the receivers that it is proposed to go to."""
    left_out: tuple[str, ...]
    """Receivers that have it already, while others have not."""


def read_original(mail: Mail, among: Collection[int] | None = None) -> Original:
    """Read a mail back from what is stored.

    Args:
        mail: Which.
        among: Ids of the receivers that are meant; None: all of them.

    Raises:
        SecretsGoneError: Its content is a masked copy.
        ContentGoneError: Its content is not there, or not the whole of it.
    """
    if mail.has_secrets:
        raise SecretsGoneError(mail.pk)
    mime = find_mime(mail.pk)
    if mime is None or Content.objects.filter(mail=mail, body__attachments_removed_at__isnull=False).exists():
        raise ContentGoneError(mail.pk)
    message = message_from_bytes(mime, policy=policy.default)
    assert isinstance(message, EmailMessage)
    proposed, left_out = _receivers(mail, among)
    request = MailRequest(
        to=proposed[ReceiverKind.TO],
        cc=proposed[ReceiverKind.CC],
        bcc=proposed[ReceiverKind.BCC],
        reply_to=_reply_to(message),
        subject=mail.subject,
        text=_text(message.get_body(("plain",))),
        html=_text(message.get_body(("html",))),
        attachments=[_attachment(part) for part in message.iter_attachments()],
        template_name=mail.template_name,
        accessed_resource=mail.accessed_resource,
    )
    return Original(mail, request, left_out)


def _receivers(
    mail: Mail, among: Collection[int] | None
) -> tuple[dict[ReceiverKind, tuple[str, ...]], tuple[str, ...]]:
    """Choose whom to propose: those who lack the mail, or everybody where all have it."""
    receivers = [one for one in mail.receivers.all() if among is None or one.pk in among]
    lacking = [one for one in receivers if not ReceiverState(one.state).is_served]
    chosen = lacking or receivers
    proposed = {kind: tuple(one.address for one in chosen if one.kind == kind) for kind in ReceiverKind}
    left_out = [one.address for one in receivers if one not in chosen]
    return proposed, tuple(left_out)


def _reply_to(message: EmailMessage) -> tuple[str, ...]:
    header = message["Reply-To"]
    return tuple(address.addr_spec for address in header.addresses) if header else ()


def _text(part: MIMEPart | None) -> str:
    return str(part.get_content()) if part else ""


def _attachment(part: MIMEPart) -> Attachment:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    return Attachment(part.get_filename() or "attachment", content, part.get_content_type())

"""Read composed mails back with the standard library: a reader that shares no code with the composer."""

import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage, MIMEPart
from email.utils import parseaddr
from typing import Any

from delivery.compose.message import compose
from delivery.values import ComposedMail, Draft

DRAFT = Draft(
    sender_address="ops@example.com", display_name="Ops", subject="Load finished", to=("ann@example.com",), text="Done."
)


def draft(**changes: Any) -> Draft:
    """Return a plain draft with some fields changed."""
    fields = {name: getattr(DRAFT, name) for name in Draft.__dataclass_fields__} | changes
    return Draft(**fields)


def read(mail: ComposedMail) -> EmailMessage:
    """Parse the mail as a receiver would."""
    message = email.message_from_bytes(mail.mime, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def composed(**changes: Any) -> EmailMessage:
    """Compose a changed plain draft and parse it."""
    return read(compose(draft(**changes)))


def unix(text: str) -> str:
    """Write line ends of any kind as line feeds."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def content(part: MIMEPart) -> str:
    """Return the decoded text of a text part, with line feeds."""
    return unix(part.get_content())


def header_lines(mail: ComposedMail) -> list[bytes]:
    """Return the lines of the header, folds as lines of their own."""
    return mail.mime.partition(b"\r\n\r\n")[0].split(b"\r\n")


def read_mailbox(field: str) -> tuple[str, str]:
    """Return display name and address of a raw field.

    By the library's older functions: its newer parser puts spaces between the encoded words of a name.
    """
    name, address = parseaddr(field.partition(": ")[2].replace("\r\n", ""))
    return str(make_header(decode_header(name))), address


def raw_field(mail: ComposedMail, name: str) -> str:
    """Return a field as it stands in the bytes, folds and all."""
    fields = mail.mime.partition(b"\r\n\r\n")[0].decode().replace("\r\n ", "\0")
    found = [line for line in fields.split("\r\n") if line.startswith(f"{name}:")]
    assert len(found) == 1
    return found[0].replace("\0", "\r\n ")

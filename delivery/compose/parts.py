"""The body of a mail: its parts and their transfer encodings (RFC 2045, RFC 2046)."""

from __future__ import annotations

import binascii
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery.compose.attachments import content_type_of, file_name_fields
from delivery.compose.headers import check_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.values import Attachment

# Old gateways cut trailing spaces: a text that has them is encoded.
_SEVEN_BIT = re.compile(rb"(?:(?:[\t\x20-\x7e]{0,77}[\x21-\x7e])?\r\n)*+")
_BASE64_LINE = 76


@dataclass(frozen=True, slots=True)
class Part:
    """One MIME entity, encoded."""

    fields: tuple[str, ...]
    """Its header fields, without their last line ends."""
    body: bytes
    """Ends in CRLF, which within a multipart belongs to the boundary that follows."""


def body_part(text: str, html: str, files: Sequence[Part] = ()) -> Part:
    """Return the body as one entity: text, HTML or both as alternatives, and the files beside them."""
    part = _message_part(text, html)
    return multipart("mixed", [part, *files]) if files else part


def _message_part(text: str, html: str) -> Part:
    if not html:
        return text_part(text, "plain")
    if not text:
        return text_part(html, "html")
    # The last alternative is the one that readers prefer (RFC 2046 §5.1.4).
    return multipart("alternative", [text_part(text, "plain"), text_part(html, "html")])


def text_part(text: str, subtype: str) -> Part:
    """Return a text entity: as it is where that is safe, else in the shorter of quoted-printable and base64.

    Line ends of any kind become CRLF; whether the text ends in one makes no difference.
    """
    unix = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    octets = unix.replace("\n", "\r\n").encode("utf-8", "replace")
    encoding, body = _encode_text(octets)
    return Part(
        (f'Content-Type: text/{subtype}; charset="utf-8"', f"Content-Transfer-Encoding: {encoding}"),
        body,
    )


def attachment_part(attachment: Attachment) -> Part:
    """Return a file as an entity whose bytes arrive unchanged."""
    content_type = content_type_of(attachment)
    name, disposition = file_name_fields(attachment.filename)
    return Part(
        (
            f"Content-Type: {content_type};\r\n {name}",
            "Content-Transfer-Encoding: base64",
            f"Content-Disposition: attachment;\r\n {disposition}",
        ),
        encode_base64(attachment.content),
    )


def multipart(subtype: str, parts: Sequence[Part]) -> Part:
    """Return the parts as one multipart entity (RFC 2046 §5.1)."""
    # `=_` cannot stand in quoted-printable or base64 (RFC 2045 §6.7); chance guards the rest.
    boundary = f"=_{secrets.token_hex(16)}"
    opening = f"--{boundary}\r\n".encode("ascii")
    pieces = []
    for part in parts:
        pieces += [opening, check_fields(part.fields).encode("ascii"), b"\r\n", part.body]
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    return Part((f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"',), b"".join(pieces))


def _encode_text(octets: bytes) -> tuple[str, bytes]:
    if _SEVEN_BIT.fullmatch(octets):
        return "7bit", octets
    quoted = binascii.b2a_qp(octets, istext=True)
    if len(quoted) <= len(octets) * 4 // 3:
        return "quoted-printable", quoted
    based = encode_base64(octets[:-2])
    return ("quoted-printable", quoted) if len(quoted) <= len(based) else ("base64", based)


def encode_base64(octets: bytes) -> bytes:
    """Return the octets in base64, in lines of 76 characters, each with CRLF (RFC 2045 §6.8)."""
    encoded = binascii.b2a_base64(octets, newline=False)
    lines = [encoded[start : start + _BASE64_LINE] for start in range(0, len(encoded), _BASE64_LINE)]
    return b"\r\n".join(lines) + b"\r\n"

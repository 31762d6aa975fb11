"""Compose a mail: its envelope, its Message-ID and its bytes, fixed once for every try.

A mail is two pieces, so that what is said to many is written once: its own header fields, from From to
Message-ID, and a body, from Content-Type on, which holds nothing of the mail's own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from delivery.compose.addressing import Parties, read_parties
from delivery.compose.exceptions import ComposeError
from delivery.compose.headers import check_fields, refuse_control_characters, text_field
from delivery.compose.parts import Part, attachment_part, body_part
from delivery.values import ComposedMail, Draft
from records.message_ids import make_message_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from delivery.values import Attachment

_SAME_IN_ALL = (
    "MIME-Version: 1.0",
    # No out-of-office answers: by the standard (RFC 3834 §5), and as Exchange wants it.
    "Auto-Submitted: auto-generated",
    "X-Auto-Response-Suppress: All",
)


@dataclass(frozen=True, slots=True)
class Head:
    """What is one mail's own."""

    message_id: str
    needs_smtputf8: bool
    octets: bytes = field(repr=False)
    """Its header fields up to the body's, each with its CRLF."""


def compose(draft: Draft) -> ComposedMail:
    """Write the draft as a mail: its envelope, its Message-ID, and its bytes with CRLF line ends.

    The HTML goes out as it is: rewriting fonts and making text of HTML are the caller's steps before this one.

    Raises:
        ComposeError: a value would break out of its header, an address is wrong, or there is no receiver.
    """
    parties = read_parties(draft)
    head = compose_head(parties, draft.display_name, draft.subject)
    body = compose_body(draft.text, draft.html, draft.attachments)
    return ComposedMail(parties.envelope, head.message_id, head.octets + body, len(head.octets))


def compose_head(parties: Parties, display_name: str, subject: str) -> Head:
    """Write the header fields that are a mail's own.

    Raises:
        ComposeError: a value would break out of its header.
    """
    refuse_control_characters("display_name", display_name)
    refuse_control_characters("subject", subject)
    message_id = make_message_id(parties.message_id_domain)
    fields = (
        *parties.header_fields(display_name),
        text_field("Subject", subject),
        f"Date: {_date_at(int(time.time()))}",
        f"Message-ID: {message_id}",
        *_SAME_IN_ALL,
    )
    return Head(message_id, parties.needs_smtputf8, check_fields(fields).encode())


def compose_body(
    text: str,
    html: str,
    attachments: Sequence[Attachment] = (),
    *,
    encode_file: Callable[[Attachment], Part] = attachment_part,
) -> bytes:
    """Write the body: its header fields, the empty line, and the content, ready to follow any head.

    Args:
        text: The content as text.
        html: The content as HTML.
        attachments: Files beside it.
        encode_file: Writes a file; one that remembers spares work where bodies share files.

    Raises:
        ComposeError: a file's name or type is wrong.
    """
    return serialise(body_part(text, html, [encode_file(attachment) for attachment in attachments]))


def serialise(part: Part) -> bytes:
    """Return a part with its header fields as the bytes that go over the wire.

    Raises:
        ComposeError: a bare CR or LF is left, with which a second mail could be smuggled in.
    """
    octets = check_fields(part.fields).encode() + b"\r\n" + part.body
    if not octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n"):
        raise ComposeError("", _("This mail can't be written: a line ends in an unsafe way."))
    return octets


@lru_cache(maxsize=2)
def _date_at(second: int) -> str:
    """Write a time of the clock as the Date field wants it, in UTC (RFC 5322 §3.3)."""
    return format_datetime(datetime.fromtimestamp(second, UTC))

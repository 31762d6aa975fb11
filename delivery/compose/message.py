"""Compose a mail: its envelope, its Message-ID and its bytes, fixed once for every try."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from delivery.compose.addressing import read_parties
from delivery.compose.exceptions import ComposeError
from delivery.compose.headers import check_fields, refuse_control_characters, text_field
from delivery.compose.parts import Part, body_part
from delivery.values import ComposedMail, Draft

if TYPE_CHECKING:
    from collections.abc import Sequence


def compose(draft: Draft) -> ComposedMail:
    """Write the draft as a mail: its envelope, its Message-ID, and its bytes with CRLF line ends.

    The HTML goes out as it is: rewriting fonts and making text of HTML are the caller's steps before this one.

    Raises:
        ComposeError: a value would break out of its header, an address is wrong, or there is no receiver.
    """
    parties = read_parties(draft)
    refuse_control_characters("subject", draft.subject)
    message_id = f"<{secrets.token_hex(16)}@{parties.message_id_domain}>"
    fields = [
        *parties.header_fields(draft.display_name),
        text_field("Subject", draft.subject),
        f"Date: {format_datetime(datetime.now(UTC))}",
        f"Message-ID: {message_id}",
        "MIME-Version: 1.0",
        # No out-of-office answers: by the standard (RFC 3834 §5), and as Exchange wants it.
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
    ]
    part = body_part(draft.text, draft.html, draft.attachments)
    mime = serialise(fields, part)
    body_size = len(check_fields(part.fields).encode()) + len(b"\r\n") + len(part.body)
    return ComposedMail(parties.envelope, message_id, mime, len(mime) - body_size)


def serialise(fields: Sequence[str], part: Part) -> bytes:
    """Return header and body as the bytes that go over the wire.

    Raises:
        ComposeError: a bare CR or LF is left, with which a second mail could be smuggled in.
    """
    mime = check_fields([*fields, *part.fields]).encode() + b"\r\n" + part.body
    if not mime.count(b"\r\n") == mime.count(b"\r") == mime.count(b"\n"):
        raise ComposeError("", _("This mail can't be written: a line ends in an unsafe way."))
    return mime

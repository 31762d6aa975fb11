"""Giving a composed mail another sender, when one account stands in for another."""

from __future__ import annotations

import re

from delivery.compose.addressing import read_address
from delivery.compose.headers import address_field, check_fields, mailbox_field, refuse_control_characters

_FIELD_START = re.compile(r"\r\n(?![ \t])")


def readdress(head: bytes, *, display_name: str, address: str, answers_to: str) -> bytes:
    """Write another sender into the header fields of a mail; everything else stays, the Message-ID too.

    Answers go on to whom they went before: a Reply-To that is there stays, else it is added.

    Args:
        head: The mail's own header fields, each with its CRLF.
        display_name: Of the account that sends.
        address: Of the account that sends.
        answers_to: The address that the mail was accepted for.

    Raises:
        ComposeError: A value would break out of its header, or an address is wrong.
    """
    refuse_control_characters("display_name", display_name)
    fields = [field for field in _FIELD_START.split(head.decode()) if field]
    is_raw = not head.isascii()
    written = [_spell(mailbox, is_raw=is_raw) for mailbox in (address, answers_to)]
    sender = mailbox_field("From", display_name, written[0])
    fields = [sender if _name(field) == "from" else field for field in fields]
    if not any(_name(field) == "reply-to" for field in fields) and written[0] != written[1]:
        fields.insert(_first_after_receivers(fields), address_field("Reply-To", [written[1]]))
    return check_fields(fields).encode()


def _spell(text: str, *, is_raw: bool) -> str:
    address = read_address("sender_address", text)
    return f"{address.local}@{address.domain}" if is_raw or address.needs_smtputf8 else address.ascii


def _first_after_receivers(fields: list[str]) -> int:
    return 1 + max(index for index, field in enumerate(fields) if _name(field) in {"from", "to", "cc"})


def _name(field: str) -> str:
    return field.partition(":")[0].lower()

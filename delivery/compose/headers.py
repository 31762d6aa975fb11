"""Header fields: written, folded, and checked (RFC 5322 §2.2, §3.4, §3.6)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from delivery.compose.encoded_words import encode_words, hides_control_characters
from delivery.compose.exceptions import ComposeError
from senders.validators import has_control_characters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LINE_LENGTH = 78
"""Characters that a line should have at most (RFC 5322 §2.1.1)."""
MAX_LINE_LENGTH = 998
"""Characters that a line must have at most (RFC 5322 §2.1.1)."""

# A longer run without a space could not be folded: it is written as encoded words, which can.
_MAX_RUN = 60
_ENCODED_LINE_LENGTH = 76
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_SPACES = re.compile(" +")
_FOLDABLE_SPACE = re.compile(r"(?<=[^ ]) (?=[^ ])")


def refuse_control_characters(field: str, text: str) -> None:
    """Refuse a text that could break out of its header line, at once or after decoding (CVE-2024-6923).

    Raises:
        ComposeError: names the field.
    """
    if has_control_characters(text) or hides_control_characters(text):
        raise ComposeError(field, _("This holds a line break or an invisible control character."))


def text_field(name: str, text: str) -> str:
    """Write an unstructured field such as Subject (RFC 5322 §2.2.1)."""
    text = text.strip()
    words = _FOLDABLE_SPACE.split(text)
    if not _is_plain(text, words):
        words = encode_words(text, _ENCODED_LINE_LENGTH - len(name) - 2)
    return _fold(name, words)


@lru_cache(maxsize=64)
def mailbox_field(name: str, display_name: str, address: str) -> str:
    """Write a field of one mailbox with its display name (RFC 5322 §3.4), in which runs of spaces mean one."""
    phrase = _phrase(_SPACES.sub(" ", display_name.strip()), _ENCODED_LINE_LENGTH - len(name) - 2)
    return _fold(name, [*phrase, f"<{address}>"])


def address_field(name: str, addresses: Sequence[str]) -> str:
    """Write a field that lists addresses (RFC 5322 §3.6.3)."""
    return _fold(name, [*(f"{address}," for address in addresses[:-1]), addresses[-1]])


def check_fields(fields: Sequence[str]) -> str:
    """Return the fields as one header block with CRLF, read back to prove that no field became two.

    Raises:
        ComposeError: a value broke out of its field; never for values that went through this module.
    """
    block = "\r\n".join([*fields, ""])
    if _is_of_short_lines(fields, block):
        return block
    lines = block.split("\r\n")[:-1]
    starts = [line for line in lines if not line.startswith(" ")]
    as_written = [start.partition(":")[0] for start in starts] == [field.partition(":")[0] for field in fields]
    whole = all(line.strip() and len(line.encode()) <= MAX_LINE_LENGTH for line in lines)
    if not as_written or not whole or block.count("\n") != len(lines) or block.count("\r") != len(lines):
        raise ComposeError("", _("This mail can't be written: a value breaks out of its header line."))
    return block


def _is_of_short_lines(fields: Sequence[str], block: str) -> bool:
    """Tell of nearly all headers, and at once, that each field is one line of its own: no line end is in any."""
    return (
        block.count("\n") == block.count("\r") == len(fields)
        and max(map(len, fields), default=0) <= MAX_LINE_LENGTH // 4
        and all(field[:1] > " " for field in fields)
    )


def quote(text: str) -> str:
    r"""Write a quoted-string (RFC 5322 §3.2.4): `"` and `\` get a backslash."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_plain(text: str, limit: int = _MAX_RUN) -> bool:
    """Tell whether the text is short printable ASCII that no reader takes for an encoded word."""
    return len(text) <= limit and text.isascii() and "=?" not in text


def _is_plain(text: str, words: Sequence[str]) -> bool:
    return is_plain(text, len(text)) and all(len(word) <= _MAX_RUN for word in words)


def _phrase(text: str, room: int) -> list[str]:
    if not text:
        return []
    words = _FOLDABLE_SPACE.split(text)
    if not _is_plain(text, words):
        return encode_words(text, room)
    if _ATOMS.fullmatch(text):
        return words
    return _FOLDABLE_SPACE.split(quote(text))


def _fold(name: str, words: Iterable[str]) -> str:
    """Join the words by spaces, breaking the line before a word that would make it too long."""
    lines = []
    line = f"{name}:"
    for word in words:
        if len(line) + 1 + len(word) > LINE_LENGTH and not line.endswith(":"):
            lines.append(line)
            line = ""
        line = f"{line} {word}"
    return "\r\n".join([*lines, line])

"""Encoded words: how text beyond ASCII stands in a header (RFC 2047)."""

import binascii
import re
import string

from senders.validators import has_control_characters

MAX_WORD = 75
"""Characters of one encoded word at most (RFC 2047 §2)."""

_OVERHEAD = len("=?utf-8?q??=")
# The narrowest set of RFC 2047 §5, rule 3: good in a phrase and therefore everywhere.
_SAFE = (string.ascii_letters + string.digits + "!*+-/").encode("ascii")
_Q = {byte: chr(byte) if byte in _SAFE else "_" if byte == 0x20 else f"={byte:02X}" for byte in range(256)}
# As loose as the loosest reader: the payload may hold spaces, the charset a language (RFC 2231 §5).
_WORD = re.compile(r"=\?([^?*]*)(?:\*[^?]*)?\?([bq])\?([^?]*)\?=", re.IGNORECASE)


def encode_words(text: str, room: int = MAX_WORD) -> list[str]:
    """Return the text as encoded words, B or Q whichever is shorter; no character is parted.

    Args:
        text: any text without lone surrogates.
        room: characters left for the first word on its line; at least 24.
    """
    octets = text.encode()
    q_length = len(octets) + 2 * len(octets.translate(None, _SAFE + b" "))
    if 4 * ((len(octets) + 2) // 3) < q_length:
        return _b_words(octets, min(room, MAX_WORD))
    return _q_words(text, min(room, MAX_WORD))


def _b_words(octets: bytes, room: int) -> list[str]:
    words = []
    start = 0
    while start < len(octets):
        end = start + (room - _OVERHEAD) // 4 * 3
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?b?{binascii.b2a_base64(octets[start:end], newline=False).decode('ascii')}?=")
        start, room = end, MAX_WORD
    return words


def _q_words(text: str, room: int) -> list[str]:
    words: list[str] = []
    run: list[str] = []
    length = 0
    for char in text:
        piece = "".join(map(_Q.__getitem__, char.encode()))
        if length + len(piece) > room - _OVERHEAD:
            words.append(f"=?utf-8?q?{''.join(run)}?=")
            run, length, room = [], 0, MAX_WORD
        run.append(piece)
        length += len(piece)
    words.append(f"=?utf-8?q?{''.join(run)}?=")
    return words


def hides_control_characters(text: str) -> bool:
    """Tell whether the text holds an encoded word that turns into control characters when it is decoded.

    Some readers, and some relays that write headers anew, decode twice; a line end must not come out of that.
    """
    return "=?" in text and any(has_control_characters(_decode(*word.groups())) for word in _WORD.finditer(text))


def _decode(charset: str, encoding: str, payload: str) -> str:
    octets = payload.encode("ascii", "replace")
    try:
        decoded = binascii.a2b_qp(octets, header=True) if encoding in "qQ" else binascii.a2b_base64(octets + b"===")
    except binascii.Error:
        return ""
    try:
        return decoded.decode(charset, "replace")
    except (LookupError, ValueError):
        return decoded.decode("latin-1")

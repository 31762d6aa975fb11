"""Taking the files out of a stored body: each leaves a note of what it was, with its own name and in its own place.

Bodies with files are written by this product, as `multipart/mixed` whose boundary stands nowhere else, so they are
taken apart by that boundary: no parser is needed, which would hold a large file several times over.
"""

import re
from dataclasses import dataclass
from datetime import date
from email import message_from_bytes, policy
from email.message import Message

_FIELD = "Mailbox-Removed"
"""Header field of a note: the day, and the size and the type of the file that was there."""
_NEVER = "never kept"
"""What stands in the place of the day where masking left the file out from the beginning."""
_MIXED = re.compile(rb'\AContent-Type: multipart/mixed;\s+boundary="([^"\r\n]+)"', re.IGNORECASE)
_VALUE = re.compile(rf"(\d{{4}}-\d\d-\d\d|{_NEVER}); size=(\d{{1,12}}); type=([!-~]{{1,255}})")
_END = b"\r\n\r\n"
_NEVER_KEPT = "This file was never kept: it was left out by masking."


@dataclass(frozen=True, slots=True)
class RemovedFile:
    """What a note says of the file that was there."""

    removed_on: date | None
    """None: it was never kept."""
    size: int
    content_type: str


def find_removed(field: str | None) -> RemovedFile | None:
    """Read the field of a note; None where a part is none."""
    match = _VALUE.fullmatch(field.strip()) if field else None
    if match is None:
        return None
    removed_on = None if match[1] == _NEVER else date.fromisoformat(match[1])
    return RemovedFile(removed_on, int(match[2]), match[3])


def read_note(part: Message) -> RemovedFile | None:
    """Tell what file a part stands for; None where it is the file itself."""
    return find_removed(part.get(_FIELD))


def strip_files(body: bytes, today: date | None) -> bytes:
    """Return a body with a note in the place of each of its files; as it is where it has none.

    Args:
        body: From Content-Type on, as it was composed.
        today: The day that the notes tell; None: the files are never kept.
    """
    fields, _end, content = body.partition(_END)
    match = _MIXED.match(fields)
    if match is None:
        return body
    delimiter, close = b"--" + match[1] + b"\r\n", b"--" + match[1] + b"--\r\n"
    before, text, *files = content.removesuffix(close).split(delimiter)
    notes = [_write_note(file, today) for file in files]
    return b"".join((fields, _END, delimiter.join([before, text, *notes]), close))


def _write_note(part: bytes, today: date | None) -> bytes:
    """Write what stands in the place of a file: its name and disposition stay."""
    fields, _end, encoded = part.partition(_END)
    described = message_from_bytes(fields + _END, policy=policy.compat32)
    if described.get(_FIELD):
        return part
    value = f"{today.isoformat() if today else _NEVER}; size={_size_of(encoded)}; type={described.get_content_type()}"
    disposition = described.get("Content-Disposition", "attachment")
    lines = (
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: 7bit",
        f"Content-Disposition: {disposition}",
        f"{_FIELD}: {value}",
        "",
        f"This file is not kept any more. It was removed on {today.isoformat()}." if today else _NEVER_KEPT,
        "",
    )
    return "\r\n".join(lines).encode("ascii", "replace")


def _size_of(encoded: bytes) -> int:
    """Tell how many bytes a text in base64 stands for."""
    characters = len(encoded) - encoded.count(b"\r\n") * 2
    return characters // 4 * 3 - encoded.rstrip(b"\r\n")[-2:].count(b"=")

"""Names and types of attached files (RFC 2183, RFC 2231)."""

from __future__ import annotations

import mimetypes
import re
from typing import TYPE_CHECKING
from urllib.parse import quote as percent_encode

from django.utils.translation import gettext as _

from delivery.compose.encoded_words import encode_words
from delivery.compose.exceptions import ComposeError
from delivery.compose.headers import LINE_LENGTH, is_plain, quote, refuse_control_characters

if TYPE_CHECKING:
    from delivery.values import Attachment

DEFAULT_TYPE = "application/octet-stream"
DEFAULT_NAME = "attachment"
MAX_FILE_NAME_LENGTH = 255

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
# What RFC 2231 §7 calls attribute-char, beyond letters, digits and `_.-~`.
_ATTRIBUTE_CHARS = "!#$&+^`{|}"

_OFFICE = "application/vnd.openxmlformats-officedocument"
_MORE_TYPES = {
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".ics": "text/calendar",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".parquet": "application/vnd.apache.parquet",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".sql": "application/sql",
    ".webp": "image/webp",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}


def _known_types() -> mimetypes.MimeTypes:
    # Python's own table and ours, never the machine's: the same file has the same type everywhere.
    known = mimetypes.MimeTypes(filenames=())
    for extension, media_type in _MORE_TYPES.items():
        known.add_type(media_type, extension)
    return known


_KNOWN_TYPES = _known_types()


def content_type_of(attachment: Attachment) -> str:
    """Return the media type of a file: as given, else guessed from its name; text in UTF-8 says so.

    Raises:
        ComposeError: the given type is not `maintype/subtype`.
    """
    media_type = attachment.content_type.partition(";")[0].strip().lower()
    if not media_type:
        guessed, packing = _KNOWN_TYPES.guess_type(attachment.filename)
        media_type = guessed if guessed and not packing else DEFAULT_TYPE
    if not _TYPE.fullmatch(media_type):
        raise ComposeError(
            "attachments",
            _("The type of “%(name)s” is wrong. A type looks like application/pdf.") % {"name": attachment.filename},
        )
    # Their own content must not be base64 (RFC 2046 §5.1, §5.2.1), and base64 is what keeps a file whole.
    if media_type.startswith(("message/", "multipart/")):
        return DEFAULT_TYPE
    return f'{media_type}; charset="utf-8"' if media_type.startswith("text/") and _is_utf8(attachment) else media_type


def file_name_fields(filename: str) -> tuple[str, str]:
    """Return the file's name as parameters of Content-Type (`name=`) and Content-Disposition (`filename=`).

    A name beyond ASCII stands as RFC 2231 demands in the second, and as encoded words in the first:
    against the letter of RFC 2047, for the readers that know nothing else.

    Raises:
        ComposeError: the name holds control characters or is too long.
    """
    name = re.split(r"[/\\]", filename)[-1].strip() or DEFAULT_NAME
    refuse_control_characters("attachments", name)
    if len(name) > MAX_FILE_NAME_LENGTH:
        raise ComposeError(
            "attachments",
            _("The file name “%(name)s…” is too long: %(limit)d characters at most.")
            % {"name": name[:40], "limit": MAX_FILE_NAME_LENGTH},
        )
    if is_plain(name):
        return f"name={quote(name)}", f"filename={quote(name)}"
    words = encode_words(name, LINE_LENGTH - len(' name=""'))
    return 'name="' + "\r\n ".join(words) + '"', _extended_parameter("filename", name)


def _extended_parameter(parameter: str, value: str) -> str:
    """Write a parameter with its charset, in several sections where it is long (RFC 2231 §3, §4)."""
    escaped = [percent_encode(char, safe=_ATTRIBUTE_CHARS) for char in value]
    whole = f"{parameter}*=utf-8''{''.join(escaped)}"
    if len(whole) < LINE_LENGTH:
        return whole
    sections = [f"{parameter}*0*=utf-8''"]
    for piece in escaped:
        if len(sections[-1]) + len(piece) > LINE_LENGTH - len(" ;"):
            sections.append(f"{parameter}*{len(sections)}*=")
        sections[-1] += piece
    return ";\r\n ".join(sections)


def _is_utf8(attachment: Attachment) -> bool:
    try:
        attachment.content.decode()
    except UnicodeDecodeError:
        return False
    return True

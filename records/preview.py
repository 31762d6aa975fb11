"""The content of a mail, made safe to look at: parsed, sanitised, nothing loaded from anywhere."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

import nh3
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from records.keeping.stripping import read_note
from records.links import Link, find_links
from records.nesting import is_too_deep

MAX_LINKS = 200
"""Links that are told."""
_MAX_INLINE_IMAGE = 500_000
_INLINE_IMAGE_TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_HEADERS: dict[str, str | Promise] = {
    "From": pgettext_lazy("header of a mail", "From"),
    "To": pgettext_lazy("header of a mail", "To"),
    "Cc": pgettext_lazy("header of a mail", "Cc"),
    "Reply-To": pgettext_lazy("header of a mail", "Reply-To"),
    "Date": pgettext_lazy("header of a mail", "Date"),
    "Message-ID": "Message-ID",
}
_TAGS = nh3.ALLOWED_TAGS | {"style", "font", "tfoot", "section", "main", "big"}
_ATTRIBUTES = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
# A link followed in the frame would put another page, or the browser's refusal, in the place of the mail.
_ATTRIBUTES["a"] -= {"href"}
_ATTRIBUTES["*"] = {"style", "class", "align", "valign", "bgcolor", "width", "height", "border", "dir", "lang", "title"}
_ATTRIBUTES["font"] = {"face", "size", "color"}
_ATTRIBUTES["table"] |= {"cellpadding", "cellspacing"}
_UNWANTED_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file of a mail, as listed; `index` names it in its address."""

    index: int
    filename: str
    content_type: str
    size: int
    is_kept: bool = True
    """False: the rest tells what it was."""
    removed_on: date | None = None
    """Since when it is not kept any more; None: it still is, or never was."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a mail shows to its reader."""

    headers: list[tuple[str | Promise, str]]
    html: str
    """Sanitised; still only to be shown in a sandboxed frame. Empty: the mail has none, or none that can be shown."""
    text: str
    attachments: list[AttachedFile]
    fields: list[tuple[str, str]]
    """All header fields, whole, in their order."""
    links: list[Link]
    """Where the links of the HTML lead, which can't be followed in it; the first of them."""
    more_links: int
    """So many are not among these."""


def read_preview(mime: bytes) -> Preview:
    """Return the readable content of a composed mail."""
    message = _parse(mime)
    html, text = (
        _text_of(part) if part else "" for part in (message.get_body(("html",)), message.get_body(("plain",)))
    )
    if is_too_deep(html):  # shown as text; the source is better than nothing
        html, text = "", text or html
    links = find_links(html)
    return Preview(
        headers=[(label, str(message[name])) for name, label in _HEADERS.items() if message[name]],
        html=sanitise(html, _inline_images(message)) if html else "",
        text=text,
        attachments=[_list_file(index, part) for index, part in enumerate(message.iter_attachments())],
        fields=[(name, str(value)) for name, value in message.items()],
        links=links[:MAX_LINKS],
        more_links=len(links[MAX_LINKS:]),
    )


def _list_file(index: int, part: MIMEPart) -> AttachedFile:
    removed = read_note(part)
    if removed:
        name = _filename(part, index)
        return AttachedFile(
            index, name, removed.content_type, removed.size, is_kept=False, removed_on=removed.removed_on
        )
    return AttachedFile(index, _filename(part, index), part.get_content_type(), len(_bytes_of(part)))


def find_attachment(mime: bytes, index: int) -> tuple[str, bytes] | None:
    """Return name and content of one attachment, or None where the mail has no such one, or not any more."""
    parts = list(_parse(mime).iter_attachments())
    if index >= len(parts) or read_note(parts[index]):
        return None
    return _filename(parts[index], index), _bytes_of(parts[index])


def sanitise(html: str, images: dict[str, str] | None = None) -> str:
    """Return HTML without scripts, forms, frames, links and remote addresses; `cid:` images become part of it."""
    known = images or {}

    def keep(_tag: str, name: str, value: str) -> str | None:
        return _find_image(value, known) if name == "src" else value

    cleaned: str = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "title"},
        attributes=_ATTRIBUTES,
        url_schemes={"cid", "data"},
        attribute_filter=keep,
        link_rel=None,
    )
    return cleaned


def _find_image(address: str, known: dict[str, str]) -> str | None:
    """Return what an image shows without loading anything: what stands in its address, or in a part of the mail."""
    scheme, _colon, rest = address.strip().partition(":")
    if scheme.lower() == "cid":
        return known.get(rest)
    return address if address.startswith("data:image/") else None


def _parse(mime: bytes) -> EmailMessage:
    message = message_from_bytes(mime, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _text_of(part: MIMEPart) -> str:
    charset = part.get_content_charset("utf-8")
    try:
        return _bytes_of(part).decode(charset, "replace")
    except LookupError:
        return _bytes_of(part).decode("utf-8", "replace")


def _bytes_of(part: MIMEPart) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else part.as_bytes()


def _filename(part: MIMEPart, index: int) -> str:
    """Return the file's own name without folders, control characters and turned writing direction."""
    name = _UNWANTED_IN_NAMES.sub("", part.get_filename() or "").replace("\\", "/").rpartition("/")[2].strip(" .")
    return name or f"attachment-{index + 1}"


def _inline_images(message: EmailMessage) -> dict[str, str]:
    return dict(_read_inline_images(message))


def _read_inline_images(message: EmailMessage) -> Iterator[tuple[str, str]]:
    for part in message.walk():
        content_id = str(part.get("Content-ID", "")).strip().strip("<>")
        if not content_id or part.get_content_type() not in _INLINE_IMAGE_TYPES:
            continue
        content = _bytes_of(part)
        if len(content) <= _MAX_INLINE_IMAGE:
            yield content_id, f"data:{part.get_content_type()};base64,{base64.b64encode(content).decode()}"

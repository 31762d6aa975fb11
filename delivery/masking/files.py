"""Searching files for secrets: those that are text. What is packed, as in a PDF or an archive, can't be seen; pure."""

import codecs
import quopri
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import lru_cache

from delivery.compose.plain_text import text_from_html
from delivery.masking.hiding import holds
from delivery.masking.markup import texts_of_html
from delivery.masking.readings import spellings
from delivery.masking.rules import Rule
from delivery.values import Attachment

LONGEST = 2**20
"""Characters of a text file that rules search. What is in a longer one nobody knows, so it is not kept."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_PACKED = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Octets that no text in a usual encoding has; ESC begins colours in logs."""
_FOLD = re.compile(r"\r?\n[ \t]")
_LOOKED_AT = 200
_REMEMBERED = 64
"""Searches, each of one file by one rule."""

FileSearch = Callable[[Rule, Attachment], frozenset[str] | None]


def remembering_search() -> FileSearch:
    """Give a search that remembers what it found while the mails of a call are masked: mailings share a few files."""
    return lru_cache(_REMEMBERED)(find_in_file)


def find_in_file(rule: Rule, file: Attachment) -> frozenset[str] | None:
    """Find the essences of what a rule finds in a file; None: it is too long a text to be searched."""
    text = read_text(file)
    if text is None:
        return frozenset()
    return None if len(text) > LONGEST else rule.find_in(_texts_of(text))


def file_holds(file: Attachment, secrets: Collection[str]) -> bool:
    """Tell whether one of the essences stands in a file as text."""
    readings = [file.content.decode("utf-8", "ignore")]  # some of what is packed has stretches of text
    if (text := read_text(file)) is not None:
        readings += _texts_of(text)
    different = dict.fromkeys(spelling for reading in readings for spelling in spellings(reading))
    return any(holds(spelling, secrets) for spelling in different)


def read_text(file: Attachment) -> str | None:
    """Read a file that is text, in the encoding it declares or one that fits all of it; None: it is none."""
    content = file.content
    if encoding := _find_encoding(content):
        return content.decode(encoding, "replace")
    is_packed = _PACKED.search(content) is not None
    declared = _CHARSET.search(file.content_type)
    for encoding in (declared[1] if declared else "utf-8", "utf-8", *(() if is_packed else ("gb18030",))):
        with suppress(LookupError, UnicodeError):
            return content.decode(encoding)
    return None if is_packed else content.decode("utf-8", "replace")


def _find_encoding(content: bytes) -> str | None:
    """Find the encoding that the first octets give away."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    begin = content[:_LOOKED_AT]
    if len(begin) > 1 and any(begin):
        if not any(begin[1::2]):
            return "utf-16-le"
        if not any(begin[::2]):
            return "utf-16-be"
    return None


def _texts_of(text: str) -> Iterator[str]:
    """Give a file's text in every way in which its reader may have it."""
    yield text
    if "</" in text or "/>" in text:
        yield text_from_html(text)
        yield from texts_of_html(text)
    if text.lstrip().startswith("BEGIN:V"):  # calendars and address cards fold their lines (RFC 5545 §3.1)
        yield _FOLD.sub("", text)
    if "quoted-printable" in text.lower():
        yield quopri.decodestring(text.encode()).decode("utf-8", "replace")

"""Searching files for secrets: those that are text. What is packed, as in a PDF or an archive, can't be seen; pure."""

import codecs
import quopri
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from delivery.compose.plain_text import text_from_html
from delivery.masking.hiding import holds
from delivery.masking.markup import texts_of_html
from delivery.masking.readings import spellings
from delivery.masking.rules import Rule
from delivery.values import Attachment

LONGEST = 2**20
"""Characters of a text file that are searched. What is in a longer one no rule knows, so it is not kept."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_OF_TEXT = re.compile(
    r"utf-(8|16|32)(-[bl]e|-sig)?|ascii|(iso8859|cp|koi8|mac|big5|gb|euc|shift|iso2022|hz|johab|tis).*"
)
"""Python's names of codecs, see https://docs.python.org/3/library/codecs.html#standard-encodings."""
_PACKED = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Octets that no text in a usual encoding has; ESC begins colours in logs."""
_FOLD = re.compile(r"\r?\n[ \t]")
_LOOKED_AT = 200
_FILES, _SEARCHES = 4, 64
"""How many readings of files are remembered, and how many searches of one by a rule."""


class _Readings(NamedTuple):
    """A file in every way in which its reader may have it."""

    texts: tuple[str, ...]
    """Of one that is text."""
    is_too_long: bool
    """It is a text, and longer than is searched."""


class Files:
    """Searches files while the mails of a call are masked; what it read and found it remembers: they share a few."""

    def __init__(self) -> None:
        """Begin to remember."""
        self._read = lru_cache(_FILES)(_read)
        self._spell = lru_cache(_FILES)(self._spell_all)
        self.find = lru_cache(_SEARCHES)(self._find)

    def _find(self, rule: Rule, file: Attachment) -> frozenset[str] | None:
        """Find the essences of what a rule finds in a file; None: it is too long a text to be searched."""
        readings = self._read(file)
        return None if readings.is_too_long else rule.find_in(readings.texts)

    def hold(self, file: Attachment, secrets: Collection[str]) -> bool:
        """Tell whether one of the essences stands in a file as text."""
        return any(holds(spelling, secrets) for spelling in self._spell(file))

    def _spell_all(self, file: Attachment) -> tuple[str, ...]:
        # Some of what is packed has stretches of text, and of what is too long its octets are looked through.
        readings = (file.content.decode("utf-8", "ignore"), *self._read(file).texts)
        return tuple(dict.fromkeys(spelling for reading in readings for spelling in spellings(reading)))


def _read(file: Attachment) -> _Readings:
    text = read_text(file)
    if text is None or len(text) > LONGEST:
        return _Readings((), is_too_long=text is not None)
    return _Readings(tuple(_texts_of(text)), is_too_long=False)


def read_text(file: Attachment) -> str | None:
    """Read a file that is text, in the encoding it declares or one that fits all of it; None: it is none."""
    content = file.content
    if encoding := _find_encoding(content):
        return content.decode(encoding, "replace")
    is_packed = _PACKED.search(content) is not None
    for encoding in (_find_declared(file.content_type), "utf-8", *(() if is_packed else ("gb18030",))):
        with suppress(UnicodeError):
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


def _find_declared(content_type: str) -> str:
    """Find the encoding that a type declares, if it is one of text: some codecs take for ever, or give no text."""
    declared = _CHARSET.search(content_type)
    with suppress(LookupError):
        name = codecs.lookup(declared[1]).name if declared else ""
        if _OF_TEXT.fullmatch(name):
            return name
    return "utf-8"


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

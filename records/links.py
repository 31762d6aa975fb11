"""Where the links of a mail's HTML lead: told as text, since whoever only looks at a mail must not follow them.

A link may sign its receiver in or end a subscription, and it may do so once only.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from records.html_scanner import Comment, Tag, Text, decode_references, find_value, scan

MAX_WORDS = 200
"""Characters of a link's words; a link that is never closed takes in the rest of its mail."""
MAX_ADDRESS = 4_000
"""Characters of an address: hardly a server takes more, and a `data:` address may be a whole file."""
_BREAKING = frozenset(("br", "div", "h1", "h2", "h3", "h4", "img", "li", "p", "table", "td", "th", "tr"))
_LINE_ENDS = re.compile("[\t\n\r]")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f]")


class Link(NamedTuple):
    """A link as it is told; both end in an ellipsis where they are too long."""

    words: str
    """What its reader sees of it; empty for a picture without words."""
    address: str
    """As it is written, whatever it is; what can't be seen stands in it as a browser asks for it."""


def find_links(html: str) -> list[Link]:
    """Return the links of HTML that lead out of it, in order, each once. Takes time in proportion to its length."""
    return list(dict.fromkeys(_read_links(html)))


def _read_links(html: str) -> Iterator[Link]:
    address, words = "", ""
    for piece in scan(html):
        if isinstance(piece, Tag) and piece.name in {"a", "area"}:
            if address:
                yield Link(_as_words(words), address)
            address, words = _as_address(find_value(piece, "href", html)), find_value(piece, "alt", html)
            if address and piece.name == "area":  # an empty element
                yield Link(_as_words(words), address)
                address = ""
        elif address and len(words) <= MAX_WORDS:
            words += _words_of(piece, html)
    if address:
        yield Link(_as_words(words), address)


def _words_of(piece: Tag | Text | Comment, html: str) -> str:
    if isinstance(piece, Tag):
        return f" {find_value(piece, 'alt', html)}" if piece.name in _BREAKING else ""
    if isinstance(piece, Comment) or piece.raw_element:
        return ""
    return decode_references(html[piece.start : piece.end]).text


def _as_words(text: str) -> str:
    return _cut(_UNSEEN.sub("", " ".join(text.split())), MAX_WORDS)


def _as_address(text: str) -> str:
    """Write an address as it is asked for (WHATWG URL §4.4); empty for a place in the mail itself."""
    address = _LINE_ENDS.sub("", text.strip())
    return "" if address.startswith("#") else _cut(_UNSEEN.sub(_quote, address), MAX_ADDRESS)


def _quote(unseen: re.Match[str]) -> str:
    return quote(unseen[0])


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

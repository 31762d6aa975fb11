"""Read HTML into tags, texts and comments that know their place (WHATWG HTML §13.2.5, the tokenizer).

Own code, since whoever changes a piece must leave the rest as it is, in broken HTML too, and since the standard
library's parser reads broken HTML differently in each release and takes quadratic time on some of it.
Each step moves forward only: the time is proportional to the length. Nothing raises.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Attribute(NamedTuple):
    """An attribute that has a value: `html[start:end]`, without quotes."""

    name: str
    start: int
    end: int


class Tag(NamedTuple):
    """A start tag or an end tag; names in lower case."""

    name: str
    is_end: bool
    attributes: tuple[Attribute, ...]


class Text(NamedTuple):
    """Text between tags: `html[start:end]`, character references and all."""

    start: int
    end: int
    raw_element: str = ""
    """The element, such as `style`, in which markup has no meaning; empty outside of those."""


class Comment(NamedTuple):
    """The content of a comment: `html[start:end]`."""

    start: int
    end: int


class DecodedText(NamedTuple):
    """A text with its character references replaced, and where each character came from."""

    text: str
    offsets: tuple[int, ...]
    """For each character, and for the end, the offset in the raw text."""


_MARKUP = re.compile(
    r"<(?:(?P<comment>!--)|(?P<bogus>[!?]|/(?![a-zA-Z]))|(?P<end>/)?(?P<name>[a-zA-Z][^\s/>]*+)(?P<close>>)?)"
)
_COMMENT_CLOSE = re.compile(r"--!?>")
_BOGUS_COMMENT_CLOSE = re.compile(">")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?P<name>[^\s/>][^\s/>=]*+)
    (?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<open>["'])|(?P<bare>[^\s>"'][^\s>]*+))?)?""",
    re.VERBOSE,
)
_TAG_CLOSE = re.compile(r"[\s/]*+(>)?")
_RAW_TEXT_CLOSE = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("style", "script", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
_REFERENCE = re.compile(
    r"&(?:#0*+([0-9]{1,8})(?![0-9])|#[xX]0*+([0-9a-fA-F]{1,8})(?![0-9a-fA-F])|([a-zA-Z][a-zA-Z0-9]*+)(?!=))(;?)"
)


def scan(html: str, start: int = 0, end: int | None = None) -> Iterator[Tag | Text | Comment]:
    """Yield what stands in HTML, in order; a tag or comment that never ends is the end, as for a browser."""
    end = len(html) if end is None else end
    position = start
    while markup := _MARKUP.search(html, position, end):
        if markup.start() > position:
            yield Text(position, markup.start())
        if markup["name"] is None:
            closing = _close_comment(html, markup, end)
            if not closing:
                return
            yield Comment(markup.end(), max(closing.start(), markup.end()))
            position = closing.end()
            continue
        tag, position = _read_tag(html, markup, end)
        if not tag:
            return
        yield tag
        if tag.name in _RAW_TEXT_CLOSE and not tag.is_end:
            closing = _RAW_TEXT_CLOSE[tag.name].search(html, position, end)
            content_end = closing.start() if closing else end
            yield Text(position, content_end, tag.name)
            position = content_end
    if position < end:
        yield Text(position, end)


def _read_tag(html: str, markup: re.Match[str], end: int) -> tuple[Tag | None, int]:
    """Read the attributes; return the tag and where it ends, or no tag where it never ends."""
    if markup["close"]:
        return Tag(markup["name"].lower(), bool(markup["end"]), ()), markup.end()
    attributes: list[Attribute] = []
    position = markup.end()
    while True:
        closing = _TAG_CLOSE.match(html, position, end)
        if closing and closing[1]:
            return Tag(markup["name"].lower(), bool(markup["end"]), tuple(attributes)), closing.end()
        attribute = _ATTRIBUTE.match(html, position, end)
        if not attribute or attribute["open"]:
            return None, end
        position = attribute.end()
        group = attribute.lastgroup or "name"
        if group != "name":
            attributes.append(Attribute(attribute["name"].lower(), *attribute.span(group)))


def _close_comment(html: str, markup: re.Match[str], end: int) -> re.Match[str] | None:
    if markup["bogus"]:
        return _BOGUS_COMMENT_CLOSE.search(html, markup.end(), end)
    # `<!-->` and `<!--->` are whole comments.
    return _COMMENT_CLOSE.search(html, markup.end() - 2, end)


def find_value(tag: Tag, name: str, html: str) -> str:
    """Return the value of an attribute, of the first where several have that name; empty where there is none."""
    raw = next((html[found.start : found.end] for found in tag.attributes if found.name == name), "")
    return decode_references(raw).text


def decode_references(raw: str) -> DecodedText:
    """Replace the character references of an attribute value or a text (WHATWG HTML §13.2.5.72)."""
    if "&" not in raw:
        return DecodedText(raw, tuple(range(len(raw) + 1)))
    pieces: list[str] = []
    offsets: list[int] = []
    position = 0
    for reference in _REFERENCE.finditer(raw):
        text = _referenced(reference)
        if text is None:
            continue
        pieces += [raw[position : reference.start()], text]
        offsets += [*range(position, reference.start()), *([reference.start()] * len(text))]
        position = reference.end()
    pieces.append(raw[position:])
    offsets += range(position, len(raw) + 1)
    return DecodedText("".join(pieces), tuple(offsets))


def _referenced(reference: re.Match[str]) -> str | None:
    decimal, hexadecimal, name, semicolon = reference.groups()
    if name:
        return html5.get(name + semicolon)
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"

"""Find style sheets and style attributes in HTML, with their places (WHATWG HTML §13.2.5, the tokenizer).

Own code, since every character that isn't part of a finding must stay as it is, in broken HTML too, and since the
standard library's parser changes its reading of broken HTML between releases and takes quadratic time on some of it.
Each step moves forward only: the time is proportional to the length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class FindingKind(Enum):
    """What a finding holds."""

    SHEET = "sheet"
    """The content of a `style` element: rules."""
    INLINE = "inline"
    """The value of a `style` attribute: declarations."""
    FACE = "face"
    """The value of the `face` attribute of a `font` element: a list of font families."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A piece of CSS in HTML: `html[start:end]`."""

    kind: FindingKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DecodedText:
    """An attribute value with its character references replaced, and where each character came from."""

    text: str
    offsets: tuple[int, ...]
    """For each character, and for the end, the offset in the raw value."""


_MARKUP = re.compile(r"<(?:(?P<comment>!--)|(?P<bogus>[!?]|/(?![a-zA-Z]))|(?P<end>/)?(?P<name>[a-zA-Z][^\s/>]*))")
_COMMENT_END = re.compile(r"--!?>")
_TAG_CLOSE = re.compile(">")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?P<name>[^\s/>][^\s/>=]*+)
    (?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<open>["'])|(?P<bare>[^\s>"'][^\s>]*+))?)?""",
    re.VERBOSE,
)
_TAG_END = re.compile(r"[\s/]*+(>)?")
_RAW_TEXT = frozenset(("style", "script", "textarea", "title", "xmp", "iframe", "noembed", "noframes"))
_RAW_TEXT_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW_TEXT}
_REFERENCE = re.compile(
    r"&(?:#0*+([0-9]{1,8})(?![0-9])|#[xX]0*+([0-9a-fA-F]{1,8})(?![0-9a-fA-F])|([a-zA-Z][a-zA-Z0-9]*+)(?!=))(;?)"
)


def find_css(html: str, start: int = 0, end: int | None = None) -> Iterator[Finding]:
    """Yield the pieces of CSS in HTML, in order; those in conditional comments for Outlook too."""
    end = len(html) if end is None else end
    position = start
    while markup := _MARKUP.search(html, position, end):
        if markup["name"] is None:
            closing = _comment_close(html, markup, end)
            if not closing:
                return
            if html.startswith("[if", markup.end()):
                yield from find_css(html, markup.end(), closing.start())
            position = closing.end()
            continue
        name = markup["name"].lower()
        position, findings = _read_tag(html, markup.end(), end, name)
        if position < 0 or name == "plaintext":
            return
        if markup["end"]:
            continue
        yield from findings
        if name in _RAW_TEXT:
            closing = _RAW_TEXT_END[name].search(html, position, end)
            content_end = closing.start() if closing else end
            if name == "style":
                yield Finding(FindingKind.SHEET, position, content_end)
            position = content_end


def _read_tag(html: str, position: int, end: int, name: str) -> tuple[int, list[Finding]]:
    """Read the attributes from `position` on; return where the tag ends, -1 for never, and what was found."""
    findings: list[Finding] = []
    while True:
        tag_end = _TAG_END.match(html, position, end)
        if tag_end and tag_end[1]:
            return tag_end.end(), findings
        attribute = _ATTRIBUTE.match(html, position, end)
        if not attribute or attribute["open"]:
            return -1, []
        position = attribute.end()
        kind = _kind_of(name, attribute["name"].lower())
        group = next((group for group in ("double", "single", "bare") if attribute[group]), "")
        if kind and group:
            findings.append(Finding(kind, *attribute.span(group)))


def _kind_of(element: str, attribute: str) -> FindingKind | None:
    if attribute == "style":
        return FindingKind.INLINE
    return FindingKind.FACE if (element, attribute) == ("font", "face") else None


def _comment_close(html: str, markup: re.Match[str], end: int) -> re.Match[str] | None:
    if markup["bogus"]:
        return _TAG_CLOSE.search(html, markup.end(), end)
    # `<!-->` and `<!--->` are whole comments.
    return _COMMENT_END.search(html, markup.end() - 2, end)


def decode_references(raw: str) -> DecodedText:
    """Replace the character references of an attribute value (WHATWG HTML §13.2.5.72)."""
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

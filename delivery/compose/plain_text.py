"""Make the plain text of a mail from its HTML, for readers and filters that want text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from records.html_scanner import Tag, Text, decode_references, find_value, scan

MAX_LENGTH = 1_000_000
"""Characters of the text at most; what is longer ends in an ellipsis."""

_MAX_LIST_DEPTH = 8
_CELL_GAP = "  "
# Unseen, or empty without a form or a player.
_UNSEEN = frozenset(("style", "script", "title", "iframe", "noembed", "noframes", "textarea"))
_PARAGRAPHS = frozenset(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "figure", "dl", "fieldset", "form")
)
_LINES = frozenset(
    (
        *("div", "tr", "section", "article", "header", "footer", "main", "nav", "aside", "address", "center"),
        *("body", "html", "head", "dt", "dd", "caption", "thead", "tbody", "tfoot", "figcaption", "hr", "br"),
    )
)
_LISTS = frozenset(("ul", "ol", "menu"))
# ASCII and no-break spaces; wider ones may be meant.
_SPACE = re.compile(r"[ \t\n\r\f\xa0]+")
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LINK = re.compile(r"(?:https?|ftp|mailto|tel):\S+", re.IGNORECASE)


def text_from_html(html: str) -> str:
    """Return what the HTML says as plain text: paragraphs, lists, table rows, and links in angle brackets.

    Styles and scripts are left out. Never raises; takes time in proportion to the length of the HTML.
    """
    writer = _Writer()
    for piece in scan(html):
        if isinstance(piece, Tag):
            _write_tag(writer, piece, html)
        elif isinstance(piece, Text) and piece.raw_element not in _UNSEEN:
            writer.write(decode_references(html[piece.start : piece.end]).text)
        if writer.length > MAX_LENGTH:
            break
    return writer.text()


@dataclass(slots=True)
class _Writer:
    """Collects text, and decides about white space only when the next word comes."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0
    newlines: int = 0
    """Line ends that are due before the next word."""
    gap: str = ""
    """White space that is due before the next word, unless a line starts there."""
    marker: str = ""
    """The bullet or number of a list item that has no words yet."""
    lists: list[int] = field(default_factory=list)
    """For each open list the number of its last item; -1 for bullets."""
    link: str = ""
    """The address of the open link."""
    link_start: int = 0
    """How many pieces stood before its text."""
    preformatted: int = 0

    def write(self, text: str) -> None:
        """Add text, white space in it collapsed as a browser does."""
        text = _UNWANTED.sub("", text)
        if self.preformatted:
            self._write_lines(text)
            return
        words = _SPACE.sub(" ", text)
        if words.startswith(" "):
            self.gap = self.gap or " "
        if words.strip(" "):
            self._put(words.strip(" "))
            self.gap = " " if words.endswith(" ") else ""

    def _write_lines(self, text: str) -> None:
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
            if number:
                self.newlines += 1
            if line:
                self._put(line.replace("\xa0", " "))

    def _put(self, words: str) -> None:
        if self.newlines or not self.pieces:
            gap = "\n" * self.newlines if self.pieces else ""
            indent = "  " * min(max(len(self.lists) - 1, 0), _MAX_LIST_DEPTH)
            gap += indent + (self.marker or ("  " if self.lists else ""))
        else:
            gap = self.gap
        self.pieces += [gap, words]
        self.length += len(gap) + len(words)
        self.newlines, self.gap, self.marker = 0, "", ""

    def break_line(self, newlines: int = 1) -> None:
        """Let the next word begin a new line, after an empty one if `newlines` is 2."""
        self.newlines = max(self.newlines, newlines)
        self.gap = ""

    def text(self) -> str:
        """Return what was collected."""
        text = "".join(self.pieces)
        return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"


def _write_tag(writer: _Writer, tag: Tag, html: str) -> None:
    if tag.name in _PARAGRAPHS:
        writer.break_line(2)
        if tag.name == "pre":
            writer.preformatted = max(0, writer.preformatted + (-1 if tag.is_end else 1))
    elif tag.name == "br":
        writer.newlines = min(writer.newlines + 1, 2)
        writer.gap = ""
    elif tag.name in _LINES:
        writer.break_line()
    elif tag.name in ("td", "th"):
        writer.gap = writer.gap if tag.is_end else _CELL_GAP
    elif tag.name in _LISTS or tag.name == "li":
        _write_list_tag(writer, tag)
    elif tag.name == "a":
        _write_link_tag(writer, tag, html)
    elif tag.name == "img":
        writer.write(find_value(tag, "alt", html))


def _write_list_tag(writer: _Writer, tag: Tag) -> None:
    if tag.name == "li":
        writer.break_line()
        if not tag.is_end and writer.lists:
            is_numbered = writer.lists[-1] >= 0
            writer.lists[-1] += is_numbered
            writer.marker = f"{writer.lists[-1]}. " if is_numbered else "* "
        return
    is_nested = len(writer.lists) > (1 if tag.is_end else 0)
    writer.break_line(1 if is_nested else 2)
    if not tag.is_end:
        writer.lists.append(0 if tag.name == "ol" else -1)
    elif writer.lists:
        writer.lists.pop()


def _write_link_tag(writer: _Writer, tag: Tag, html: str) -> None:
    # Links don't nest: a second `<a>` closes the first, as in a browser.
    _close_link(writer)
    if not tag.is_end:
        address = _SPACE.sub("", find_value(tag, "href", html))
        writer.link = address if _LINK.fullmatch(address) else ""
        writer.link_start = len(writer.pieces)


def _close_link(writer: _Writer) -> None:
    address, writer.link = writer.link, ""
    shown = "".join(writer.pieces[writer.link_start :]).strip() if address else ""
    if address and shown not in (address, address.partition(":")[2].lstrip("/"), address.rstrip("/")):
        trailing = writer.gap
        writer.write(f" <{address}>" if shown else f"<{address}>")
        writer.gap = trailing

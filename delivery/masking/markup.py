"""Hiding secrets in HTML: in its text, also where tags split them, in attributes, comments and styles; pure."""

import html as references
import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import NamedTuple

from delivery.compose.plain_text import text_from_html
from delivery.masking.hiding import MARK, find_places, hide, holds
from records.html_scanner import Comment, Tag, Text, decode_references, scan

NOT_KEPT = "<p>••••••</p>\n"
"""What is kept of HTML in which a secret can't be told apart from the rest."""
_TAG = re.compile(r"<[^>]*>")
_UNDECODED = frozenset(("style", "script", "xmp", "iframe", "noembed", "noframes"))
"""Elements in whose text references mean nothing."""
_SHOWN = frozenset(("alt", "aria-label", "content", "label", "placeholder", "title", "value"))
"""Attributes whose values a reader may be shown."""


class _Edit(NamedTuple):
    """What comes in the place of `html[start:end]`."""

    start: int
    end: int
    text: str


def hide_in_html(html: str, wanted: Collection[str]) -> str:
    """Put a mark in the place of every secret in HTML; what can't be masked for certain is not kept at all.

    Args:
        html: Any, also broken.
        wanted: The essences of the secrets.
    """
    if not wanted or not html:
        return html
    masked = _apply(html, sorted(_find_edits(html, wanted)))
    return NOT_KEPT if html_holds(masked, wanted) else masked


def html_holds(html: str, wanted: Collection[str]) -> bool:
    """Tell whether one of the essences is in HTML, in any way in which somebody could read it."""
    decoded = references.unescape(html)
    readings = (html, decoded, references.unescape(_TAG.sub("", html)), _TAG.sub("", decoded), text_from_html(html))
    return any(holds(reading, wanted) for reading in readings)


def texts_of_html(html: str) -> Iterator[str]:
    """Yield what stands in HTML beside what `text_from_html` makes of it, as a reader has it.

    That is each attribute's value, links above all; comments and scripts; and as one text all that may be shown, with
    values such as those of inputs in their places.
    """
    shown: list[str] = []
    for piece in scan(html):
        if isinstance(piece, Tag):
            for attribute in piece.attributes:
                value = decode_references(html[attribute.start : attribute.end]).text
                if attribute.name in _SHOWN:
                    shown.append(value)
                yield value
        elif isinstance(piece, Comment) or piece.raw_element in _UNDECODED:
            # Styles are full of numbers, and nothing in them is meant for a reader.
            if isinstance(piece, Comment) or piece.raw_element != "style":
                yield references.unescape(html[piece.start : piece.end])
        else:
            shown.append(decode_references(html[piece.start : piece.end]).text)
    yield " ".join(shown)


def _find_edits(html: str, wanted: Collection[str]) -> Iterator[_Edit]:
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece in scan(html):
        if isinstance(piece, Tag):
            for attribute in piece.attributes:
                yield from _edit_value(html, attribute.start, attribute.end, wanted)
        elif isinstance(piece, Comment) or piece.raw_element in _UNDECODED:
            yield _Edit(piece.start, piece.end, hide(html[piece.start : piece.end], wanted))
        else:
            _append(html, piece, chars, starts, ends)
    # As one text, for tags split what a reader sees as one word.
    for start, end in find_places("".join(chars), wanted):
        mark = MARK
        for run_start, run_end in _runs(starts[start:end], ends[start:end]):
            yield _Edit(run_start, run_end, mark)
            mark = ""


def _append(html: str, piece: Text, chars: list[str], starts: list[int], ends: list[int]) -> None:
    decoded = decode_references(html[piece.start : piece.end])
    offsets = [piece.start + offset for offset in decoded.offsets]
    chars.append(decoded.text)
    starts.extend(offsets[:-1])
    # A reference may stand for two characters, which then have one beginning.
    ends.extend(max(end, start + 1) for start, end in pairwise(offsets))


def _edit_value(html: str, start: int, end: int, wanted: Collection[str]) -> Iterator[_Edit]:
    decoded = decode_references(html[start:end])
    for first, last in find_places(decoded.text, wanted):
        yield _Edit(start + decoded.offsets[first], start + decoded.offsets[last], MARK)


def _runs(starts: list[int], ends: list[int]) -> Iterator[tuple[int, int]]:
    """Put characters that follow each other in the HTML together."""
    run_start, run_end = starts[0], ends[0]
    for start, end in zip(starts[1:], ends[1:], strict=True):
        if start > run_end:
            yield run_start, run_end
            run_start = start
        run_end = max(run_end, end)
    yield run_start, run_end


def _apply(html: str, edits: list[_Edit]) -> str:
    pieces: list[str] = []
    position = 0
    for edit in edits:
        if edit.start < position:
            continue
        pieces += [html[position : edit.start], edit.text]
        position = edit.end
    pieces.append(html[position:])
    return "".join(pieces)

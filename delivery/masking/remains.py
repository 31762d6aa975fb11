"""Hiding what is left of secrets that were cut short: by a server that quotes them, or by us who keep so much; pure."""

import re
from collections.abc import Collection, Iterator

from delivery.masking.hiding import EVERYTHING, MARK, essence, hide, merge, occurrences, put_marks, reduce
from delivery.smtp.scrub import SHORTEST_PART, hide_parts

_SHORTEST_OF_SHORT = 4
"""Characters of a short code that are hidden wherever they stand, where two more are missing."""
_SHORTEST_AT_CUT = 2
"""Characters that are hidden where something was cut."""
_CUT = re.compile(r"(?:%[0-9a-f]?)?\ufffd*(?P<sign>…|\.{2,})")
"""A sign that a text was cut, perhaps amid an escape."""


def hide_what_is_left(text: str, wanted: Collection[str]) -> str:
    """Put a mark in the place of every secret in a text, and of beginnings, ends and words of one.

    Args:
        text: Any text.
        wanted: The essences of the secrets.
    """
    if not wanted or not text:
        return text
    rest = hide(text, wanted)
    if EVERYTHING in wanted:
        return rest
    reduced = reduce(rest)
    found = [(reduced.starts[start], reduced.ends[end - 1]) for start, end in _find_remains(reduced.text, wanted)]
    return hide_parts(put_marks(rest, merge(found)), wanted, essence, MARK)


def _find_remains(text: str, wanted: Collection[str]) -> Iterator[tuple[int, int]]:
    backwards, size = text[::-1], len(text)
    cuts = list(_CUT.finditer(text))
    before = [cut.start() for cut in cuts]
    behind = [size - cut.end("sign") for cut in cuts]
    for one in wanted:
        yield from _find_beginnings(text, one, before)
        # An end is a beginning when all is read backwards.
        yield from ((size - end, size - start) for start, end in _find_beginnings(backwards, one[::-1], behind))


def _find_beginnings(text: str, one: str, cuts: Collection[int]) -> Iterator[tuple[int, int]]:
    """Find long enough beginnings of an essence anywhere, and short ones that end where the text was cut."""
    least = min(SHORTEST_PART, max(_SHORTEST_OF_SHORT, len(one) - 2))
    for start in occurrences(text, one[:least]):
        length = next((at for at, char in enumerate(one) if text[start + at : start + at + 1] != char), len(one))
        yield start, start + length
    for cut in cuts:
        for length in range(_SHORTEST_AT_CUT, least):
            if text.endswith(one[:length], 0, cut):
                yield cut - length, cut

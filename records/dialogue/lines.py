"""The lines of a dialogue with a mail server, and how many of them are kept. Knows no database."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

MAX_LINES = 60
"""So many lines of a dialogue are kept; what is left out is left out amid it."""
MAX_CHARACTERS = 400
"""So many of one line."""
_FIRST = 20
"""So many lines are kept at the beginning: greeting, sign-in, MAIL."""


class LineKind(StrEnum):
    """Who said a line, or what happened. Stored values never change."""

    CLIENT = "C"
    """A command of ours; of a sign-in never more than its mechanism."""
    SERVER = "S"
    """A reply, scrubbed of secrets and control characters."""
    ADDRESSES = "addresses"
    """The host name was resolved; the text lists the addresses."""
    CONNECTED = "connected"
    """The connection stood; the text is the address that was dialled."""
    SECURED = "secured"
    """TLS was agreed on; the text is version and cipher."""
    CONTENT = "content"
    """The mail's content was sent; the text is its size in bytes. The bytes themselves are never kept here."""
    LEFT_OUT = "left_out"
    """The text is how many lines were left out here."""
    ENDED = "ended"
    """The session ended there; the text is the `Fault`."""


class Line(NamedTuple):
    """One line."""

    kind: LineKind
    text: str


def shorten(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Keep the beginning and the end of a long dialogue, and of each line as much as is read."""
    if len(lines) > MAX_LINES:
        last = MAX_LINES - _FIRST - 1
        left_out = Line(LineKind.LEFT_OUT, str(len(lines) - _FIRST - last))
        return (*_cut(lines[:_FIRST]), left_out, *_cut(lines[-last:]))
    return tuple(_cut(lines))


def _cut(lines: Iterable[Line]) -> Iterable[Line]:
    for line in lines:
        is_long = len(line.text) > MAX_CHARACTERS
        yield Line(line.kind, line.text[: MAX_CHARACTERS - 1] + "…") if is_long else line

"""Replacing secrets in a text by marks, however they are spelled: spaced out, wrapped, percent-encoded; pure.

Text and secret are both reduced to what matters, in which spaces, hyphens and the case of letters count for nothing,
and are compared so. What is masked too much does no harm; what is overlooked does.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

MARK = "••••••"
"""What stands in the place of a secret; always as long, so that nothing is told."""
SHORTEST = 3
"""Characters that matter; what has fewer is no secret, since nothing would be left of the text."""
EVERYTHING = ""
"""The essence that stands in every text: all of the text is secret."""

_JOINT = r"[\s\-_\xad\u200b-\u200f\u2010-\u2015\u2060-\u2064\ufeff]"
_JOINTS = "".join(re.findall(_JOINT, "".join(map(chr, (*range(0x2070), 0x3000, 0xFEFF)))))
_SKIPPED = re.compile(rf"(?P<joint>{_JOINT}+)|(?P<escaped>(?:%(?:25)*[0-9A-Fa-f]{{2}})+)")
_ESCAPED_PERCENT = re.compile(r"%(?:25)+(?=[0-9A-Fa-f]{2})")
# Capitals, and wide forms as they are typed in Chinese: one character becomes one.
_PLAIN = {
    **{code: code + 32 for code in range(ord("A"), ord("Z") + 1)},
    **{0xFF01 + offset: ord(chr(0x21 + offset).lower()) for offset in range(94)},
}


class Reduced(NamedTuple):
    """What matters of a text, and where each character of it came from."""

    text: str
    starts: list[int]
    ends: list[int]


def reduce(text: str) -> Reduced:
    """Leave out of a text what does not matter for telling whether a secret is in it."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0

    def keep(until: int) -> None:
        pieces.append(text[position:until])
        starts.extend(range(position, until))
        ends.extend(range(position + 1, until + 1))

    for skipped in _SKIPPED.finditer(text):
        keep(skipped.start())
        position = skipped.end()
        for char in _decoded(skipped["escaped"] or ""):
            pieces.append(char)
            starts.append(skipped.start())
            ends.append(skipped.end())
    keep(len(text))
    return Reduced("".join(pieces).translate(_PLAIN), starts, ends)


def _decoded(escaped: str) -> str:
    text = unquote_to_bytes(_ESCAPED_PERCENT.sub("%", escaped)).decode("utf-8", "replace")
    return _SKIPPED.sub("", text) if escaped else ""


def essence(text: str) -> str:
    """Return what matters of a text, as `reduce` does, without the places."""
    return _SKIPPED.sub(lambda skipped: _decoded(skipped["escaped"] or ""), text).translate(_PLAIN)


def essences(secrets: Iterable[str]) -> frozenset[str]:
    """Return what matters of secrets, without those that have too little of it."""
    return frozenset(found for secret in secrets if len(found := essence(secret)) >= SHORTEST)


def holds(text: str, wanted: Collection[str]) -> bool:
    """Tell whether one of the essences is in a text."""
    if not wanted:
        return False
    reduced = essence(text)
    return any(one in reduced or ("%" in text and _pattern(one).search(text)) for one in wanted)


def find_places(text: str, wanted: Collection[str]) -> list[tuple[int, int]]:
    """Find where the essences stand in a text: ranges in rising order, those that touch put together."""
    if EVERYTHING in wanted:
        return [(0, len(text))] if text else []
    reduced = reduce(text)
    found = [
        (reduced.starts[start], reduced.ends[start + len(one) - 1])
        for one in wanted
        for start in _occurrences(reduced.text, one)
    ]
    if "%" in text:
        found += [match.span(1) for one in wanted for match in _pattern(one).finditer(text)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@lru_cache(maxsize=256)
def _pattern(one: str) -> re.Pattern[str]:
    """Return what finds an essence where `%` before it, or within, reads as if it began an escape."""
    joint = f"(?:[{re.escape(_JOINTS)}]|{'|'.join(map(_escaped, _JOINTS))})*"
    return re.compile(f"(?=({joint.join(map(_spelled, one))}))")


def _spelled(char: str) -> str:
    """Give an expression for a character in every way in which it may be written."""
    ways = {char, *(chr(code) for code, plain in _PLAIN.items() if plain == ord(char))}
    return f"(?:[{re.escape(''.join(sorted(ways)))}]|{'|'.join(map(_escaped, sorted(ways)))})"


def _escaped(char: str) -> str:
    octets = (f"{octet:02x}" for octet in char.encode("utf-8", "replace"))
    return f"(?i:{''.join(f'%(?:25)*{octet}' for octet in octets)})"


def _occurrences(text: str, one: str) -> Iterator[int]:
    start = text.find(one)
    while start >= 0:
        yield start
        start = text.find(one, start + 1)


def hide(text: str, wanted: Collection[str]) -> str:
    """Put a mark in the place of every secret in a text.

    Args:
        text: Any text.
        wanted: The essences of the secrets.
    """
    if not wanted or not text:
        return text
    places = [(0, 0), *find_places(text, wanted), (len(text), len(text))]
    return MARK.join(text[end:start] for (_start, end), (start, _end) in pairwise(places))

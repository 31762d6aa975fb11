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

_BASIC_PLANE = "".join(map(chr, range(0xD800))) + "".join(map(chr, range(0xE000, 0x10000)))
_MARKS = r"\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff"
INVISIBLE = "".join(re.findall(f"[{_MARKS}]", _BASIC_PLANE))
"""What changes how text runs or looks, and stands for nothing."""
_JOINT = rf"[\s\-_{_MARKS}\u2010-\u2015\u2212\uff0d\uff3f]"
_JOINTS = "".join(re.findall(_JOINT, _BASIC_PLANE))
_SKIPPED = re.compile(rf"(?P<joint>{_JOINT}+)|(?P<escaped>(?:%(?:25)*[0-9A-Fa-f]{{2}})+)")
_ESCAPE = re.compile("%(?:25)*[0-9A-Fa-f]{2}")
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
    return any(one in reduced for one in wanted) or any(_pattern(one).search(text) for one in _doubtful(text, wanted))


def find_places(text: str, wanted: Collection[str]) -> list[tuple[int, int]]:
    """Find where the essences stand in a text: ranges in rising order, those that touch put together."""
    if EVERYTHING in wanted:
        return [(0, len(text))] if text else []
    reduced = reduce(text)
    found = [
        (reduced.starts[start], reduced.ends[start + len(one) - 1])
        for one in wanted
        for start in occurrences(reduced.text, one)
    ]
    found += [match.span(1) for one in _doubtful(text, wanted) for match in _pattern(one).finditer(text)]
    return merge(found)


def merge(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Put ranges in rising order, and those that touch together."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _doubtful(text: str, wanted: Collection[str]) -> list[str]:
    """Give the essences that may stand in a text where `%` before them, or within, reads as if it began an escape.

    Such a one has a `%`, or begins amid what was taken for an escape. To look for the others would cost too much.
    """
    tails = {escape[start:].lower() for escape in set(_ESCAPE.findall(text)) for start in range(1, len(escape))}
    if not tails:
        return []
    begins = tuple(tails)
    return [
        one for one in wanted if "%" in one or one.startswith(begins) or any(tail.startswith(one) for tail in tails)
    ]


@lru_cache(maxsize=512)
def _pattern(one: str) -> re.Pattern[str]:
    """Return what finds an essence where `%` before it, or within, reads as if it began an escape."""
    joint = f"(?:[{re.escape(_JOINTS)}]|{_escaped_joint()})*"
    return re.compile(f"(?=({joint.join(map(_spelled, one))}))")


@lru_cache(maxsize=1)
def _escaped_joint() -> str:
    """Give an expression for any escaped joint: short, since it stands between all characters of a secret."""
    last: dict[bytes, list[str]] = {}
    for octets in map(str.encode, _JOINTS):
        last.setdefault(octets[:-1], []).append(f"{octets[-1]:02x}")
    sign = "%(?:25)*"
    ways = (
        "".join(f"{octet:02x}{sign}" for octet in first) + f"(?:{'|'.join(others)})" for first, others in last.items()
    )
    return f"(?i:{sign}(?:{'|'.join(ways)}))"


def _spelled(char: str) -> str:
    """Give an expression for a character in every way in which it may be written."""
    ways = {char, *(chr(code) for code, plain in _PLAIN.items() if plain == ord(char))}
    return f"(?:[{re.escape(''.join(sorted(ways)))}]|{'|'.join(map(_escaped, sorted(ways)))})"


def _escaped(char: str) -> str:
    octets = (f"{octet:02x}" for octet in char.encode("utf-8", "replace"))
    return f"(?i:{''.join(f'%(?:25)*{octet}' for octet in octets)})"


def occurrences(text: str, one: str) -> Iterator[int]:
    """Find where a text begins in another."""
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
    return put_marks(text, find_places(text, wanted))


def put_marks(text: str, places: Iterable[tuple[int, int]]) -> str:
    """Put a mark in the place of each range of a text; they are in rising order."""
    edges = [(0, 0), *places, (len(text), len(text))]
    return MARK.join(text[end:start] for (_start, end), (start, _end) in pairwise(edges))

"""Checking evidence, line by line, in little memory: what was changed, removed, added, moved or cut off, and where.

Whoever changes a line and reckons all hashes anew from there on is found by the next signature, which then tells of
the lines since the last one that holds.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from records.evidence.lines import BEFORE_THE_FIRST, FORMAT, Line, hash_of, is_signed, write

MAX_LINE = 1_000_000
"""Bytes of a line; ours are a thousand times smaller."""
_MAX_MISSING = 10_000
"""Numbers that are remembered as missing, in case they turn up later."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong."""

    line: int
    """Where in the file, from 1."""
    sentence: str


@dataclass(slots=True)
class Verification:
    """What is known of a file; complete when all findings were taken from `run`."""

    key: Ed25519PublicKey
    header: Line | None = None
    records: int = 0
    end: Line | None = None
    _place: int = 0
    _expected: int = 0
    _previous: str | None = BEFORE_THE_FIRST
    """Hash of the line before; None where that line was no line of evidence."""
    _sealed: int = 0
    """The last line whose signature holds, or whose failure was told."""
    _added: int = 0
    """Lines behind the end: told together, such as where a file was put in twice."""
    _missing: dict[int, int] = field(default_factory=dict)
    """Numbers that did not come, with the line before which they should have."""

    def run(self, lines: Iterable[bytes]) -> Iterator[Finding]:
        """Check lines, each with its end, and tell what is wrong while they are read."""
        for place, octets in enumerate(lines, 1):
            self._place = place
            yield from self._check(octets)
        yield from self._check_end()

    def _check(self, octets: bytes) -> Iterator[Finding]:
        if self.end:
            self._added += 1
            return
        line = _read(octets)
        if line is None:
            yield self._found("was changed or added: it is no line of evidence.")
            self._expected += 1
            self._previous = None
            return
        if hash_of(line) == line["hash"]:
            yield from self._check_place(line)
        else:  # what it says of its number proves nothing
            yield self._found(f"was changed (number {self._expected}).")
            self._expected += 1
            self._previous = line["hash"]
        yield from self._check_kind(line)

    def _check_place(self, line: Line) -> Iterator[Finding]:
        """Tell where a line stands that belongs elsewhere, or does not follow the one before."""
        number = line["number"]
        if number < self._expected:
            yield self._found(self._tell_late(number))
            self._previous = None
            return
        if number > self._expected:
            yield from self._note_missing(number)
        elif self._previous is not None and line["previous"] != self._previous:
            yield self._found(f"does not follow the line before: one of the two was changed (number {number}).")
        self._expected = number + 1
        self._previous = line["hash"]

    def _tell_late(self, number: int) -> str:
        if self._missing.pop(number, None) is None:
            return f"or the one with the same number {number} was added."
        return f"was moved: its number {number} belongs further up."

    def _note_missing(self, number: int) -> Iterator[Finding]:
        """Remember numbers that did not come: they may come late."""
        if number - self._expected > _MAX_MISSING - len(self._missing):
            yield self._found(_too_early(self._expected, number - 1))
            return
        self._missing.update(dict.fromkeys(range(self._expected, number), self._place))

    def _check_kind(self, line: Line) -> Iterator[Finding]:
        match line.get("kind"):
            case "header" if line["number"] == 0 and line.get("format") == FORMAT:
                self.header = line
            case "record":
                self.records += 1
            case "seal":
                yield from self._check_signature(line)
            case "end":
                self.end = line
                yield from self._check_signature(line)
                if line.get("records") != self.records:
                    yield self._found(f"tells of {line.get('records')} records, and there are {self.records}.")
            case _:
                yield self._found("was changed or added: it is no line of evidence.")

    def _check_signature(self, line: Line) -> Iterator[Finding]:
        first, self._sealed = self._sealed + 1, self._place
        if not is_signed(line, self.key):
            yield self._found(f"is not signed with this key: lines {first} to {self._place} prove nothing.")

    def _check_end(self) -> Iterator[Finding]:
        if self._added:
            yield Finding(self._place - self._added + 1, _too_much(self._added))
        for first, last, before in _ranges(self._missing):
            yield Finding(before, _too_early(first, last))
        if self.end is None:
            yield Finding(self._place + 1, "is missing: the file was cut off here, its signed end is not there.")
        if self.header is None:
            yield Finding(1, "is not the header that belongs there.")

    def _found(self, sentence: str) -> Finding:
        return Finding(self._place, sentence)


def _too_much(added: int) -> str:
    if added == 1:
        return "was added after the end."
    below = "line" if added == 2 else f"{added - 1} lines"
    return f"and the {below} below it were added after the end."


def _too_early(first: int, last: int) -> str:
    what = f"number {first} was" if first == last else f"numbers {first} to {last} were"
    return f"comes too early: {what} removed before it."


def read_header(octets: bytes) -> Line:
    """Read what a file says of itself, unchecked; empty where its first line is none."""
    return _read(octets) or {}


def _read(octets: bytes) -> Line | None:
    """Read a line; None for what is not in the one form that a line has."""
    if len(octets) > MAX_LINE or not octets.endswith(b"\n"):
        return None
    try:
        line = json.loads(octets)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or not _is_numbered(line):
        return None
    return line if _is_canonical(line, octets) else None


def _is_numbered(line: dict[str, Any]) -> bool:
    return type(line.get("number")) is int and all(isinstance(line.get(name), str) for name in ("hash", "previous"))


def _is_canonical(line: Line, octets: bytes) -> bool:
    try:
        return write(line) + b"\n" == octets
    except ValueError:  # such as half a surrogate pair
        return False


def _ranges(missing: dict[int, int]) -> Iterator[tuple[int, int, int]]:
    """Put missing numbers that follow each other together: first, last, and the line that they are missing before."""
    first: int | None = None
    last, before = 0, 0
    for number in sorted(missing):
        if first is not None and number == last + 1 and missing[number] == before:
            last = number
            continue
        if first is not None:
            yield first, last, before
        first, last, before = number, number, missing[number]
    if first is not None:
        yield first, last, before

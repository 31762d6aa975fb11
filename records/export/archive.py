"""A ZIP archive that is written from the beginning to the end, and can be left and gone on with at any place.

The standard library's writer must stay alive until the archive is whole. This one keeps nothing but a few numbers
between two calls (APPNOTE.TXT 6.3.9): what is added is compressed by itself and ends at a whole byte, so that the next
part may come from another process. Sizes stand behind each entry, and the directory of all comes last.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import asdict, dataclass, field
from typing import Any

COMPRESSION = 1
"""The fastest: the markup that repeats goes nearly whole, and more would cost more time than the network saves."""

_VERSION, _SIZES_FOLLOW, _DEFLATED = 20, 0x08, 8
_TIME, _DAY = 0, 0x21
"""1980-01-01, where the clock of this format begins."""
_RAW = -zlib.MAX_WBITS
_OPEN_TO_OWNER = 0o600 << 16
_UNIX = 3 << 8


@dataclass(slots=True)
class Entry:
    """A file within the archive, as far as it is written."""

    name: str
    offset: int
    checksum: int = 0
    size: int = 0
    packed_size: int = 0

    def _common(self) -> tuple[int, ...]:
        return (_SIZES_FOLLOW, _DEFLATED, _TIME, _DAY)

    def head(self) -> bytes:
        """Write what comes before it."""
        name = self.name.encode("ascii")
        return struct.pack("<4s5H3L2H", b"PK\3\4", _VERSION, *self._common(), 0, 0, 0, len(name), 0) + name

    def foot(self) -> bytes:
        """Write what comes behind it."""
        return struct.pack("<4s3L", b"PK\7\x08", self.checksum, self.packed_size, self.size)

    def line(self) -> bytes:
        """Write its line of the directory."""
        name = self.name.encode("ascii")
        sizes = (self.checksum, self.packed_size, self.size, len(name))
        place = (0, 0, 0, 0, _OPEN_TO_OWNER, self.offset)
        return struct.pack("<4s6H3L5H2L", b"PK\1\2", _UNIX | _VERSION, _VERSION, *self._common(), *sizes, *place) + name


@dataclass(slots=True)
class Archive:
    """An archive, as far as it is written; the last entry is the open one, if any is."""

    length: int = 0
    """Bytes so far."""
    is_open: bool = False
    entries: list[Entry] = field(default_factory=list)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Archive:
        """Go on where `as_json` was taken."""
        return cls(kept["length"], kept["is_open"], [Entry(**entry) for entry in kept["entries"]])

    def as_json(self) -> dict[str, Any]:
        """Return all that is needed to go on."""
        return asdict(self)

    def begin(self, name: str) -> bytes:
        """Begin an entry."""
        self.entries.append(Entry(name, self.length))
        self.is_open = True
        return self._count(self.entries[-1].head())

    def add(self, octets: bytes) -> bytes:
        """Add to the open entry."""
        return self._deflate(octets, zlib.Z_FULL_FLUSH)

    def end(self) -> bytes:
        """End the open entry."""
        octets = self._deflate(b"", zlib.Z_FINISH)
        self.is_open = False
        return octets + self._count(self.entries[-1].foot())

    def put(self, name: str, octets: bytes) -> bytes:
        """Add a whole entry."""
        return self.begin(name) + self.add(octets) + self.end()

    def finish(self) -> bytes:
        """Write the directory, with which the archive ends."""
        directory = b"".join(entry.line() for entry in self.entries)
        count = len(self.entries)
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), self.length, 0)
        return self._count(directory + end)

    def _deflate(self, octets: bytes, flush: int) -> bytes:
        entry = self.entries[-1]
        packer = zlib.compressobj(COMPRESSION, zlib.DEFLATED, _RAW)
        packed = packer.compress(octets) + packer.flush(flush)
        entry.checksum = zlib.crc32(octets, entry.checksum)
        entry.size += len(octets)
        entry.packed_size += len(packed)
        return self._count(packed)

    def _count(self, octets: bytes) -> bytes:
        self.length += len(octets)
        return octets

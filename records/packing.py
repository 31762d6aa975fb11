"""How the bytes of bodies are stored: compressed where that pays, and as they are otherwise."""

import zlib
from typing import NamedTuple

from records.enums import Packing

WORTH_IT = 4096
"""Bytes from which on a body is compressed: setting zlib up costs as much as a small mail takes to be sent."""
_FILES_FROM = 262_144
"""Bytes from which on a body is nearly all files in base64, in which looking for repetitions finds nothing."""


class Packed(NamedTuple):
    """Bytes as they are stored."""

    octets: bytes
    packing: int


def pack(octets: bytes) -> Packed:
    """Compress the bytes of a body, if they get smaller by an eighth or more."""
    if len(octets) < WORTH_IT:
        return Packed(octets, Packing.PLAIN.value)
    packer = zlib.compressobj(1, strategy=zlib.Z_DEFAULT_STRATEGY if len(octets) < _FILES_FROM else zlib.Z_HUFFMAN_ONLY)
    packed = packer.compress(octets) + packer.flush()
    if len(packed) > len(octets) * 7 // 8:
        return Packed(octets, Packing.PLAIN.value)
    return Packed(packed, Packing.ZLIB.value)


def unpack(octets: bytes | memoryview, packing: int) -> bytes:
    """Return the bytes of a body as they go over the wire.

    Raises:
        ValueError: They are stored in a way that this version does not know.
    """
    match Packing(packing):
        case Packing.PLAIN:
            return bytes(octets)
        case Packing.ZLIB:
            return zlib.decompress(octets)

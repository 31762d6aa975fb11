"""The lines of evidence: how they are written, hashed, chained and signed."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT = "mailbox-evidence-1"
BEFORE_THE_FIRST = "0" * 64
"""What the first line names as the hash of the one before."""
SIGNED_EVERY = 1000
"""Lines from one signature to the next."""
_SIGNED_KINDS = ("seal", "end")
"""Kinds of lines that have a signature."""

Line = dict[str, Any]


def write(line: Mapping[str, Any]) -> bytes:
    """Write a line in the one form that it has: keys in order, no spaces, UTF-8, without its end."""
    return json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def hash_of(line: Mapping[str, Any]) -> str:
    """Reckon the hash of a line: of all that it holds but the hash itself and the signature that is made of it."""
    # A kind that is not signed has none: what was put there by that name is to be found.
    apart = ("hash", "signature") if line.get("kind") in _SIGNED_KINDS else ("hash",)
    held = {name: value for name, value in line.items() if name not in apart}
    return hashlib.sha256(write(held)).hexdigest()


@dataclass(slots=True)
class Chain:
    """Lines one after the other, each with the hash of the one before: to be left and gone on with between any two."""

    key: Ed25519PrivateKey
    number: int = 0
    """Of the next line."""
    previous: str = BEFORE_THE_FIRST
    """Hash of the line before."""
    contents: int = 0
    """Lines so far that are no signature."""

    def add(self, content: Mapping[str, Any]) -> Iterator[bytes]:
        """Write a line, and another with a signature where it is time for one; the kind `end` ends the file."""
        self.contents += 1
        yield self._write(content)
        if self.contents % SIGNED_EVERY == 0 and content["kind"] != "end":
            yield self._write({"kind": "seal"})

    def _write(self, content: Mapping[str, Any]) -> bytes:
        line = {**content, "number": self.number, "previous": self.previous}
        self.previous = line["hash"] = hash_of(line)
        self.number += 1
        if line["kind"] in _SIGNED_KINDS:
            line["signature"] = _as_text(self.key.sign(self.previous.encode()))
        return write(line) + b"\n"


def chain(contents: Iterable[Mapping[str, Any]], key: Ed25519PrivateKey) -> Iterator[bytes]:
    """Write lines one after the other, each with the hash of the one before; the last one given ends the file."""
    lines = Chain(key)
    for content in contents:
        yield from lines.add(content)


def is_signed(line: Mapping[str, Any], key: Ed25519PublicKey) -> bool:
    """Tell whether a key made the signature of a line, and it is written as we write it."""
    text = line.get("signature")
    try:
        signature = base64.b64decode(str(text), validate=True)
        key.verify(signature, str(line["hash"]).encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    # Several texts stand for the same octets: the last bits before the padding are not read.
    return _as_text(signature) == text


def _as_text(signature: bytes) -> str:
    return base64.b64encode(signature).decode()

"""The key that evidence is signed with: derived from an encryption key of this installation, for this use alone."""

import base64
import binascii
import hashlib
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from senders.keyring import Key, load_keyring, primary_key

_LABEL = b"mailbox evidence signing key, version 1"
_PUBLIC_KEY_BYTES = 32


class PublicKeyError(ValueError):
    """What was given is no public key of ours; it is not raised for one that fits no signature."""


def signing_key() -> Ed25519PrivateKey:
    """Return the key that new evidence is signed with.

    Raises:
        KeyringError: There is no usable encryption key and none can be made.
    """
    return _derive(primary_key())


def find_signing_key(name: str) -> Ed25519PrivateKey | None:
    """Find the signing key of that name among those of all encryption keys; None where its key is gone.

    Raises:
        KeyringError: The keys are there and cannot be used.
    """
    keys = map(_derive, load_keyring(fresh=True).keys)
    return next((key for key in keys if id_of(key.public_key()) == name), None)


def known_keys() -> Iterator[Ed25519PublicKey]:
    """Give the public keys of all encryption keys that this machine still has, the present one first.

    Raises:
        KeyringError: The keys are there and cannot be used.
    """
    for key in load_keyring(fresh=True).keys:
        yield _derive(key).public_key()


def _derive(key: Key) -> Ed25519PrivateKey:
    material = HKDF(SHA256(), length=32, salt=None, info=_LABEL).derive(key.material)
    return Ed25519PrivateKey.from_private_bytes(material)


def text_of(key: Ed25519PublicKey) -> str:
    """Write a public key as it is given to an auditor."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def id_of(key: Ed25519PublicKey) -> str:
    """Name a public key: short enough to be compared by eye."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def read_public_key(text: str) -> Ed25519PublicKey:
    """Read a public key as `text_of` writes it.

    Raises:
        PublicKeyError: It is not the base64 form of 32 bytes.
    """
    try:
        octets = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PublicKeyError("a public key is 32 bytes in base64 form") from error
    if len(octets) != _PUBLIC_KEY_BYTES:
        raise PublicKeyError("a public key is 32 bytes in base64 form")
    return Ed25519PublicKey.from_public_bytes(octets)

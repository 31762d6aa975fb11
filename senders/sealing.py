"""Sealing bytes of other rooms under the keys of the stored passwords: authenticated, and bound to their row.

Whoever keeps such bytes in rows registers them, so that changing the keys brings them along.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.views.decorators.debug import sensitive_variables

from senders.exceptions import KeyringError, SealBrokenError
from senders.keyring import load_keyring, primary_key

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    """Encrypted bytes."""

    key_id: str
    octets: bytes = field(repr=False)
    """Nonce and ciphertext."""


@dataclass(frozen=True, slots=True)
class SealedRows:
    """Rows of another room that hold sealed bytes, as changing the keys wants them."""

    table: str
    reseal: Callable[[], int]
    """Brings rows under the primary key; returns how many."""
    used_key_ids: Callable[[], set[str]]
    """The keys that rows are under."""
    count_unreadable: Callable[[], int]
    """How many rows can't be opened with the present keys."""


registered: list[SealedRows] = []


@sensitive_variables("octets")
def seal_octets(octets: bytes, binding: str) -> Sealed:
    """Encrypt bytes under the primary key.

    Args:
        octets: What.
        binding: Which row and field they belong to; nowhere else can they be opened.

    Raises:
        KeyringError: There is no usable encryption key and none can be made.
    """
    key, nonce = primary_key(), os.urandom(_NONCE_BYTES)
    return Sealed(key.id, nonce + AESGCM(key.material).encrypt(nonce, octets, binding.encode()))


def unseal_octets(sealed: Sealed, binding: str) -> bytes:
    """Decrypt sealed bytes.

    Raises:
        SealBrokenError: The key is not there any more, or they were altered or moved.
    """
    try:
        # An unknown id: another process may have added a key since the file was read.
        key = load_keyring().find(sealed.key_id) or load_keyring(fresh=True).find(sealed.key_id)
    except KeyringError as error:
        raise SealBrokenError("the keys can't be used") from error
    if key is None:
        raise SealBrokenError("its key is missing")
    nonce, ciphertext = sealed.octets[:_NONCE_BYTES], sealed.octets[_NONCE_BYTES:]
    try:
        return AESGCM(key.material).decrypt(nonce, ciphertext, binding.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError("it is not authentic") from error

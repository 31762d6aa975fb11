"""The stored password of an account: authenticated encryption, bound to its table, row and field.

A ciphertext that is altered, or copied to another row, cannot be read. Form: `v1:<key id>:<base64 of nonce + text>`.
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.views.decorators.debug import sensitive_variables

from senders.exceptions import KeyringError, SecretFault, SecretUnreadableError
from senders.keyring import Key, load_keyring, primary_key
from senders.models import Sender

_VERSION = "v1"
_NONCE_BYTES = 12


@sensitive_variables("plaintext")
def seal(pk: int, plaintext: str) -> str:
    """Encrypt the password of the account with that key, under the primary encryption key.

    Raises:
        KeyringError: There is no usable encryption key and none can be made.
    """
    return _encrypt(primary_key(), pk, plaintext)


def unseal(sender: Sender) -> str:
    """Decrypt the account's stored password; empty where none is stored.

    Raises:
        SecretUnreadableError: It cannot be decrypted with the present keys.
    """
    try:
        return _decrypt(sender.pk, sender.secret)
    except SecretUnreadableError:
        # The account may have been loaded before a rotation whose old key is gone by now. Not so if it was edited
        # meanwhile: then its present password is for another server than the one that was loaded.
        unchanged = Sender.objects.filter(pk=sender.pk, updated_at=sender.updated_at)
        present = unchanged.values_list("secret", flat=True).first()
        if present is None or present == sender.secret:
            raise
        return _decrypt(sender.pk, present)


def is_readable(sender: Sender) -> bool:
    """Tell whether the stored password can be decrypted; true where none is stored."""
    try:
        unseal(sender)
    except SecretUnreadableError:
        return False
    return True


def key_id_of(secret: str) -> str:
    """Tell under which encryption key a ciphertext was made; empty for what is no ciphertext."""
    parts = secret.split(":")
    return parts[1] if len(parts) == 3 and parts[0] == _VERSION else ""


@sensitive_variables("plaintext")
def _encrypt(key: Key, pk: int, plaintext: str) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(key.material).encrypt(nonce, plaintext.encode(), _binding(pk))
    return f"{_VERSION}:{key.id}:{base64.b64encode(sealed).decode()}"


@sensitive_variables("plaintext")
def _decrypt(pk: int | None, secret: str) -> str:
    if not secret:
        return ""
    key_id = key_id_of(secret)
    if not key_id or pk is None:
        raise SecretUnreadableError(pk, SecretFault.MALFORMED)
    key = _find_key(pk, key_id)
    try:
        sealed = base64.b64decode(secret.rpartition(":")[2], validate=True)
        plaintext = AESGCM(key.material).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _binding(pk))
        return plaintext.decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise SecretUnreadableError(pk, SecretFault.NOT_AUTHENTIC) from error


def _find_key(pk: int, key_id: str) -> Key:
    try:
        # An unknown id: another process may have added a key since the file was read.
        key = load_keyring().find(key_id) or load_keyring(fresh=True).find(key_id)
    except KeyringError as error:
        raise SecretUnreadableError(pk, SecretFault.KEY_MISSING) from error
    if key is None:
        raise SecretUnreadableError(pk, SecretFault.KEY_MISSING)
    return key


def _binding(pk: int) -> bytes:
    return f"{Sender._meta.db_table}|{pk}|secret".encode()  # noqa: SLF001  (Django's documented _meta API)

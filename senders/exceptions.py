"""Errors of the senders room."""

from enum import StrEnum


class SendersError(Exception):
    """The root of all errors that the senders room raises on purpose."""


class SecretFault(StrEnum):
    """Why a stored password cannot be read."""

    KEY_MISSING = "key_missing"
    """It was encrypted under a key that this machine does not have: the key file was lost, or is another one."""
    NOT_AUTHENTIC = "not_authentic"
    """The key is here, but the ciphertext was altered or moved from another row."""
    MALFORMED = "malformed"
    """It is no ciphertext of ours."""


class SecretUnreadableError(SendersError):
    """The stored password of an account cannot be decrypted; typing it again repairs that.

    Never raised for an account that has no stored password.
    """

    def __init__(self, pk: int | None, fault: SecretFault) -> None:
        """Hold which account it is, and why."""
        super().__init__(f"secret of sender {pk} cannot be read: {fault}")
        self.pk = pk
        self.fault = fault


class SealBrokenError(SendersError):
    """Sealed bytes can't be opened: their key is missing, or they were altered or moved to another row."""


class KeyringError(SendersError):
    """The encryption keys themselves cannot be used.

    Raised when the key file or MAILBOX_KEYS holds something that is no key, or the file cannot be read or written.
    Not raised for a missing file: that is an empty key ring.
    """


class PasswordNeededError(SendersError):
    """An account's password must be typed again.

    Raised by saving without a password an account whose server or login differs from what the stored
    password was typed for, or that signs in and has none.
    """


class AddressTakenError(SendersError):
    """Another account already has this sender address."""


class SenderDisabledError(SendersError):
    """A disabled account was to become the system default sender."""


class KeyFileNotUsedError(SendersError):
    """Keys were to be added to the key file, but MAILBOX_KEYS holds the keys of this machine."""


class RotationBusyError(SendersError):
    """The keys were not rotated to the end, since the accounts stayed locked by somebody else for too long.

    Nothing is lost: every password is readable, and rotating again goes on where this one stopped.
    """

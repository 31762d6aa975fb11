"""System checks of the senders room: keys that can't be used, passwords that can't be read."""

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, connections

from senders.exceptions import KeyringError
from senders.keyring import is_private, key_file, load_keyring, uses_environment


def check_keys(*, app_configs: Sequence[AppConfig] | None = None, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Report encryption keys that can't be used, and a key file that others may read."""
    try:
        load_keyring(fresh=True)
    except KeyringError as error:
        return [
            Error(
                f"The encryption keys can't be used: {error}.",
                hint=f"Bring {_origin()} back from the backup; without it stored passwords can't be read.",
                id="senders.E001",
            )
        ]
    path = key_file()
    if uses_environment() or not path.exists() or is_private(path):
        return []
    return [
        CheckWarning("Other users of this machine may read the key file.", hint=f"chmod 600 {path}", id="senders.W001")
    ]


def check_secrets(*, databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Report accounts whose stored password can't be decrypted with the present keys."""
    if not databases or "default" not in databases:
        return []
    # They need the models to be loaded.
    from senders.rotation import count_unreadable_rows, find_unreadable_senders  # noqa: PLC0415
    from senders.sealing import registered  # noqa: PLC0415

    try:
        tables = connections["default"].introspection.table_names()
        if "senders_sender" not in tables:
            return []
        unreadable = list(find_unreadable_senders())
        rows = count_unreadable_rows() if {rows.table for rows in registered} <= set(tables) else 0
    except DatabaseError:
        return []  # said by others, who know what to do about it
    return [*_tell_passwords(len(unreadable)), *_tell_mails(rows)]


def _tell_passwords(number: int) -> list[CheckMessage]:
    if not number:
        return []
    return [
        CheckWarning(
            f"The stored passwords of {number} sender accounts can't be read with the present keys.",
            hint=f"Bring {_origin()} back from the backup, or type the passwords again; such accounts send nothing.",
            id="senders.W002",
        )
    ]


def _tell_mails(number: int) -> list[CheckMessage]:
    if not number:
        return []
    return [
        CheckWarning(
            f"The sealed originals of {number} waiting mails can't be opened with the present keys.",
            hint=f"Bring {_origin()} back from the backup; such mails fail when they are due.",
            id="senders.W003",
        )
    ]


def _origin() -> str:
    return "MAILBOX_KEYS" if uses_environment() else str(key_file())

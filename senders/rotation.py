"""Changing the encryption keys while the system runs.

A rotation adds a key, re-encrypts every stored password under it, and later drops the keys that no row uses any more.
Other processes need not stop: they notice the changed key file, a password saved meanwhile is never overwritten, and
keys are dropped only while no account can be saved.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction

from senders.exceptions import RotationBusyError, SecretUnreadableError
from senders.keyring import Key, add_primary_key, drop_keys, load_keyring, primary_key, uses_environment
from senders.models import Sender
from senders.sealing import registered
from senders.secrets import key_id_of, seal, unseal

logger = logging.getLogger(__name__)
LOCK_TIMEOUT = 10_000
"""How long to wait for accounts that are being saved, milliseconds; whoever saves next waits behind us."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did."""

    primary: Key
    reencrypted: int = 0
    """Passwords that are under the primary key now and were not before."""
    unreadable: tuple[int, ...] = ()
    """Accounts whose password can't be read; left as they are."""
    retired: tuple[str, ...] = ()
    """Ids of the keys that were dropped."""
    unused: tuple[str, ...] = ()
    """Ids of the keys in MAILBOX_KEYS that no row needs any more."""
    resealed: int = 0
    """Sealed rows of other rooms that are under the primary key now and were not before."""
    unreadable_rows: int = 0
    """Sealed rows of other rooms that can't be opened; left as they are."""


def rotate(*, retire: bool = False) -> Rotation:
    """Add a new primary key and bring every stored password under it; with `retire`, drop the keys left over.

    Where MAILBOX_KEYS holds the keys, its first one is the new one, and dropping is telling which may go.

    Raises:
        KeyringError: The keys can't be read or written.
        RotationBusyError: Accounts stayed locked for too long.
    """
    primary = primary_key() if uses_environment() else add_primary_key()
    try:
        reencrypted, resealed = sum(1 for _sender in _reencrypt()), _reseal()
        late, late_rows, retired, unused = _retire() if retire else (0, 0, (), ())
    except OperationalError as error:
        raise RotationBusyError("accounts are being saved all the time; call it again") from error
    rotation = Rotation(
        primary,
        reencrypted + late,
        tuple(find_unreadable_senders()),
        retired,
        unused,
        resealed=resealed + late_rows,
        unreadable_rows=count_unreadable_rows(),
    )
    logger.info("Encryption keys rotated", extra={"reencrypted": rotation.reencrypted, "retired": rotation.retired})
    return rotation


def _reencrypt() -> Iterator[Sender]:
    """Bring one password after the other under the primary key; yield the accounts whose row was changed."""
    for sender in Sender.objects.exclude(secret="").order_by("pk"):
        if key_id_of(sender.secret) == primary_key().id:
            continue
        try:
            secret = seal(sender.pk, unseal(sender))
        except SecretUnreadableError:
            continue
        # Only over the very ciphertext that was read: who saves the account meanwhile wins.
        if Sender.objects.filter(pk=sender.pk, secret=sender.secret).update(secret=secret):
            yield sender


def _reseal() -> int:
    return sum(rows.reseal() for rows in registered)


def _retire() -> tuple[int, int, tuple[str, ...], tuple[str, ...]]:
    """Drop, or name, the keys that no row uses; return also how many passwords and rows had to be brought along."""
    with transaction.atomic():
        _keep_savers_out()
        late, late_rows = sum(1 for _sender in _reencrypt()), _reseal()
        used = {key_id_of(secret) for secret in Sender.objects.exclude(secret="").values_list("secret", flat=True)}
        used.update(*(rows.used_key_ids() for rows in registered))
        unused = [key.id for key in load_keyring(fresh=True).keys[1:] if key.id not in used]
        if uses_environment():
            return late, late_rows, (), tuple(unused)
        return late, late_rows, drop_keys(unused), ()


def _keep_savers_out() -> None:
    """Wait for whoever saves an account, or seals a row, under an old key; let nobody begin before keys are dropped.

    SQLite's transaction has done so by beginning. On PostgreSQL this lock stops row locks and writes; reading goes on.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT:d}")
            tables = [Sender._meta.db_table, *(rows.table for rows in registered)]  # noqa: SLF001
            cursor.execute(f"LOCK TABLE {', '.join(map(connection.ops.quote_name, tables))} IN EXCLUSIVE MODE")


def find_unreadable_senders() -> Iterator[int]:
    """Find the accounts whose stored password can't be decrypted with the present keys."""
    for sender in Sender.objects.exclude(secret="").order_by("pk"):
        try:
            unseal(sender)
        except SecretUnreadableError:
            yield sender.pk


def count_unreadable_rows() -> int:
    """Count the sealed rows of other rooms that can't be opened with the present keys."""
    return sum(rows.count_unreadable() for rows in registered)

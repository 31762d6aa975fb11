"""What may be done with sender accounts; each in one short transaction.

A stored password stays with the server and login that it was typed for: `save_sender` enforces that on the locked row,
so that no race between two forms can send it elsewhere.
"""

import logging
from dataclasses import astuple, dataclass

from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from senders.enums import CircuitState, LoginMethod
from senders.exceptions import AddressTakenError, PasswordNeededError, SenderDisabledError
from senders.models import Allowance, Circuit, Sender
from senders.secrets import seal

logger = logging.getLogger(__name__)

EDITED_FIELDS = (
    "address",
    "display_name",
    "host",
    "port",
    "encryption",
    "login_method",
    "login_name",
    "trusted_certificates",
    "ehlo_name",
    "reply_to",
    "timeout",
    "unknown_policy",
    "max_connections",
    "per_minute",
    "per_hour",
    "per_day",
    "is_enabled",
)
"""What a person edits. The rest of a row is written elsewhere, and a save must not carry old values of it back."""


@dataclass(frozen=True, slots=True)
class SecretPurpose:
    """Where a password goes and whose it is: it must be typed again when any of this changes."""

    host: str
    port: int
    encryption: str
    login: str
    trusted_certificates: str


def secret_purpose(sender: Sender) -> SecretPurpose:
    """Tell what the account's password is for."""
    return SecretPurpose(sender.host, sender.port, sender.encryption, sender.login, sender.trusted_certificates)


def must_retype(stored: Sender, wanted: Sender) -> bool:
    """Tell whether `wanted` needs a password typed now, because the stored one is missing or for another use."""
    if wanted.login_method == LoginMethod.NONE:
        return False
    return not stored.secret or astuple(secret_purpose(stored)) != astuple(secret_purpose(wanted))


@sensitive_variables("password")
def save_sender(sender: Sender, *, password: str | None = None) -> Sender:
    """Create or change an account, and let its mail flow again.

    Args:
        sender: With the wanted values; changed in place.
        password: None keeps the stored one. An account that does not sign in keeps none.

    Raises:
        AddressTakenError: Another account has this address.
        PasswordNeededError: The stored password may not be used with these values; nothing was saved.
        KeyringError: The password can't be encrypted; nothing was saved.
        Sender.DoesNotExist: The account was deleted meanwhile.
    """
    try:
        with transaction.atomic():
            saved = _insert(sender, password) if sender.pk is None else _update(sender, password)
    except IntegrityError as error:
        if "sender_address_is_unique" in str(error):
            raise AddressTakenError(sender.address) from error
        raise
    logger.info("Sender account saved", extra={"sender": saved.pk})
    return saved


def delete_sender(sender: Sender) -> bool:
    """Delete an account, and tell whether it was the system default: then mail is not configured any more.

    Raises:
        Sender.DoesNotExist: It was deleted meanwhile.
    """
    with transaction.atomic():
        present = _lock(sender.pk)
        present.delete()
    logger.info("Sender account deleted", extra={"sender": sender.pk, "was_default": present.is_default})
    return present.is_default


def set_default_sender(sender: Sender | None) -> None:
    """Make an account the system default in place of any other; None leaves the system without one.

    Raises:
        SenderDisabledError: The account is disabled.
        Sender.DoesNotExist: It was deleted meanwhile.
    """
    with transaction.atomic():
        # All rows, in one order: two swaps at once wait for each other instead of meeting in the unique constraint.
        rows = {row.pk: row for row in Sender.objects.select_for_update(no_key=True).order_by("pk")}
        if sender is not None and sender.pk not in rows:
            raise Sender.DoesNotExist
        if sender is not None and not rows[sender.pk].is_enabled:
            raise SenderDisabledError(str(sender))
        Sender.objects.filter(is_default=True).update(is_default=False)
        if sender is not None:
            Sender.objects.filter(pk=sender.pk).update(is_default=True)
    logger.info("System default sender set", extra={"sender": sender.pk if sender else None})


def find_default_sender() -> Sender | None:
    """Find the system default sender."""
    return Sender.objects.filter(is_default=True).first()


def _lock(pk: int) -> Sender:
    # Not a key update: mail that refers to the account may be inserted meanwhile.
    return Sender.objects.select_for_update(no_key=True).get(pk=pk)


@sensitive_variables("password")
def _insert(sender: Sender, password: str | None) -> Sender:
    if sender.login_method != LoginMethod.NONE and not password:
        raise PasswordNeededError(sender.address)
    sender.secret = ""
    sender.is_default = False
    sender.save(force_insert=True)
    if sender.login_method != LoginMethod.NONE:
        sender.secret = seal(sender.pk, password or "")  # bound to the key that the row just got
        sender.save(update_fields=["secret"])
    return sender


@sensitive_variables("password")
def _update(sender: Sender, password: str | None) -> Sender:
    present = _lock(sender.pk)
    if not password and must_retype(present, sender):
        raise PasswordNeededError(sender.address)
    sender.secret = _next_secret(sender, present, password)
    sender.is_default = present.is_default and sender.is_enabled
    sender.save(update_fields=[*EDITED_FIELDS, "secret", "is_default", "updated_at"])
    _close_circuit(sender)
    if (present.host, present.login) != (sender.host, sender.login):
        Allowance.objects.filter(pk=sender.pk).delete()  # of another server's account: nothing of it holds here
    return sender


@sensitive_variables("password")
def _next_secret(sender: Sender, present: Sender, password: str | None) -> str:
    if sender.login_method == LoginMethod.NONE:
        return ""
    return seal(sender.pk, password) if password else present.secret


def _close_circuit(sender: Sender) -> None:
    """Let waiting mail be tried at once: what it waited for may just have been mended."""
    Circuit.objects.filter(pk=sender.pk).update(
        state=CircuitState.CLOSED,
        failures=0,
        opened_at=None,
        probe_at=None,
        phase="",
        fault="",
        cause="",
        reply="",
    )

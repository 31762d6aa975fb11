"""How each sender account stands: does its mail flow, and how did its latest test end."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from senders.enums import CircuitState
from senders.listing import SenderRow, list_rows

MAX_ACCOUNTS = 8


class Standing(models.TextChoices):
    """How an account stands; the first that holds, the worst one first."""

    UNREADABLE = "unreadable", _("Password unreadable")
    """Its stored password can't be decrypted."""
    REFUSED = "refused", _("Sign-in refused")
    """Its server refused the sign-in."""
    UNREACHABLE = "unreachable", _("Not reachable")
    """No session with its server could be opened."""
    PAUSED = "paused", _("Paused")
    """A person holds its mail."""
    DISABLED = "disabled", _("Disabled")
    """It is not to send."""
    WORKING = "working", _("Working")
    """Nothing keeps its mail."""


_TONES = {Standing.DISABLED: "open", Standing.PAUSED: "uncertain", Standing.WORKING: "success"}


@dataclass(frozen=True, slots=True)
class Account:
    """One account, its standing and its latest test."""

    row: SenderRow
    standing: Standing

    @property
    def tone(self) -> str:
        """Of which result's look it is shown in."""
        return _TONES.get(self.standing, "failed")


@dataclass(frozen=True, slots=True)
class Accounts:
    """Those that need a look first, and how many there are beside."""

    shown: list[Account]
    more: int


def list_accounts() -> Accounts:
    """List the accounts, those in trouble first."""
    found = [Account(row, _standing_of(row)) for row in list_rows()]
    order = list(Standing)
    found.sort(key=lambda account: order.index(account.standing))
    return Accounts(found[:MAX_ACCOUNTS], len(found[MAX_ACCOUNTS:]))


def _standing_of(row: SenderRow) -> Standing:
    sender, circuit = row.sender, row.circuit
    if not row.is_readable:
        return Standing.UNREADABLE
    if circuit and circuit.state == CircuitState.REFUSED:
        return Standing.REFUSED
    if circuit:
        return Standing.UNREACHABLE
    if sender.paused_at:
        return Standing.PAUSED
    return Standing.WORKING if sender.is_enabled else Standing.DISABLED

"""How each sender account stands: does its mail flow, and how did its latest test end."""

from dataclasses import dataclass

from senders.listing import SenderRow, list_rows
from senders.standing import Standing, standing_of

MAX_ACCOUNTS = 8


_TONES = {
    Standing.DISABLED: "open",
    Standing.PAUSED: "uncertain",
    Standing.LIMITED: "uncertain",
    Standing.WORKING: "success",
}


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
    found = [Account(row, standing_of(row)) for row in list_rows()]
    order = list(Standing)
    found.sort(key=lambda account: order.index(account.standing))
    return Accounts(found[:MAX_ACCOUNTS], len(found[MAX_ACCOUNTS:]))

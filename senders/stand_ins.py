"""Stand-ins: who sends the mail of an account that cannot, chosen and ordered by the admin.

A chain belongs to an account, or (without an owner) to the system default: that one is for mail that named no account.
Chains are not followed into each other, so that there are no loops: mail goes to the first of its own account's chain
that can send, and never on to a stand-in's stand-ins.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from senders.allowances import state_of
from senders.enums import CircuitState
from senders.models import Circuit, Fallback, Sender
from senders.secrets import is_readable

GRACE_FAILURES = 2
"""A server that fails once may be back for the first probe; when that fails too, others take over."""


class Trouble(StrEnum):
    """Why an account cannot send, so that others take over. What a person decided (disabled, paused) is no trouble."""

    UNREACHABLE = "unreachable"
    """Its server was not reachable, and the first probe failed as well."""
    REFUSED = "refused"
    """Its sign-in was refused."""
    PASSWORD_UNREADABLE = "password_unreadable"  # noqa: S105
    """Its stored password can't be decrypted."""
    DAY_IS_OVER = "day_is_over"
    """Its quota of today is used up; shorter waits are waited for."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of stand-ins as a page shows it."""

    chain: list[Sender]
    candidates: list[Sender]
    """Who may still join it."""


@dataclass(frozen=True, slots=True)
class StandingIn:
    """Who is stood in for now, and by whom."""

    original: Sender
    trouble: Trouble
    stand_in: Sender | None
    """None where nobody of the chain can send either."""


def find_trouble(sender: Sender, now: datetime) -> Trouble | None:
    """Tell why others take over the account's mail; None where it stays.

    Args:
        sender: Best loaded with its `circuit` and `allowance`.
        now: The database's time.
    """
    if not is_readable(sender):
        return Trouble.PASSWORD_UNREADABLE
    circuit = _circuit(sender)
    if circuit and circuit.state == CircuitState.REFUSED:
        return Trouble.REFUSED
    if circuit and circuit.state == CircuitState.OPEN and circuit.failures >= GRACE_FAILURES:
        return Trouble.UNREACHABLE
    return Trouble.DAY_IS_OVER if state_of(sender, now).is_out_for_the_day(now) else None


def can_send(sender: Sender, now: datetime) -> bool:
    """Tell whether the account sends now, for itself and for others: nothing is wrong, and nobody stopped it."""
    circuit = _circuit(sender)
    is_flowing = circuit is None or circuit.state == CircuitState.CLOSED
    return sender.is_enabled and sender.paused_at is None and is_flowing and find_trouble(sender, now) is None


def chain_of(owner: Sender | None) -> list[Sender]:
    """List the stand-ins of an account in their order, those of the system default for None."""
    rows = Fallback.objects.filter(owner=owner) if owner else Fallback.objects.filter(owner__isnull=True)
    return [row.sender for row in rows.select_related("sender__circuit", "sender__allowance")]


def shown_chain(owner: Sender | None, enabled: Iterable[Sender]) -> Chain:
    """Load a chain with who of the enabled accounts may still join it."""
    chain = chain_of(owner)
    may_join = [one for one in enabled if one not in chain and (one != owner if owner else not one.is_default)]
    return Chain(chain, may_join)


def find_stand_in(chain: Sequence[Sender], original_id: int, now: datetime) -> Sender | None:
    """Choose the first of a chain who can send for another account."""
    return next((sender for sender in chain if sender.pk != original_id and can_send(sender, now)), None)


def find_standing_in(now: datetime | None = None) -> list[StandingIn]:
    """Find the accounts that are stood in for now; one query where there is no chain at all.

    Args:
        now: The database's time; None: this machine's, which is good enough to look.
    """
    moment = now or timezone.now()
    chains = _all_chains()
    return [
        StandingIn(owner, trouble, find_stand_in(chain, owner.pk, moment))
        for owner, chain in chains.items()
        if owner.is_enabled and owner.paused_at is None and (trouble := find_trouble(owner, moment)) is not None
    ]


def _all_chains() -> dict[Sender, list[Sender]]:
    """Load every chain by its owner; that of the default before the default's own, as mail that named none has it."""
    links = list(Fallback.objects.values_list("owner_id", "sender_id"))
    if not links:
        return {}
    named = Q(is_default=True) | Q(pk__in={pk for link in links for pk in link if pk is not None})
    accounts = {each.pk: each for each in Sender.objects.filter(named).select_related("circuit", "allowance")}
    chains: dict[Sender, list[Sender]] = {}
    of_default: list[Sender] = []
    for owner_id, sender_id in links:
        chain = of_default if owner_id is None else chains.setdefault(accounts[owner_id], [])
        chain.append(accounts[sender_id])
    default = next((each for each in accounts.values() if each.is_default), None)
    if of_default and default is not None:
        chains[default] = [*of_default, *chains.get(default, [])]
    return chains


def save_chain(owner: Sender | None, senders: Sequence[Sender]) -> None:
    """Make these the stand-ins of an account in this order, those of the system default for None."""
    wanted = [sender for sender in dict.fromkeys(senders) if owner is None or sender.pk != owner.pk]
    with transaction.atomic():
        # One after the other: two people who change a chain at once must not mix theirs.
        list(Sender.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        present = Fallback.objects.filter(owner=owner) if owner else Fallback.objects.filter(owner__isnull=True)
        present.delete()
        Fallback.objects.bulk_create(
            Fallback(owner=owner, sender=sender, position=position) for position, sender in enumerate(wanted)
        )


def _circuit(sender: Sender) -> Circuit | None:
    return getattr(sender, "circuit", None)

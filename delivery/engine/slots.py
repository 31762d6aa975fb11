"""Connection slots: how many connections an account has at once, over all workers.

A slot is a row under a lease: a worker takes one before it opens a session, renews it while it lives, and gives it
back. A dead worker's slots come free by themselves.
"""

import os
import socket
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from senders.models import ConnectionSlot

LEASE = 15.0
"""How long a dead worker keeps its connections from others, seconds."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The right to one connection of one account."""

    sender_id: int
    number: int
    holder: str
    """Unique to this taking: neither a worker nor its threads are ever taken for another."""


def take_slot(sender_id: int, limit: int) -> Slot | None:
    """Take a free slot; None if all of the account's connections are in use.

    Args:
        sender_id: Whose connection.
        limit: How many the account may have at once.
    """
    slot = Slot(sender_id, 0, f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:16]}")
    with transaction.atomic(durable=True):
        number = _take_over(slot, limit)
        if number is None:
            number = _add(slot, limit)
    return None if number is None else Slot(sender_id, number, slot.holder)


def _take_over(wanted: Slot, limit: int) -> int | None:
    """Take the first slot that was given back, or whose lease is over."""
    is_free = Q(holder="") | Q(lease_until__lte=Now())
    free = ConnectionSlot.objects.filter(is_free, sender_id=wanted.sender_id, number__lt=limit)
    # SQLite ignores the lock: there the transaction began IMMEDIATE, so nobody else writes.
    slot = free.select_for_update(skip_locked=True).order_by("number").first()
    if slot is None:
        return None
    ConnectionSlot.objects.filter(pk=slot.pk).update(holder=wanted.holder, lease_until=_lease_end())
    return slot.number


def _add(wanted: Slot, limit: int) -> int | None:
    """Make a slot of a number that the account had no use for before."""
    known = set(ConnectionSlot.objects.filter(sender_id=wanted.sender_id).values_list("number", flat=True))
    for number in range(limit):
        if number in known:
            continue
        row = ConnectionSlot(sender_id=wanted.sender_id, number=number, holder=wanted.holder, lease_until=_lease_end())
        # Another may just have made it: then nothing is inserted, and the next number is tried.
        ConnectionSlot.objects.bulk_create([row], ignore_conflicts=True)
        if ConnectionSlot.objects.filter(holder=wanted.holder).exists():
            return number
    return None


def _lease_end() -> CombinedExpression:
    return Now() + timedelta(seconds=LEASE)


def renew_slots(slots: Iterable[Slot]) -> int:
    """Prolong the leases of slots that nobody else took meanwhile; returns of how many."""
    holders = [slot.holder for slot in slots]
    return ConnectionSlot.objects.filter(holder__in=holders).update(lease_until=_lease_end()) if holders else 0


def give_slots_back(slots: Iterable[Slot]) -> None:
    """Let others have the slots at once."""
    holders = [slot.holder for slot in slots]
    if holders:
        ConnectionSlot.objects.filter(holder__in=holders).update(holder="", lease_until=Now())

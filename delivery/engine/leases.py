"""Keeping the claims of a living worker alive, and showing those that take long as open records.

A short lease makes a dead worker's mails wait shortly; this makes a living worker's claims hold all the same. One
thread serves all drains of a process.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connections, transaction

from delivery.engine.claim import renew
from delivery.engine.limits import get_limits
from delivery.engine.values import Claim, Ending
from delivery.engine.written import TryRecord, open_records
from records.clock import database_now
from records.enums import MailState, Outcome
from records.models import Mail

logger = logging.getLogger(__name__)

_SAFE_PART = 0.9
"""What part of a lease a worker relies on: its clock may run a little slower than the database's."""


@dataclass(slots=True, eq=False)
class Hold:
    """Claims in a worker's hand."""

    claims: tuple[Claim, ...]
    taken: float
    """Just before they were claimed, on `time.monotonic()`."""
    holds_until: float
    renew_at: float
    stirred: float
    """When their worker last showed that it lives."""
    gone: set[int] = field(default_factory=set)
    """Mails that turned out not to be the worker's any more."""
    are_shown: bool = False

    def covers(self, mail_id: int) -> bool:
        """Tell whether the claim on the mail is known to hold now."""
        return time.monotonic() < self.holds_until and mail_id not in self.gone

    def stir(self) -> None:
        """Note that the worker goes on."""
        self.stirred = time.monotonic()


class LeaseKeeper:
    """Renews what is held, in a thread that begins with the first hold and sleeps while there is none."""

    def __init__(self) -> None:
        """Start without any hold."""
        self._changed = threading.Condition()
        self._holds: set[Hold] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = float("inf")

    @contextmanager
    def holding(self, claims: Sequence[Claim], taken: float) -> Iterator[Hold]:
        """Hold claims until the block ends."""
        hold = self.hold(claims, taken)
        try:
            yield hold
        finally:
            self.let_go(hold)

    def hold(self, claims: Sequence[Claim], taken: float) -> Hold:
        """Renew the claims' leases from now on.

        Args:
            claims: Just claimed.
            taken: `time.monotonic()` before that.
        """
        lease = get_limits().claim_lease
        hold = Hold(tuple(claims), taken, taken + lease * _SAFE_PART, taken + lease / 3, taken)
        with self._changed:
            self._holds.add(hold)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._keep, name="lease-keeper", daemon=True)
                self._thread.start()
            elif hold.renew_at < self._wakes_at:
                self._changed.notify()
        return hold

    def let_go(self, hold: Hold) -> None:
        """Renew the claims no more: they are settled or given back."""
        with self._changed:
            self._holds.discard(hold)

    def _keep(self) -> None:
        while True:
            due = self._wait_for_due()
            try:
                keep_alive(due)
            except (DatabaseError, InterfaceError):  # whoever sends a dot asks whether its hold still covers it
                logger.warning("leases could not be renewed", extra={"holds": len(due)}, exc_info=True)
                self._put_off(due)
            finally:
                connections.close_all()

    def _wait_for_due(self) -> list[Hold]:
        with self._changed:
            while True:
                now = time.monotonic()
                due = [hold for hold in self._holds if hold.renew_at <= now]
                if due:
                    return due
                self._wakes_at = min((hold.renew_at for hold in self._holds), default=float("inf"))
                self._changed.wait(self._wakes_at - now if self._holds else None)

    def _put_off(self, holds: Iterable[Hold]) -> None:
        for hold in holds:
            hold.renew_at = time.monotonic() + min(get_limits().claim_lease / 30, 1.0)


def keep_alive(holds: Collection[Hold]) -> None:
    """Renew the leases of claims once, and show those that take long."""
    limits = get_limits()
    now = time.monotonic()
    patience = limits.mail_deadline + limits.lease_margin
    kept = [hold for hold in holds if now - hold.stirred < patience]
    still_held = renew([claim for hold in kept for claim in hold.claims])
    for hold in holds:
        hold.renew_at = now + limits.claim_lease / 3
    for hold in kept:
        hold.gone |= {claim.mail_id for claim in hold.claims} - still_held
        hold.holds_until = now + limits.claim_lease * _SAFE_PART
    _show([hold for hold in kept if not hold.are_shown], now)


def _show(holds: Collection[Hold], now: float) -> None:
    """Open records of tries that are under way for long."""
    claims = [claim for hold in holds for claim in hold.claims if claim.mail_id not in hold.gone]
    opened: set[int] = set()
    if claims:
        age = timedelta(seconds=now - min(hold.taken for hold in holds))
        opened = _open_records(claims, age)
    for hold in holds:
        # A mail that somebody else had locked is opened the next time.
        hold.are_shown = opened.issuperset({claim.mail_id for claim in hold.claims} - hold.gone)


def _open_records(claims: Sequence[Claim], age: timedelta) -> set[int]:
    """Open records of claims that still stand and nobody else has locked; returns the ids of their mails."""
    with transaction.atomic(durable=True):
        # Locked, so that none is settled or given back meanwhile: its record would stand open for ever.
        held = Mail.objects.select_for_update(skip_locked=True).filter(
            pk__in=[claim.mail_id for claim in claims], state=MailState.SENDING
        )
        epochs = dict(held.values_list("pk", "epoch"))
        standing = [claim for claim in claims if epochs.get(claim.mail_id) == claim.epoch]
        started_at = database_now() - age
        open_records(
            TryRecord(receiver.receiver_id, claim.epoch, Ending(Outcome.SENDING), started_at, None)
            for claim in standing
            for receiver in claim.receivers
        )
    return {claim.mail_id for claim in standing}


lease_keeper = LeaseKeeper()
